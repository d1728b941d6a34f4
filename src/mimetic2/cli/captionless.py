"""`mimetic2 captionless`: how many rows may show a concept without naming it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mimetic2.cli import fetch_options as web
from mimetic2.cli.embedder_options import AllowDownload, Device, Weights
from mimetic2.cli.verifying import CutoffFile, Domain, EmbedderName, verifier

if TYPE_CHECKING:
    import polars as pl

    from mimetic2.counting.fetching import Limits
    from mimetic2.counting.survey import Opener, Survey


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
    from mimetic2.counting.correction import rates_of
    from mimetic2.counting.references import reference_table
    from mimetic2.counting.survey import Judge, survey
    from mimetic2.counting.uniform import sample_rows
    from mimetic2.files import write_json
    from mimetic2.tables import write_table

    tool, chosen = verifier(domain, cutoff, embedder, weights, device=device, allow_download=allow_download)
    listed = tuple(concept for concept in read_concepts(concepts) if not concept.minor)
    asked = web.limits(
        concurrency=concurrency, per_host=per_host, timeout=timeout, max_megabytes=max_megabytes,
        attempts=attempts, user_agent=user_agent, allow_loopback=allow_loopback,
    ) if fetch else None  # fmt: skip
    sample = sample_rows(captions, rows, seed=seed, text_column=text_column, url_column=url_column, workers=workers)
    opener = _opener(sample.frame, images, asked, block, unsafe_above)
    references = reference_table(reference, [concept.name for concept in listed], tool, None)
    rates = rates_of(chosen) if chosen.rates is not None else None
    judge = Judge(listed, tool, references, chosen)
    result = survey(sample, judge, opener, out.with_suffix(".state.sqlite"), level=level, rates=rates)
    write_json(out.with_suffix(".json"), result.summary)
    write_table(out, result.table)
    if as_json:
        print(json.dumps(result.summary, ensure_ascii=False))
    else:
        _show(result, out)


def _show(result: Survey, out: Path) -> None:
    print(f"{result.inspected:,} images of {result.sampled:,} sampled rows of {result.rows:,} looked at: {out}")
    for row in result.table.iter_rows(named=True):
        corrected = row["upper_corrected"]
        more = f", {corrected:,} corrected for false matches" if corrected is not None else ""
        print(f"{row['concept']}: {row['unnamed']} unnamed; at most {row['upper']:,} rows ({result.level:.0%}){more}")


def _opener(
    sample: pl.DataFrame, images: Path | None, limits: Limits | None, block: Path | None, unsafe_above: float
) -> Opener:
    """How the images of a batch come: from a folder, from the web, or from the lab's renderer."""
    from contextlib import nullcontext

    from mimetic2.counting.fetching import Blocklist
    from mimetic2.counting.fetching.selection import refused_links
    from mimetic2.counting.sources import Refusing, source_of
    from mimetic2.errors import InputError

    if images is not None and limits is not None:
        raise InputError("both --images and --fetch say where images come from", accepted="one of them")
    if limits is not None:
        from mimetic2.counting.fetching.passing import fetched_for_a_while

        return fetched_for_a_while(limits, Blocklist.read(block) if block is not None else None, unsafe_above)
    if images is None and not sample["url"].str.starts_with("lab://").all():
        accepted = "--images FOLDER, or --fetch to ask the web for them"
        raise InputError("the captions' links lead to the web", accepted=accepted)
    source = Refusing(source_of(images), refused_links(sample, unsafe_above=unsafe_above))
    return lambda batch: nullcontext(source)
