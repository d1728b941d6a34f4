"""Parquet: the chosen columns of a few row groups at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mimetic2.counting.locations import arrow_source
from mimetic2.counting.readers.columns import BATCH_ROWS, Batch, Columns, choose, of_arrow
from mimetic2.errors import InputError


def read_parquet(path: str, columns: Columns) -> Iterator[Batch]:
    """The rows of a Parquet file; of a remote one, no more than the footer and the chosen columns are fetched."""
    import pyarrow.parquet as pq

    with arrow_source(path, ahead=False) as source, pq.ParquetFile(source, pre_buffer=False) as file:
        chosen = choose(path, file.schema_arrow.names, columns)
        for name in (chosen.text, chosen.url):
            if name is not None:
                _check_text(path, name, file.schema_arrow.field(name).type)
        # Arrow keeps the row groups of one iteration in memory, so each iteration has few.
        for groups in _group_runs(file.metadata):
            for batch in file.iter_batches(BATCH_ROWS, groups, columns=chosen.present(), use_threads=False):
                yield of_arrow(batch, chosen)


def _group_runs(metadata: Any) -> Iterator[list[int]]:
    """Consecutive row groups that together fill a batch; small ones would make many small batches."""
    run: list[int] = []
    rows = 0
    for group in range(metadata.num_row_groups):
        run.append(group)
        rows += metadata.row_group(group).num_rows
        if rows >= BATCH_ROWS:
            yield run
            run, rows = [], 0
    if run:
        yield run


def _check_text(path: str, column: str, type_: Any) -> None:
    import pyarrow as pa

    inner = type_.value_type if pa.types.is_dictionary(type_) else type_
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
    views = (pa.types.is_string_view, pa.types.is_binary_view, pa.types.is_null)
    if not any(test(inner) for test in tests + views):
        raise InputError(f"holds {type_}", file=path, column=column, accepted="text")
