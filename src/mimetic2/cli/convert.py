"""`mimetic2 convert`: a pickled checkpoint made into safetensors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the verb ``convert``."""
    app.command()(convert)


def convert(
    file: Annotated[Path, typer.Argument(help="Checkpoint: .bin, .ckpt, .pt or .pth.")],
    out: Annotated[Path | None, typer.Option(help="New file; default: the same name with .safetensors.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Make safetensors of a checkpoint's tensors, without running what a pickle may contain."""
    from json import dumps

    from mimetic2.generation.convert import convert as convert_file

    made = convert_file(file, out)
    print(dumps({"file": str(made)}, ensure_ascii=False) if as_json else made)
