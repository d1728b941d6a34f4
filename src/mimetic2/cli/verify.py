"""`mimetic2 verify`: fetched images and references to counts with intervals."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import polars as pl

    from mimetic2.counting.correction import ErrorRates
    from mimetic2.domains import Cutoff


def register(app: typer.Typer) -> None:
    """Add the verb ``verify``."""
    app.command()(verify)


def verify(
    concepts: Annotated[Path, typer.Option(help="Table of mentions that `count` wrote (concept, mentions).")],
    reference: Annotated[Path, typer.Option(help="Folder of reference images, a folder per concept.")],
    out: Annotated[Path, typer.Option(help="Table of counts to write; the verified rows go beside it.")],
    images: Annotated[
        Path | None, typer.Option(help="Folder that `fetch` or img2dataset wrote; without it, links of the lab.")
    ] = None,
    sample: Annotated[
        Path | None, typer.Option(help="Sample that `count` wrote; default: the rows that `fetch` listed.")
    ] = None,
    domain: Annotated[
        str | None, typer.Option(help="Domain, or its YAML file, that holds the cut-off; the lab's without --images.")
    ] = None,
    embedder: Annotated[str | None, typer.Option(help="Embedder (default: the domain's).")] = None,
    weights: Annotated[Path | None, typer.Option(help="Your own copy of the embedder's weights.")] = None,
    cache: Annotated[Path | None, typer.Option(help="Folder to resume from (owner only).")] = None,
    level: Annotated[float, typer.Option(min=0.5, max=0.999, help="Level of the intervals.")] = 0.95,
    correct: Annotated[bool, typer.Option("--correct", help="Correct for the cut-off's measured errors.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the correction's simulation.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print the funnel as JSON.")] = False,
) -> None:
    """Verify sampled images and scale mentions to counts."""
    from json import dumps

    import polars as pl

    from mimetic2.counting.duplicates import count_duplicates
    from mimetic2.counting.effective import effective_counts
    from mimetic2.counting.sources import fetched_rows, source_of
    from mimetic2.counting.verification import cutoff_for, verify_sample
    from mimetic2.domains import load_domain
    from mimetic2.embedding import get_embedder
    from mimetic2.errors import InputError
    from mimetic2.tables import read_table, write_table

    mentions = _mentions(concepts)
    if sample is None and images is None:
        raise InputError("neither --images nor --sample says which rows to verify")
    rows = read_table(sample, ["concept", "url"]) if sample is not None else fetched_rows(images or Path())
    if domain is None and images is not None:
        raise InputError(
            "--domain is missing: a cut-off is for one kind of concept", accepted="a domain's name or file"
        )
    about = load_domain(domain or "lab")
    tool = get_embedder(embedder or about.embedder, weights)
    cutoff = cutoff_for(tool, domain=about)
    rates = _rates(cutoff, about.name) if correct else None
    verified = verify_sample(rows, source_of(images), tool, reference, cutoff=cutoff, out=cache)
    counts = effective_counts(mentions, verified, level=level, rates=rates, seed=seed)
    counts = counts.join(count_duplicates(verified, mentions), on="concept", how="left", maintain_order="left")
    write_table(out.with_suffix(".verified.parquet"), verified)
    write_table(out, counts)
    funnel = {name: int(counts[name].sum()) for name in ("mentions", "sampled", "alive", "verified")}
    reasons = verified.filter(~pl.col("alive")).group_by("reason").agg(pl.col("multiplicity").sum()).sort("reason")
    if json:
        print(dumps({**funnel, "dead": dict(reasons.iter_rows())}, ensure_ascii=False))
        return
    print(" → ".join(f"{number:,} {name}" for name, number in funnel.items()) + f" rows: {out}")
    for reason, number in reasons.iter_rows():
        print(f"{number:>9,} dead: {reason}")


def _mentions(path: Path) -> pl.DataFrame:
    import polars as pl

    from mimetic2.tables import names, numbers, read_table

    table = read_table(path, ["concept", "mentions"])
    found = [int(number or 0) for number in numbers(table, "mentions", file=path, minimum=0, whole=True)]
    listed = names(table, file=path)
    return table.with_columns(pl.Series("concept", listed), pl.Series("mentions", found, pl.Int64))


def _rates(cutoff: Cutoff, domain: str) -> ErrorRates:
    from mimetic2.counting.correction import ErrorRates
    from mimetic2.errors import InputError

    if cutoff.rates is None:
        raise InputError(f"the cut-off of '{domain}' has no measured error rates", accepted="'rates' in the domain")
    return ErrorRates(**cutoff.rates.model_dump())
