"""`mimetic2 report`: the page that says what a run found."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the verb ``report``."""
    app.command()(report)


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory; threshold.json alone is enough.")],
    images: Annotated[
        str | None,
        typer.Option(metavar="all|generated|none", help="Pictures on the page; default: the domain's (faces: none)."),
    ] = None,
    pseudonyms: Annotated[bool, typer.Option("--pseudonyms", help="Codes instead of names.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Default: RUN/report.html; with pseudonyms RUN/report-pseudonyms.html."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Write one self-contained HTML page about a run, and print its path."""
    from json import dumps

    from mimetic2.report import write_report

    page = write_report(run, images=images, pseudonyms=pseudonyms, out=out)
    print(dumps({"file": str(page)}, ensure_ascii=False) if as_json else page)
