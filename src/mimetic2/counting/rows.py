"""The rows themselves that mention a concept, not only their number: for whoever wants to look at them or drop them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import polars as pl

from mimetic2.concepts import Concept
from mimetic2.counting.captions import find_shards, need_pyarrow
from mimetic2.counting.locations import identity
from mimetic2.counting.matching import Matcher
from mimetic2.counting.passes import each_shard, numbered_batches
from mimetic2.counting.readers import Batch, Columns, texts_at
from mimetic2.counting.sampling import Ints
from mimetic2.files import atomic

ROWS = {"file": pl.String, "row": pl.Int64, "concept": pl.String, "url": pl.String, "caption": pl.String}
"""A mention: its caption file, its row there (the first is 0), whom it names; link and caption as they stand."""

_FOUND = {"row": pl.Int64, "index": pl.Int64, "url": pl.String, "caption": pl.String}


@dataclass(frozen=True)
class _Search:
    concepts: tuple[Concept, ...]
    columns: Columns
    folder: str

    def result_path(self, shard: str) -> Path:
        said = [[concept.phrases for concept in self.concepts], self.columns.text, self.columns.url, shard]
        digest = hashlib.sha256(f"{json.dumps(said)}:{identity(shard)}".encode()).hexdigest()
        return Path(self.folder) / f"{digest[:40]}.parquet"


def mentioning_rows(
    captions: Sequence[str],
    concepts: Sequence[Concept],
    *,
    folder: Path,
    text_column: str | None = None,
    url_column: str | None = None,
    workers: int | None = None,
) -> pl.DataFrame:
    """Every row that mentions a concept, one line per row and concept, with the columns of :data:`ROWS`.

    In the order of files, rows and the list. What each caption file gave is kept in ``folder``, where a second call
    finds it. Raises :class:`InputError` if no file is found, a column is missing, or a file cannot be read to its end:
    a list of rows that leaves some out would be worse than none.
    """
    need_pyarrow()
    folder.mkdir(parents=True, exist_ok=True)
    search = _Search(tuple(concepts), Columns(text_column, url_column), str(folder.resolve()))
    shards = find_shards(captions)
    todo = [shard for shard in shards if not search.result_path(shard).exists()]
    for _ in each_shard(
        partial(_search_shard, search), todo, "find rows", already=len(shards) - len(todo), workers=workers
    ):
        pass  # each result is a file in the folder
    names = pl.Series([concept.name for concept in concepts], dtype=pl.String)
    parts = []
    for shard in shards:
        found = pl.read_parquet(search.result_path(shard))
        parts.append(found.with_columns(file=pl.lit(shard), concept=names.gather(found["index"])).select(list(ROWS)))
    return pl.concat(parts) if parts else pl.DataFrame(schema=ROWS)


def recount(
    captions: Sequence[str],
    concepts: Sequence[Concept],
    dropped: pl.DataFrame,
    *,
    text_column: str | None = None,
    workers: int | None = None,
) -> pl.DataFrame:
    """Mentions per concept (columns concept, mentions), counted anew from the files without the rows ``dropped``.

    ``dropped`` has the columns file and row. Raises as :func:`mentioning_rows`.
    """
    need_pyarrow()
    shards = find_shards(captions, quiet=True)
    rows = {str(file): part["row"].to_numpy() for (file,), part in dropped.group_by("file")}
    tasks = [(shard, rows.get(shard, np.empty(0, np.int64))) for shard in shards]
    count = partial(_count_without, tuple(concepts), Columns(text_column))
    total = sum(each_shard(count, tasks, "recount", workers=workers), np.zeros(len(concepts), np.int64))
    return pl.DataFrame({"concept": [concept.name for concept in concepts], "mentions": total})


def _hits(shard: str, concepts: tuple[Concept, ...], columns: Columns) -> Iterator[tuple[int, Batch, Ints, Ints]]:
    """(row of the batch's first caption, batch, rows in it that mention a concept, indexes of the concepts)."""
    for start, batch in numbered_batches(shard, columns):
        rows, indexes = _matcher(concepts).match(batch.texts)
        yield start, batch, rows, indexes


@lru_cache(maxsize=1)
def _matcher(concepts: tuple[Concept, ...]) -> Matcher:
    return Matcher(concepts)


def _search_shard(search: _Search, shard: str) -> None:
    """Write the rows of a shard that mention a concept."""
    path = search.result_path(shard)
    parts = [pl.DataFrame(schema=_FOUND)]
    for start, batch, rows, indexes in _hits(shard, search.concepts, search.columns):
        columns = {"row": rows + start, "index": indexes}
        texts = {"url": texts_at(batch.urls, rows), "caption": texts_at(batch.texts, rows)}
        parts.append(pl.DataFrame({**columns, **texts}, schema=_FOUND))
    with atomic(path) as temporary:
        pl.concat(parts).write_parquet(temporary)


def _count_without(concepts: tuple[Concept, ...], columns: Columns, task: tuple[str, Ints]) -> Ints:
    shard, dropped = task
    mentions = np.zeros(len(concepts), np.int64)
    for start, _, rows, indexes in _hits(shard, concepts, columns):
        kept = ~np.isin(rows + start, dropped)
        mentions += np.bincount(indexes[kept], minlength=len(concepts))
    return mentions
