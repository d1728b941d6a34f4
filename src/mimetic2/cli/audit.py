"""`mimetic2 audit`: protected concepts that are over a criterion, and the rows to drop."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the verb ``audit``."""
    app.command()(audit)


def audit(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run directory, or threshold.json.")],
    captions: Annotated[list[str], typer.Option(help="File, folder or glob of captions; may be given again.")],
    protect: Annotated[Path, typer.Option(help="List of protected concepts: CSV, JSON lines or Parquet.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the tables, the rows to drop and the page.")],
    criterion: Annotated[
        str | None,
        typer.Option(metavar="onset|threshold|n50|COUNT", help="What is too many; default: the first the run has."),
    ] = None,
    fail_above: Annotated[
        bool, typer.Option("--fail-above", help="Exit with 4 if a concept is, or may be, over the criterion.")
    ] = False,
    text_column: Annotated[str | None, typer.Option(help="Column of the captions (default: TEXT, caption, …).")] = None,
    url_column: Annotated[str | None, typer.Option(help="Column of the links (default: URL, url, …).")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Worker processes (default: one per core).")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the choice among rows.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Say which protected concepts were seen too often, list the rows to drop, and count again without them."""
    import json

    from mimetic2.audit import audit as do_audit
    from mimetic2.errors import GateFailed
    from mimetic2.report import write_audit_page

    columns = {"text_column": text_column, "url_column": url_column}
    result = do_audit(run, captions, protect, out, criterion=criterion, seed=seed, workers=workers, **columns)
    page = write_audit_page(out)
    if as_json:
        print(json.dumps(result.to_dict(), indent=2, ensure_ascii=False))
    else:
        sure, maybe = result.number("over"), result.number("possibly over")
        print(f"limit: {result.limit.count:,} images, {result.limit.meaning}")
        print(f"{sure} of {len(result.table)} protected concepts are over, {maybe} more may be")
        print(f"rows to drop: {len(result.dropped):,}; counted again without them, none is over")
        print(f"page: {page}")
    if fail_above and result.over:
        raise GateFailed(f"{result.over} protected concepts are or may be over {result.limit.count:,} images")
