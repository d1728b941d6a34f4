"""`mimetic2 demo`: the whole method on the embedded lab."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the verb ``demo``."""
    app.command()(demo)


def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for the demo's study and run.")] = Path("mimetic2-demo"),
    as_json: Annotated[bool, typer.Option("--json", help="Print threshold.json instead of sentences.")] = False,
) -> None:
    """Run the whole method on the embedded lab, offline; run again to resume."""
    from mimetic2.cli.run import show
    from mimetic2.runs.demo import demo as run_demo

    show(run_demo(out), as_json=as_json)
