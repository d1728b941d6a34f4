"""Mentions per concept over a whole caption dataset, and a uniform sample of the rows that mention each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from mimetic2.concepts import Concept
from mimetic2.counting.captions import find_shards, need_pyarrow
from mimetic2.counting.matching import Matcher
from mimetic2.counting.readers import Columns
from mimetic2.counting.sampling import BottomK
from mimetic2.counting.scanning import Tally, scan_shard
from mimetic2.tables import write_table


def sample_path(out: str | Path) -> Path:
    """Where the sample of a counts table is: ``counts.csv`` has ``counts.sample.parquet``."""
    return Path(out).with_suffix(".sample.parquet")


def count_captions(
    captions: Sequence[str],
    concepts: Sequence[Concept],
    *,
    out: Path,
    sample: int = 100,
    seed: int = 0,
    text_column: str | None = None,
    url_column: str | None = None,
    allow_missing: float = 0.0,
    engine: str = "local",
    address: str | None = None,
    workers: int | None = None,
) -> pl.DataFrame:
    """Count the caption rows that mention each concept and sample them.

    ``captions`` are files, folders or globs. Writes ``out`` (one row per concept: concept, mentions, group, …) and
    beside it the sample (concept, url, caption, multiplicity, hash; smallest hash first within a concept).
    """
    need_pyarrow()
    columns = Columns(text_column, url_column)
    matcher = Matcher(concepts)
    tallies = [
        scan_shard(shard, matcher, columns, concepts=len(concepts), sample=sample, seed=seed)
        for shard in find_shards(captions)
    ]
    counts, rows = _tables(tallies, concepts, sample)
    write_table(sample_path(out), rows)
    write_table(out, counts)
    return counts


def _tables(tallies: Sequence[Tally], concepts: Sequence[Concept], sample: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    mentions = np.zeros(len(concepts), np.int64)
    kept: dict[int, BottomK] = {}
    for tally in tallies:
        mentions += tally.mentions
        for index, entries in tally.samples.items():
            kept.setdefault(index, BottomK(sample)).merge(entries)
    counts = pl.DataFrame(
        {
            "concept": [concept.name for concept in concepts],
            "mentions": mentions,
            "group": [concept.group for concept in concepts],
            "control": [concept.control for concept in concepts],
        },
        schema={"concept": pl.String, "mentions": pl.Int64, "group": pl.String, "control": pl.Boolean},
    )
    rows = [
        (concepts[index].name, url, caption, multiplicity, value)
        for index in sorted(kept)
        for value, url, caption, multiplicity in kept[index].entries()
    ]
    schema = {"concept": pl.String, "url": pl.String, "caption": pl.String}
    return counts, pl.DataFrame(rows, schema={**schema, "multiplicity": pl.Int64, "hash": pl.Int64}, orient="row")
