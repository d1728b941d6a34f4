"""Caption files of every kind, read in batches of bounded size: Parquet, CSV, JSON lines, plain lines, tar.

What a file's kind needs is decided by its ending alone; ``.gz`` and ``.zst`` after it are unpacked on the way. A file
that cannot be read to its end raises :class:`UnreadableShard`, which the caller may retry or count as missing; a column
that is not there raises :class:`InputError`, which no retry mends.
"""

from __future__ import annotations

import csv
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mimetic2.counting.readers.columns import BATCH_ROWS, Batch, Columns, UnreadableShard, texts_at
from mimetic2.counting.readers.csv_file import read_csv
from mimetic2.counting.readers.lines import read_json_lines, read_lines
from mimetic2.counting.readers.packing import PACKINGS
from mimetic2.counting.readers.parquet import read_parquet
from mimetic2.counting.readers.webdataset import read_tar

__all__ = ["BATCH_ROWS", "ENDINGS", "Batch", "Columns", "UnreadableShard", "batches", "kind", "texts_at"]

_READERS: dict[str, Callable[[str, Columns], Iterator[Batch]]] = {
    ".parquet": read_parquet,
    ".csv": read_csv,
    ".jsonl": read_json_lines,
    ".txt": read_lines,
    ".tar": read_tar,
}
_PACKED = (".csv", ".jsonl", ".txt")
ENDINGS = (*_READERS, *(ending + packing for ending in _PACKED for packing in PACKINGS))


def batches(path: str, columns: Columns) -> Iterator[Batch]:
    """The rows of a caption file, at most ``BATCH_ROWS`` a batch (lines: as many as 4 MiB hold; CSV: 1 MiB)."""
    reader = _READERS[kind(path) or ""]
    with _reading():
        yield from reader(path, columns)


def kind(path: str) -> str | None:
    """The ending that says how a file is read, or None."""
    for ending in _READERS:
        if path.endswith(ending) or (
            ending in _PACKED and path.endswith(tuple(ending + packing for packing in PACKINGS))
        ):
            return ending
    return None


@contextmanager
def _reading() -> Iterator[None]:
    import pyarrow as pa

    failures = (OSError, EOFError, tarfile.TarError, csv.Error, UnicodeDecodeError, pa.ArrowException)
    try:
        yield
    except failures as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise UnreadableShard(reason) from error
