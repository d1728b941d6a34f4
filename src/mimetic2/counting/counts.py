"""Mentions per concept over a whole caption dataset, and a uniform sample of the rows that mention each."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from mimetic2.concepts import Concept, folded_alike
from mimetic2.counting.captions import find_shards, need_pyarrow
from mimetic2.counting.locations import absolute, size
from mimetic2.counting.missing import check_missing, missing_rows
from mimetic2.counting.outputs import Total, counts_table, sample_table, summary
from mimetic2.counting.readers import Columns
from mimetic2.counting.retries import tell_unreadable
from mimetic2.counting.sampling import Sampler
from mimetic2.counting.shards import Job, Outcome, count_shard, read_tally
from mimetic2.errors import InputError
from mimetic2.files import keep_inputs, write_json
from mimetic2.locks import writing
from mimetic2.progress import bar, log
from mimetic2.tables import check_ending, write_table

_VISIBLE_SECONDS = 60.0
_WORTH_A_WORKER = 1 << 25
"""Bytes of captions that take longer to count than a process takes to start."""


def sample_path(out: str | Path) -> Path:
    """Where the sample of a counts table is: ``counts.csv`` has ``counts.sample.parquet``."""
    return Path(out).with_suffix(".sample.parquet")


def summary_path(out: str | Path) -> Path:
    """Where a counts table's summary is: ``counts.csv`` has ``counts.json``."""
    return Path(out).with_suffix(".json")


def shards_path(out: str | Path) -> Path:
    """The folder of results per shard: a second run reads them instead of the shards; it may be deleted."""
    return Path(out).with_suffix(".shards")


def check_out(out: str | Path, inputs: Sequence[str | Path]) -> None:
    """Raise :class:`InputError` if ``out`` is no name of a table, or what is written there would replace an input."""
    check_ending(out)
    keep_inputs((out, sample_path(out), summary_path(out)), inputs)


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
    """Count the caption rows that mention each concept and sample them; called again, go on where it stopped.

    ``captions`` are files, folders or globs; minors among the ``concepts`` are left out. Writes ``out`` (one row per
    concept: concept, mentions, mentions_high, group, control), beside it the sample (concept, url, caption,
    multiplicity, punsafe, hash; smallest hash first within a concept, so that the first j rows are a sample of j), a
    summary in JSON and a folder of results per shard.

    ``allow_missing`` is the share of rows (0 to 1) that unreadable shards may have. ``mentions_high`` then says how
    many mentions there may be with theirs (95 %; see :mod:`mimetic2.counting.missing`); else it equals mentions.

    Raises :class:`InputError` if no file is found, ``out`` would replace one, a column is missing, or more rows than
    allowed cannot be read.
    """
    need_pyarrow()
    listed = tuple(concept for concept in concepts if not concept.minor)
    if len(listed) < len(concepts):
        log(f"{len(concepts) - len(listed)} concepts marked as minors are left out")
    for names in folded_alike(listed):
        log(f"{' and '.join(map(repr, names))} are one name to captions: each gets the other's rows; merge them")
    shards = find_shards(captions)
    check_out(out, shards)
    folder = shards_path(out)
    job = Job(listed, Columns(text_column, url_column), sample, seed, str(folder.resolve()))
    with writing(folder, "these counts"):
        outcomes = _count_shards(job, shards, engine, address, workers)
        total = _add_up(job, outcomes)
        check_missing(outcomes, total.rows, total.missing, allow_missing)
        counts = counts_table(listed, total)
        write_table(sample_path(out), sample_table(listed, total.sample))
        write_json(summary_path(out), summary(job, outcomes, total))
        write_table(out, counts)
        _forget_others(folder, outcomes)
    return counts


def _count_shards(
    job: Job, shards: Sequence[str], engine: str, address: str | None, workers: int | None
) -> dict[str, Outcome]:
    from functools import partial

    from mimetic2.engines import get_engine, usable_cores

    outcomes: dict[str, Outcome] = {}
    digest = job.digest()
    for shard in shards:
        result = job.result_path(shard, digest)
        if result.exists():
            outcomes[shard] = Outcome(result.name)
    todo = [shard for shard in shards if shard not in outcomes]
    if engine == "local" and workers is None:
        workers = min(usable_cores(), 1 + sum(map(size, todo)) // _WORTH_A_WORKER)
    runner = get_engine(engine, address=address, workers=workers)
    with bar("count", len(shards), unit="shards", already=len(outcomes)) as progress:
        for index, outcome in runner.run(partial(count_shard, job), [absolute(shard) for shard in todo]):
            outcomes[todo[index]] = outcome
            _await_visible(Path(job.folder), outcome)
            if outcome.reason is not None:
                tell_unreadable(todo[index], outcome.reason)
            progress.advance()
    return {shard: outcomes[shard] for shard in shards}


def _await_visible(folder: Path, outcome: Outcome) -> None:
    """Wait until a worker's result is seen here: network file systems remember for some seconds that it was not."""
    if outcome.result is None:
        return
    deadline = time.monotonic() + _VISIBLE_SECONDS
    while not (folder / outcome.result).exists():
        if time.monotonic() > deadline:
            problem = f"a worker on {outcome.host} wrote {outcome.result} there, which is not to be seen here"
            raise InputError(problem, file=folder, accepted="an --out on a file system that all nodes share")
        time.sleep(0.5)


def _add_up(job: Job, outcomes: Mapping[str, Outcome]) -> Total:
    read, mentions = dict[str, int](), np.zeros(len(job.concepts), np.int64)
    sampler = Sampler(len(job.concepts), job.sample, job.seed)
    for shard, outcome in outcomes.items():
        if outcome.result is None:
            continue
        tally = read_tally(Path(job.folder) / outcome.result, len(job.concepts))
        read[shard] = tally.rows
        mentions += tally.mentions
        sampler.add(tally.sample)
    return Total(sum(read.values()), missing_rows(outcomes, read), mentions, sampler.sample())


def _forget_others(folder: Path, outcomes: Mapping[str, Outcome]) -> None:
    """Delete what nothing reads any more: results of other options and older files, and what killed workers left."""
    kept = {outcome.result for outcome in outcomes.values()}
    for path in [*folder.glob("*.parquet"), *folder.glob(".*.tmp")]:
        if path.name not in kept:
            path.unlink(missing_ok=True)
