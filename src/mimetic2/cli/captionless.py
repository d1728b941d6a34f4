"""`mimetic2 captionless`: how many rows may show a concept without naming it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mimetic2.cli import fetch_options as web
from mimetic2.cli.embedder_options import AllowDownload, Device, Weights
from mimetic2.cli.verifying import CutoffFile, Domain, EmbedderName, verifier

if TYPE_CHECKING:
    from mimetic2.counting.survey import Survey


def register(app: typer.Typer) -> None:
    """Add the verb ``captionless``."""
    app.command()(captionless)


def captionless(
    captions: Annotated[list[str], typer.Option(help="File, folder or glob of captions; may be given again.")],
    concepts: Annotated[Path, typer.Option(help="Concept list.")],
    reference: Annotated[Path, typer.Option(help="Folder of reference images, a folder per concept.")],
    out: Annotated[Path, typer.Option(help="Table of bounds to write, one row a concept.")],
    rows: Annotated[int, typer.Option(min=1, max=1_000_000, help="Rows of the dataset to look at, drawn at random.")],
    images: Annotated[Path | None, typer.Option(help="Folder with the images, of img2dataset or `fetch`.")] = None,
    fetch: Annotated[bool, typer.Option("--fetch", help="Fetch them; each is deleted once it was compared.")] = False,
    domain: Domain = None,
    cutoff: CutoffFile = None,
    embedder: EmbedderName = None,
    weights: Weights = None,
    device: Device = None,
    allow_download: AllowDownload = False,
    level: Annotated[float, typer.Option(min=0.5, max=0.999, help="Level of the bounds.")] = 0.95,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the sample.")] = 0,
    text_column: Annotated[str | None, typer.Option(help="Column of the captions (default: TEXT, caption, …).")] = None,
    url_column: Annotated[str | None, typer.Option(help="Column of the links (default: URL, url, …).")] = None,
    allow_missing: Annotated[
        str, typer.Option(metavar="P%", help="Share of the captions that may be unreadable, as 1%.")
    ] = "0%",
    workers: Annotated[int | None, typer.Option(min=1, help="Worker processes (default: one per core).")] = None,
    block: web.Block = None,
    unsafe_above: web.UnsafeAbove = 0.5,
    concurrency: web.Concurrency = 32,
    per_host: web.PerHost = 2,
    timeout: web.Timeout = 30.0,
    max_megabytes: web.MaxMegabytes = 20.0,
    attempts: web.Attempts = 3,
    user_agent: web.UserAgent = None,
    allow_loopback: web.AllowLoopback = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Bound the rows that show a concept without naming it, from a random sample of all. Run again to resume."""
    import json

    from mimetic2.concepts import read_concepts
    from mimetic2.counting.dataset import outputs_of, survey_dataset
    from mimetic2.counting.fetching import Blocklist
    from mimetic2.counting.fetching.client import limits_of
    from mimetic2.counting.shares import share
    from mimetic2.files import keep_inputs

    keep_inputs(outputs_of(out), [concepts, cutoff, domain, block])
    chosen = verifier(domain, cutoff, embedder, weights, device=device, allow_download=allow_download)
    limits = limits_of(
        concurrency=concurrency,
        per_host=per_host,
        timeout=timeout,
        max_megabytes=max_megabytes,
        attempts=attempts,
        user_agent=user_agent,
        allow_loopback=allow_loopback,
    )
    result = survey_dataset(
        captions,
        read_concepts(concepts),
        reference,
        chosen.embedder,
        cutoff=chosen.cutoff,
        out=out,
        rows=rows,
        images=images,
        fetch=limits if fetch else None,
        block=Blocklist.read(block) if block is not None else None,
        unsafe_above=unsafe_above,
        level=level,
        seed=seed,
        text_column=text_column,
        url_column=url_column,
        allow_missing=share(allow_missing),
        workers=workers,
    )
    if as_json:
        print(json.dumps({**result.summary, "warnings": chosen.warnings}, ensure_ascii=False))
    else:
        _show(result, out)


def _show(result: Survey, out: Path) -> None:
    missing = f" ({result.missing_rows:,} of them in files that cannot be read)" if result.missing_rows else ""
    sampled = f"{result.sampled:,} sampled rows of {result.rows:,}{missing}"
    print(f"{result.inspected:,} images of {sampled} looked at: {out}")
    for row in result.table.iter_rows(named=True):
        corrected = row["upper_corrected"]
        more = f", {corrected:,} corrected for false matches" if corrected is not None else ""
        print(f"{row['concept']}: {row['unnamed']} unnamed; at most {row['upper']:,} rows ({result.level:.0%}){more}")
