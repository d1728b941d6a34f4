"""What a count writes: the table of mentions, the sample of rows, and the summary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from mimetic2.concepts import Concept
from mimetic2.counting.missing import mentions_high, missing_share
from mimetic2.counting.sampling import Sample
from mimetic2.counting.scanners import default_scanner
from mimetic2.counting.shards import Job, Outcome


@dataclass
class Total:
    """All shards together: rows read and missing, mentions (one number per concept), and the sample."""

    rows: int
    missing: int
    mentions: npt.NDArray[np.int64]
    sample: Sample


def counts_table(concepts: Sequence[Concept], total: Total) -> pl.DataFrame:
    """One row per concept: concept, mentions, mentions_high, group, control."""
    mentions = total.mentions.tolist()
    return pl.DataFrame(
        {
            "concept": [concept.name for concept in concepts],
            "mentions": mentions,
            "mentions_high": [mentions_high(number, total.rows, total.missing) for number in mentions],
            "group": [concept.group for concept in concepts],
            "control": [concept.control for concept in concepts],
        },
        schema={
            "concept": pl.String,
            "mentions": pl.Int64,
            "mentions_high": pl.Int64,
            "group": pl.String,
            "control": pl.Boolean,
        },
    )


def sample_table(concepts: Sequence[Concept], sample: Sample) -> pl.DataFrame:
    """One row per sampled pair: concept, url, caption, multiplicity, punsafe (null: not said), hash."""
    names = pl.Series([concept.name for concept in concepts], dtype=pl.String)
    return pl.DataFrame(
        {
            "concept": names.gather(sample.concept),
            "url": _decoded(sample.url),
            "caption": _decoded(sample.caption),
            "multiplicity": sample.multiplicity,
            "punsafe": pl.Series(sample.unsafe).fill_nan(None),
            "hash": sample.hash,
        }
    )


def _decoded(texts: Any) -> pl.Series:
    return pl.Series([text.decode("utf-8", "replace") for text in texts.to_pylist()], dtype=pl.String)


def summary(job: Job, outcomes: Mapping[str, Outcome], total: Total) -> dict[str, Any]:
    """What was read and what could not be, as plain JSON."""
    failed = [{"file": shard, "reason": outcome.reason} for shard, outcome in outcomes.items() if outcome.reason]
    return {
        "schema_version": 1,
        "rows": total.rows,
        "shards": len(outcomes),
        "concepts": len(job.concepts),
        "mentioned": int((total.mentions > 0).sum()),
        "mentions": int(total.mentions.sum()),
        "missing_rows": total.missing,
        "missing_share": missing_share(total.rows, total.missing),
        "missing": failed,
        "sample": job.sample,
        "seed": job.seed,
        "text_column": job.columns.text,
        "url_column": job.columns.url,
        "scanner": default_scanner(),
    }
