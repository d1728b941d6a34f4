"""`mimetic2 count`: mentions per concept in a caption dataset, and a sample of the rows that mention each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the verb ``count``."""
    app.command()(count)


def count(
    captions: Annotated[list[str], typer.Option(help="File, folder or glob of captions; may be given again.")],
    concepts: Annotated[Path, typer.Option(help="Concept list: CSV, JSON lines or Parquet.")],
    out: Annotated[Path, typer.Option(help="Table of mentions to write; the sample goes beside it.")],
    sample: Annotated[int, typer.Option(min=0, help="Rows to sample per concept.")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the sample.")] = 0,
    text_column: Annotated[str | None, typer.Option(help="Column of the captions (default: TEXT, caption, …).")] = None,
    url_column: Annotated[str | None, typer.Option(help="Column of the links (default: URL, url, …).")] = None,
    allow_missing: Annotated[
        str, typer.Option(metavar="P%", help="Share of the captions that may be unreadable, as 1%.")
    ] = "0%",
    engine: Annotated[str, typer.Option(help="local: processes of this machine; ray: a Ray cluster.")] = "local",
    address: Annotated[str | None, typer.Option(help="Address of the Ray cluster.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Worker processes (default: one per core).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Count the caption rows that mention each concept and sample them. Run again to resume."""
    from mimetic2.concepts import read_concepts
    from mimetic2.counting.counts import check_out, count_captions, sample_path, summary_path
    from mimetic2.counting.shares import share

    check_out(out, [concepts])
    table = count_captions(
        captions,
        read_concepts(concepts),
        out=out,
        sample=sample,
        seed=seed,
        text_column=text_column,
        url_column=url_column,
        allow_missing=share(allow_missing),
        engine=engine,
        address=address,
        workers=workers,
    )
    if as_json:
        print(summary_path(out).read_text(encoding="utf-8"), end="")
        return
    named = int((table["mentions"] > 0).sum())
    print(f"{int(table['mentions'].sum()):,} mentions of {named} of {len(table)} concepts: {out}, {sample_path(out)}")
