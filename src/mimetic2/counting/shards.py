"""A shard's result on disk: written once, whole, and found again by what it was made of.

The name of a result is a digest of everything that decides it: the file (path, size, time of change, its end), the
names searched for, the sample's size and seed, the columns. A second run reads it instead of the shard; a changed file
or option finds nothing and counts again. The folder is the only thing workers share, so it must be one that all see.
"""

from __future__ import annotations

import hashlib
import json
import socket
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from mimetic2.concepts import Concept
from mimetic2.counting.locations import absolute, arrow_source, identity
from mimetic2.counting.matching import Matcher
from mimetic2.counting.readers import Columns, UnreadableShard, kind
from mimetic2.counting.retries import attempts
from mimetic2.counting.sampling import Sample
from mimetic2.counting.scanning import Tally, scan_shard
from mimetic2.files import atomic

FORMAT = 4
"""Raised when a result of older code must not be read."""


@dataclass(frozen=True)
class Job:
    """What is counted in every shard, and where results go."""

    concepts: tuple[Concept, ...]
    columns: Columns
    sample: int
    seed: int
    folder: str

    def digest(self) -> str:
        """Of everything but the folder."""
        phrases = [concept.phrases for concept in self.concepts]
        parts = [FORMAT, phrases, self.columns.text, self.columns.url, self.sample, self.seed]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def result_path(self, shard: str, digest: str, *, fresh: bool = False) -> Path:
        """Where the shard's result is, or will be. Raises OSError if the shard cannot be opened."""
        name = hashlib.sha256(f"{digest}:{absolute(shard)}:{identity(shard, fresh=fresh)}".encode()).hexdigest()
        return Path(self.folder) / f"{name[:40]}.parquet"


@dataclass(frozen=True)
class Outcome:
    """A shard's end: the name of its result, or why it has none; ``rows`` it should have, where its footer says so.

    ``host`` is the machine that wrote the result.
    """

    result: str | None
    reason: str | None = None
    rows: int | None = None
    host: str | None = None


def count_shard(job: Job, shard: str) -> Outcome:
    """Count one shard and write its result. Runs in a worker.

    A shard that cannot be read is tried several times (`retries`); then the outcome says why.
    """
    matcher, digest = _prepared(job)
    reason = ""
    for _ in attempts():
        try:
            path = job.result_path(shard, digest)
            sizes = {"concepts": len(job.concepts), "sample": job.sample, "seed": job.seed}
            tally = scan_shard(shard, matcher, job.columns, **sizes)
            if job.result_path(shard, digest, fresh=True) != path:
                raise UnreadableShard("changed while it was read")
        except (UnreadableShard, OSError) as error:
            reason = " ".join(str(error).split())
            continue
        write_tally(path, tally)
        return Outcome(path.name, host=socket.gethostname())
    return Outcome(None, reason, footer_rows(shard))


@lru_cache(maxsize=1)
def _prepared(job: Job) -> tuple[Matcher, str]:
    return Matcher(job.concepts), job.digest()


def footer_rows(shard: str) -> int | None:
    """How many rows a Parquet file says it has; None for other files and for one whose footer cannot be read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if kind(shard) != ".parquet":
        return None
    try:
        with arrow_source(shard, ahead=False) as source:
            return int(pq.read_metadata(source).num_rows)
    except (OSError, pa.ArrowException):
        return None


def write_tally(path: Path, tally: Tally) -> None:
    """Write a tally as one Parquet file: the sample as rows, the numbers in its metadata."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    mentioned = np.flatnonzero(tally.mentions)
    numbers = {"rows": tally.rows, "mentions": {int(index): int(tally.mentions[index]) for index in mentioned}}
    columns = {field.name: getattr(tally.sample, field.name) for field in fields(Sample)}
    table = pa.table({name: pa.array(column) for name, column in columns.items()})
    with atomic(path) as temporary:
        pq.write_table(table.replace_schema_metadata({"mimetic2": json.dumps(numbers)}), temporary)


def read_tally(path: Path, concepts: int) -> Tally:
    """Read what :func:`write_tally` wrote."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    numbers = json.loads(table.schema.metadata[b"mimetic2"])
    mentions = np.zeros(concepts, np.int64)
    for index, number in numbers["mentions"].items():
        mentions[int(index)] = number
    columns: dict[str, Any] = {
        name: table.column(name).to_numpy() for name in ("concept", "hash", "multiplicity", "unsafe")
    }
    columns |= {name: table.column(name).cast(pa.large_binary()).combine_chunks() for name in ("url", "caption")}
    return Tally(numbers["rows"], mentions, Sample(**columns))
