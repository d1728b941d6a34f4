"""A uniform sample of all rows of a caption dataset, whatever they say.

Every row has a pseudo-random number, a hash of the study's seed, its file's name and its place there; the rows with
the smallest ones are a uniform sample without replacement. It depends on neither order nor number of workers, but,
unlike the sample of mentions, on how the rows are dealt into files: equal rows are different rows here, because a share
of rows is what the sample is to tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from mimetic2.counting.captions import find_shards, need_pyarrow
from mimetic2.counting.locations import absolute
from mimetic2.counting.missing import check_missing, missing_rows
from mimetic2.counting.passes import Unreadable, each_shard, numbered_batches
from mimetic2.counting.readers import Batch, Columns, texts_at
from mimetic2.counting.retries import attempts, tell_unreadable
from mimetic2.counting.scanning import unsafe_flags
from mimetic2.counting.shards import Outcome, footer_rows
from mimetic2.seeding import derive_seed

SCHEMA = {"url": pl.String, "caption": pl.String, "punsafe": pl.Float64, "hash": pl.Int64}
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class RowSample:
    """``frame`` has the columns of `SCHEMA`, smallest hash first; ``rows`` is how many the dataset has.

    ``missing`` of the rows (an estimate) are in files that cannot be read, from which nothing was drawn.
    """

    frame: pl.DataFrame
    rows: int
    missing: int = 0


def sample_rows(
    captions: Sequence[str],
    number: int,
    *,
    seed: int = 0,
    text_column: str | None = None,
    url_column: str | None = None,
    allow_missing: float = 0.0,
    workers: int | None = None,
) -> RowSample:
    """``number`` rows of all, or all where there are no more.

    ``allow_missing`` is the share of rows (0 to 1) that files may have which cannot be read to their end; the sample is
    then one of the others. Raises :class:`InputError` if no file is found, a column is missing, or more rows than
    allowed cannot be read.
    """
    need_pyarrow()
    shards = find_shards(captions)
    work = partial(_sample_shard, Columns(text_column, url_column), number, seed)
    tasks = list(zip(shards, _names(shards), strict=True))
    parts, read = [pl.DataFrame(schema=SCHEMA)], dict[str, int]()
    outcomes: dict[str, Outcome] = {}
    for shard, found, rows, outcome in each_shard(work, tasks, "sample rows", workers=workers):
        outcomes[shard] = outcome
        if outcome.result is None:
            tell_unreadable(shard, outcome.reason)
            continue
        parts.append(found)
        read[shard] = rows
    total, missing = sum(read.values()), missing_rows(outcomes, read)
    check_missing({shard: outcomes[shard] for shard in shards}, total, missing, allow_missing)
    return RowSample(pl.concat(parts).sort("hash", "url", "caption").head(number), total + missing, missing)


def _names(shards: Sequence[str]) -> list[str]:
    """The files' names below the folder that holds them all, so that a copy elsewhere gives the same sample."""
    split = [PurePosixPath(absolute(shard)).parts for shard in shards]
    levels = zip(*(parts[:-1] for parts in split), strict=False)
    shared = sum(1 for _ in takewhile(lambda level: len(set(level)) == 1, levels))
    return ["/".join(parts[shared:]) for parts in split]


def _sample_shard(
    columns: Columns, number: int, seed: int, task: tuple[str, str]
) -> tuple[str, pl.DataFrame, int, Outcome]:
    """The shard, its rows with the smallest hashes, how many it has, and whether it could be read."""
    shard, name = task
    reason = ""
    for _ in attempts():
        try:
            return shard, *_smallest(columns, number, seed, shard, name), Outcome(name)
        except Unreadable as error:
            reason = str(error.__cause__)
    return shard, pl.DataFrame(schema=SCHEMA), 0, Outcome(None, reason, footer_rows(shard))


def _smallest(columns: Columns, number: int, seed: int, shard: str, name: str) -> tuple[pl.DataFrame, int]:
    key, rows, limit = derive_seed("uniform rows", seed, name), 0, np.iinfo(np.int64).max
    kept = pl.DataFrame(schema=SCHEMA)
    for start, batch in numbered_batches(shard, columns):
        rows = start + len(batch.texts)
        hashes = row_hashes(key, start, len(batch.texts))
        near = np.flatnonzero(hashes <= limit)
        if len(near) > number:
            near = np.sort(near[np.argpartition(hashes[near], number - 1)[:number]])
        if len(near):
            kept = pl.concat([kept, _rows(batch, near, hashes)]).sort("hash").head(number)
            limit = int(kept["hash"][-1]) if kept.height == number else limit
    return kept, rows


def row_hashes(key: int, start: int, number: int) -> Ints:
    """63-bit hashes of the rows ``start`` to ``start + number`` of a file with this key (SplitMix64, Steele 2014)."""
    x = (np.arange(start + 1, start + number + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)) + np.uint64(key)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((x ^ (x >> np.uint64(31))) >> np.uint64(1)).astype(np.int64)


def _rows(batch: Batch, rows: Ints, hashes: Ints) -> pl.DataFrame:
    columns: dict[str, Any] = {
        "url": texts_at(batch.urls, rows),
        "caption": texts_at(batch.texts, rows),
        "punsafe": np.full(len(rows), np.nan) if batch.unsafe is None else unsafe_flags(batch.unsafe, rows),
        "hash": hashes[rows],
    }
    return pl.DataFrame(columns, schema=SCHEMA).with_columns(pl.col("punsafe").fill_nan(None))
