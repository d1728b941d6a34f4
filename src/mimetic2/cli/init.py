"""`mimetic2 init`: a folder to start a study from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the verb ``init``."""
    app.command()(init)


def init(folder: Annotated[Path, typer.Argument(help="Folder to write into.")]) -> None:
    """Write a commented study.yaml and example tables."""
    from mimetic2.runs.starting import write_start

    for path in write_start(folder):
        print(path)
    print(f"next: put images into {folder}/reference and {folder}/generated, then mimetic2 run {folder}/study.yaml")
