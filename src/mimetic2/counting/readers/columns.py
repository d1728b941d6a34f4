"""Which columns of a caption file are read, and what a batch of its rows is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from mimetic2.errors import InputError

BATCH_ROWS = 65_536
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


def choose(path: str, have: Sequence[str], columns: Columns) -> Chosen:
    """The columns of the captions and, if there are any, of the links and of flags of unsafe images.

    Raises :class:`InputError` if a named column is missing or none of the usual names is there.
    """
    for wanted in (columns.text, columns.url):
        if wanted is not None and wanted not in have:
            raise InputError(f"is missing; the columns are: {', '.join(have)}", file=path, column=wanted)
    text = columns.text or next((name for name in TEXT_COLUMNS if name in have), None)
    if text is None:
        problem = f"no column of captions among: {', '.join(have) or 'none'}"
        raise InputError(problem, file=path, accepted=f"{', '.join(TEXT_COLUMNS)}, or --text-column")
    url = columns.url or next((name for name in URL_COLUMNS if name in have), None)
    return Chosen(text, url, next((name for name in UNSAFE_COLUMNS if name in have), None))


def of_arrow(batch: Any, chosen: Chosen) -> Batch:
    """The chosen columns of an Arrow batch."""
    text, url, unsafe = (batch.column(name) if name is not None else None for name in chosen)
    return Batch(_plain(text), _plain(url) if url is not None else None, unsafe)


def _plain(array: Any) -> Any:
    import pyarrow as pa

    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    return array if array.type in (pa.string(), pa.binary()) else array.cast(pa.binary())


def texts_at(array: Any, rows: Any) -> list[str]:
    """The texts in these rows (integers) of a column; empty ones where the file has no such column (None)."""
    import pyarrow as pa

    if array is None:
        return [""] * len(rows)
    cells = array.take(pa.array(rows)).cast(pa.binary()).to_pylist()
    return [(cell or b"").decode("utf-8", "replace") for cell in cells]
