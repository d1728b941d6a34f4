"""Caption files: which they are, and their rows in batches of bounded size."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mimetic2.errors import InputError, MissingRequirement

BATCH_ROWS = 65_536
TEXT_COLUMNS = ("TEXT", "text", "caption", "CAPTION", "Caption", "alt", "description")
URL_COLUMNS = ("URL", "url", "image_url", "IMAGE_URL")
ENDINGS = (".parquet", ".csv")


@dataclass(frozen=True)
class Columns:
    """Where captions and links are; None: the first of the usual names that the file has."""

    text: str | None = None
    url: str | None = None


def find_shards(patterns: Sequence[str]) -> list[str]:
    """The files that the patterns (globs, files, folders) name, each once, sorted.

    Raises :class:`InputError` for a pattern that names nothing.
    """
    found: dict[str, None] = {}
    for pattern in patterns:
        if Path(pattern).is_dir():
            pattern = str(Path(pattern) / "*")
        matched = [str(path) for path in glob.glob(pattern, recursive=True) if kind(path) is not None]
        if not matched:
            raise InputError("names no caption file", file=pattern, accepted=" ".join(ENDINGS))
        found.update(dict.fromkeys(matched))
    return sorted(found)


def kind(path: str) -> str | None:
    """The ending that says how a file is read, or None."""
    return next((ending for ending in ENDINGS if path.endswith(ending)), None)


def batches(path: str, columns: Columns) -> Iterator[tuple[Any, Any]]:
    """Captions and links (or None) of a file as pyarrow arrays, at most ``BATCH_ROWS`` rows each."""
    readers = {".parquet": _parquet, ".csv": _csv}
    yield from readers[kind(path) or ""](path, columns)


def need_pyarrow() -> None:
    """Raise :class:`MissingRequirement` if pyarrow is not installed."""
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise MissingRequirement.extra("pyarrow", "counting", "counting captions") from None  # noqa: S610


def choose(path: str, have: Sequence[str], columns: Columns) -> tuple[str, str | None]:
    """The columns of the captions and, if there is one, of the links.

    Raises :class:`InputError` if a named column is missing or none of the usual names is there.
    """
    for wanted in (columns.text, columns.url):
        if wanted is not None and wanted not in have:
            raise InputError(f"is missing; the columns are: {', '.join(have)}", file=path, column=wanted)
    text = columns.text or next((name for name in TEXT_COLUMNS if name in have), None)
    if text is None:
        problem = f"no column of captions among: {', '.join(have)}"
        raise InputError(problem, file=path, accepted=f"{', '.join(TEXT_COLUMNS)}, or --text-column")
    return text, columns.url or next((name for name in URL_COLUMNS if name in have), None)


def _parquet(path: str, columns: Columns) -> Iterator[tuple[Any, Any]]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        text, url = choose(path, file.schema_arrow.names, columns)
        wanted = [name for name in (text, url) if name is not None]
        for batch in file.iter_batches(BATCH_ROWS, columns=wanted, use_threads=False):
            yield _strings(batch.column(text)), _strings(batch.column(url)) if url else None


def _csv(path: str, columns: Columns) -> Iterator[tuple[Any, Any]]:
    import pyarrow as pa
    import pyarrow.csv as pc

    with pc.open_csv(path, read_options=pc.ReadOptions(use_threads=False, block_size=1 << 20)) as head:
        text, url = choose(path, head.schema.names, columns)
    wanted = [name for name in (text, url) if name is not None]
    options = pc.ConvertOptions(
        include_columns=wanted, column_types=dict.fromkeys(wanted, pa.string()), strings_can_be_null=False
    )
    parse = pc.ParseOptions(newlines_in_values=True)
    read = pc.ReadOptions(use_threads=False, block_size=1 << 22)
    with pc.open_csv(path, read_options=read, parse_options=parse, convert_options=options) as reader:
        for batch in reader:
            for start in range(0, len(batch), BATCH_ROWS):
                part = batch.slice(start, BATCH_ROWS)
                yield part.column(text), part.column(url) if url else None


def _strings(array: Any) -> Any:
    import pyarrow as pa

    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    return array if array.type in (pa.string(), pa.binary()) else array.cast(pa.string())
