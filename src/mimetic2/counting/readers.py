"""Caption files of every kind, read in batches of bounded size: Parquet, CSV, JSON lines, plain lines, tar.

What a file's kind needs is decided by its ending alone; ``.gz`` and ``.zst`` after it are unpacked on the way. A file
that cannot be read to its end raises :class:`UnreadableShard`, which the caller may retry or count as missing; a column
that is not there raises :class:`InputError`, which no retry mends.
"""

from __future__ import annotations

import csv
import io
import json
import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePath
from typing import IO, Any, NamedTuple

from mimetic2.errors import InputError

BATCH_ROWS = 65_536
_BLOCK_BYTES = 1 << 22
TEXT_COLUMNS = ("TEXT", "text", "caption", "CAPTION", "Caption", "alt", "description")
URL_COLUMNS = ("URL", "url", "image_url", "IMAGE_URL")

UNSAFE_COLUMNS = ("punsafe", "PUNSAFE", "NSFW", "nsfw")


class Batch(NamedTuple):
    """Captions, links and flags of unsafe images as pyarrow arrays of equal length; None where the file has none."""

    texts: Any
    urls: Any
    unsafe: Any


class Chosen(NamedTuple):
    """The columns of a file that are read."""

    text: str
    url: str | None
    unsafe: str | None

    def present(self) -> list[str]:
        """Those that the file has."""
        return [name for name in self if name is not None]


class UnreadableShard(Exception):  # noqa: N818 - a state of the file, not a fault of the program
    """A caption file cannot be read to its end; the text says why."""


@dataclass(frozen=True)
class Columns:
    """Where captions and links are; None: the first of the usual names that the file has."""

    text: str | None = None
    url: str | None = None


def batches(path: str, columns: Columns) -> Iterator[Batch]:
    """The rows of a caption file, at most ``BATCH_ROWS`` a batch (CSV, lines: as many as 4 MiB hold)."""
    reader = _READERS[kind(path) or ""]
    with _reading():
        yield from reader(path, columns)


def kind(path: str) -> str | None:
    """The ending that says how a file is read, or None."""
    for ending in _READERS:
        if path.endswith(ending) or (
            ending in _PACKED and path.endswith(tuple(ending + packing for packing in _PACKINGS))
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


def choose(path: str, have: Sequence[str], columns: Columns) -> Chosen:
    """The columns of the captions and, if there are any, of the links and of flags of unsafe images.

    Raises :class:`InputError` if a named column is missing or none of the usual names is there.
    """
    for wanted in (columns.text, columns.url):
        if wanted is not None and wanted not in have:
            raise InputError(f"is missing; the columns are: {', '.join(have)}", file=path, column=wanted)
    text = columns.text or next((name for name in TEXT_COLUMNS if name in have), None)
    if text is None:
        problem = f"no column of captions among: {', '.join(have)}"
        raise InputError(problem, file=path, accepted=f"{', '.join(TEXT_COLUMNS)}, or --text-column")
    url = columns.url or next((name for name in URL_COLUMNS if name in have), None)
    return Chosen(text, url, next((name for name in UNSAFE_COLUMNS if name in have), None))


def _parquet(path: str, columns: Columns) -> Iterator[Batch]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path, pre_buffer=False) as file:
        chosen = choose(path, file.schema_arrow.names, columns)
        for name in (chosen.text, chosen.url):
            if name is not None:
                _check_text(path, name, file.schema_arrow.field(name).type)
        # Arrow keeps the row groups of one iteration in memory, so each iteration has few.
        for groups in _group_runs(file.metadata):
            for batch in file.iter_batches(BATCH_ROWS, groups, columns=chosen.present(), use_threads=False):
                yield _of_arrow(batch, chosen)


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


def _of_arrow(batch: Any, chosen: Chosen) -> Batch:
    text, url, unsafe = (batch.column(name) if name is not None else None for name in chosen)
    return Batch(_plain(text), _plain(url) if url is not None else None, unsafe)


def _check_text(path: str, column: str, type_: Any) -> None:
    import pyarrow as pa

    inner = type_.value_type if pa.types.is_dictionary(type_) else type_
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
    views = (pa.types.is_string_view, pa.types.is_binary_view, pa.types.is_null)
    if not any(test(inner) for test in tests + views):
        raise InputError(f"holds {type_}", file=path, column=column, accepted="text")


def _plain(array: Any) -> Any:
    import pyarrow as pa

    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    return array if array.type in (pa.string(), pa.binary()) else array.cast(pa.binary())


def _csv(path: str, columns: Columns) -> Iterator[Batch]:
    import pyarrow as pa
    import pyarrow.csv as pc

    with _open(path) as handle, io.TextIOWrapper(handle, "utf-8-sig", newline="") as lines:
        header = next(csv.reader(lines), [])
    chosen = choose(path, header, columns)
    wanted = chosen.present()
    options = pc.ConvertOptions(
        include_columns=wanted,
        column_types=dict.fromkeys(wanted, pa.binary()),
        strings_can_be_null=False,
        check_utf8=False,
    )
    parse = pc.ParseOptions(newlines_in_values=True)
    read = pc.ReadOptions(use_threads=False, block_size=_BLOCK_BYTES)
    with (
        _open(path) as handle,
        pc.open_csv(handle, read_options=read, parse_options=parse, convert_options=options) as reader,
    ):
        for batch in reader:
            yield _of_arrow(batch, chosen)


def _json_lines(path: str, columns: Columns) -> Iterator[Batch]:
    chosen: Chosen | None = None
    row = 0
    with _open(path) as handle:
        while lines := handle.readlines(_BLOCK_BYTES):
            records = []
            for line in lines:
                row += 1
                if line.strip():
                    records.append(_record(line, row))
            if records and chosen is None:
                chosen = choose(path, list(records[0]), columns)
            if records and chosen is not None:
                yield _of_records(records, chosen)


def _record(data: bytes, row: int) -> dict[str, Any]:
    try:
        record = json.loads(data)
    except ValueError as error:
        raise UnreadableShard(f"row {row} is not JSON ({error})") from error
    if not isinstance(record, dict):
        raise UnreadableShard(f"row {row} is not a JSON object")
    return record


def _of_records(records: Sequence[dict[str, Any]], chosen: Chosen) -> Batch:
    text, url, unsafe = (
        _texts([record.get(name) for record in records]) if name is not None else None for name in chosen
    )
    return Batch(text, url, unsafe)


def _texts(values: Sequence[object]) -> Any:
    """Values as UTF-8. A lone surrogate, which JSON can spell, becomes ``?``: like it, a character of no word."""
    import pyarrow as pa

    cells = [None if value is None else str(value).encode("utf-8", "replace") for value in values]
    return pa.array(cells, pa.binary())


def _lines(path: str, columns: Columns) -> Iterator[Batch]:
    import pyarrow as pa

    with _open(path) as handle:
        while lines := handle.readlines(_BLOCK_BYTES):
            yield Batch(pa.array([line.rstrip(b"\r\n") for line in lines], pa.binary()), None, None)


_MEMBER = Chosen("caption", "url", "punsafe")


def _tar(path: str, columns: Columns) -> Iterator[Batch]:
    """Samples of a WebDataset: consecutive members of one key; caption and link from its .json, else its .txt."""
    records: list[dict[str, Any]] = []
    key, record = "", dict[str, Any]()
    with tarfile.open(path, "r:") as archive:
        while (member := archive.next()) is not None:
            archive.members = []  # type: ignore[attr-defined]  # the list would grow with the archive
            name = PurePath(member.name)
            current = str(name.parent / name.name.split(".")[0])
            if current != key and record:
                records.append(record)
                record = {}
            key = current
            if member.isfile() and name.suffix in (".txt", ".json"):
                handle = archive.extractfile(member)
                record.update(_member(handle.read() if handle else b"", name.suffix, columns))
            if len(records) == BATCH_ROWS:
                yield _of_records(records, _MEMBER)
                records = []
        _check_end(path, archive.offset)
    if record:
        records.append(record)
    if records:
        yield _of_records(records, _MEMBER)


def _check_end(path: str, position: int) -> None:
    """An archive ends with a block of zeros; where members end otherwise, it was cut short or a header is damaged."""
    with open(path, "rb") as handle:
        handle.seek(position)
        if handle.read(tarfile.BLOCKSIZE) != tarfile.NUL * tarfile.BLOCKSIZE:
            raise UnreadableShard(f"no member and no end of the archive at byte {position}")


def _member(data: bytes, suffix: str, columns: Columns) -> dict[str, Any]:
    if suffix == ".txt":
        return {"caption": data.decode("utf-8", "replace")}
    fields = _record(data, 1)
    texts = [columns.text] if columns.text else list(TEXT_COLUMNS)
    urls = [columns.url] if columns.url else list(URL_COLUMNS)
    caption = next((fields[name] for name in texts if fields.get(name) is not None), None)
    url = next((fields[name] for name in urls if fields.get(name) is not None), None)
    unsafe = next((fields[name] for name in UNSAFE_COLUMNS if fields.get(name) is not None), None)
    found = zip(_MEMBER, (caption, url, unsafe), strict=True)
    return {str(key): value for key, value in found if value is not None}


@contextmanager
def _open(path: str) -> Iterator[IO[bytes]]:
    """The unpacked bytes; Arrow's streams notice a packed file that was cut short, which others read as its end."""
    import pyarrow as pa

    packing = next((name for ending, name in _PACKINGS.items() if path.endswith(ending)), None)
    with pa.input_stream(path, compression=packing, buffer_size=_BLOCK_BYTES) as stream:
        yield io.BufferedReader(stream, _BLOCK_BYTES)


_READERS: dict[str, Callable[[str, Columns], Iterator[Batch]]] = {
    ".parquet": _parquet,
    ".csv": _csv,
    ".jsonl": _json_lines,
    ".txt": _lines,
    ".tar": _tar,
}
_PACKED = (".csv", ".jsonl", ".txt")
_PACKINGS = {".gz": "gzip", ".zst": "zstd"}
ENDINGS = (*_READERS, *(ending + packing for ending in _PACKED for packing in _PACKINGS))
