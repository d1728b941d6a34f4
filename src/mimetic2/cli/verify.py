"""`mimetic2 verify`: fetched images and references to counts with intervals."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mimetic2.cli.embedder_options import AllowDownload, Device, Weights
from mimetic2.cli.verifying import CutoffFile, EmbedderName, FilterCutoff, FilterWeights, verifier


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
    cutoff: CutoffFile = None,
    embedder: EmbedderName = None,
    weights: Weights = None,
    filter_weights: FilterWeights = None,
    filter_cutoff: FilterCutoff = None,
    device: Device = None,
    allow_download: AllowDownload = False,
    cache: Annotated[Path | None, typer.Option(help="Folder to resume from (owner only).")] = None,
    level: Annotated[float, typer.Option(min=0.5, max=0.999, help="Level of the intervals.")] = 0.95,
    correct: Annotated[bool, typer.Option("--correct", help="Correct for the cut-off's measured errors.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the correction's simulation.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print the funnel as JSON.")] = False,
) -> None:
    """Verify sampled images and scale mentions to counts."""
    from json import dumps

    from mimetic2.counting.correction import rates_of
    from mimetic2.counting.duplicates import with_duplicates
    from mimetic2.counting.effective import effective_counts
    from mimetic2.counting.fetching.selection import refused_links
    from mimetic2.counting.funnel import STEPS, funnel_of
    from mimetic2.counting.mentions import read_mentions
    from mimetic2.counting.sources import Refusing, fetched_rows, source_of
    from mimetic2.counting.verification import verify_sample
    from mimetic2.errors import InputError
    from mimetic2.files import keep_inputs
    from mimetic2.tables import check_ending, read_table, write_table

    check_ending(out)
    keep_inputs([out, out.with_suffix(".verified.parquet")], [concepts, sample, cutoff, domain, filter_cutoff])
    mentions = read_mentions(concepts)
    if sample is None and images is None:
        raise InputError("neither --images nor --sample says which rows to verify")
    rows = read_table(sample, ["concept", "url"]) if sample is not None else fetched_rows(images or Path())
    of_the_lab = "lab" if images is None and cutoff is None else None
    chosen = verifier(
        domain or of_the_lab,
        cutoff,
        embedder,
        weights,
        device=device,
        allow_download=allow_download,
        filter_weights=filter_weights,
        filter_cutoff=filter_cutoff,
    )
    rates = rates_of(chosen.cutoff, filtered=chosen.kind is not None) if correct else None
    source = Refusing(source_of(images), refused_links(rows))
    verified = verify_sample(
        rows, source, chosen.embedder, reference, cutoff=chosen.cutoff, kind=chosen.kind, out=cache
    )
    estimated = effective_counts(mentions, verified, level=level, rates=rates, seed=seed)
    counts = with_duplicates(estimated, verified, mentions)
    write_table(out.with_suffix(".verified.parquet"), verified)
    write_table(out, counts)
    funnel = funnel_of(counts, verified)
    if json:
        print(dumps({**funnel, "warnings": chosen.warnings}, ensure_ascii=False))
        return
    print(" → ".join(f"{funnel[name]:,} {name}" for name in STEPS) + f" rows: {out}")
    if chosen.kind is not None:
        print(f"{funnel['of_kind']:>9,} alive and passed by the filter '{chosen.kind.cutoff.text}'")
    for kind in ("dead", "unjudged"):
        for reason, number in funnel[kind].items():
            print(f"{number:>9,} {kind}: {reason}")
