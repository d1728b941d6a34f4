"""`mimetic2 clean`: remove biometric data from a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the verb ``clean``."""
    app.command()(clean)


def clean(
    run: Annotated[Path, typer.Argument(help="Run directory.")],
    biometrics: Annotated[bool, typer.Option("--biometrics", help="Remove embeddings and crops.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Remove embeddings and crops from a run; tables, verdict and report stay."""
    from json import dumps

    from mimetic2.errors import InputError
    from mimetic2.progress import log
    from mimetic2.runs.cleaning import pages_with_images, remove_biometrics

    if not biometrics:
        raise InputError("clean: nothing was asked for", accepted="--biometrics")
    removed = remove_biometrics(run)
    if as_json:
        print(dumps({"removed": [str(path) for path in removed]}, ensure_ascii=False))
    elif not removed:
        print(f"{run} holds no embeddings and no crops")
    for path in removed if not as_json else ():
        print(f"removed {path}")
    for page in pages_with_images(run):
        log(f"{page} still shows images; 'mimetic2 report {run} --images none --out {page}' writes it without them")
