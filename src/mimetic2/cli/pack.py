"""`mimetic2 pack`: a run as one file to publish, and the check of such a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the verb ``pack``."""
    app.command()(pack)


def pack(
    run: Annotated[Path | None, typer.Argument(metavar="RUN", help="The run directory to pack.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Default: RUN.zip beside the run.")] = None,
    check: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Check this pack instead; exit 4 if it fails.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Pack tables, verdict and page of a run, without images, embeddings and links; or check a pack."""
    from json import dumps

    from mimetic2.errors import InputError
    from mimetic2.packing import check_pack, pack_run

    if (run is None) == (check is None):
        raise InputError("either a run to pack or a file to check is wanted", accepted="pack RUN, or pack --check FILE")
    if check is not None:
        held = check_pack(check)
        print(dumps({"file": str(check), "holds": held}, ensure_ascii=False) if as_json else "\n".join(held))
        return
    assert run is not None
    made = pack_run(run, out)
    if as_json:
        said = {"file": str(made.path), "sha256": made.sha256, "files": list(made.names)}
        print(dumps(said, ensure_ascii=False))
        return
    print(made.path)
    print(f"sha256 {made.sha256}, {len(made.names)} files: {', '.join(made.names)}")
