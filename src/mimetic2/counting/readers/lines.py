"""One caption a line: as it is, or as a JSON object."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from mimetic2.counting.locations import BLOCK_BYTES
from mimetic2.counting.readers.columns import Batch, Chosen, Columns, UnreadableShard, choose
from mimetic2.counting.readers.packing import open_unpacked


def read_json_lines(path: str, columns: Columns) -> Iterator[Batch]:
    """The objects of a JSON lines file; the first says which keys there are."""
    chosen: Chosen | None = None
    row = 0
    with open_unpacked(path) as handle:
        while lines := handle.readlines(BLOCK_BYTES):
            records = []
            for line in lines:
                row += 1
                if line.strip():
                    records.append(json_object(line, f"row {row}"))
            if records and chosen is None:
                chosen = choose(path, list(records[0]), columns)
            if records and chosen is not None:
                yield of_records(records, chosen)


def json_object(data: bytes, what: str) -> dict[str, Any]:
    """The JSON object in ``data``; ``what`` names it in the message.

    Raises :class:`UnreadableShard` if it is none.
    """
    try:
        record = json.loads(data)
    except json.JSONDecodeError as error:
        raise UnreadableShard(f"{what} is not JSON ({error.msg} at character {error.pos + 1})") from error
    except (ValueError, RecursionError) as error:
        raise UnreadableShard(f"{what} is not JSON that can be read ({error})") from error
    if not isinstance(record, dict):
        raise UnreadableShard(f"{what} is not a JSON object")
    return record


def of_records(records: Sequence[dict[str, Any]], chosen: Chosen) -> Batch:
    """The chosen values of JSON objects; an absent one is null."""
    text, url, unsafe = (
        _texts([record.get(name) for record in records]) if name is not None else None for name in chosen
    )
    return Batch(text, url, unsafe)


def _texts(values: Sequence[object]) -> Any:
    """Values as UTF-8. A lone surrogate, which JSON can spell, becomes ``?``: like it, a character of no word."""
    import pyarrow as pa

    cells = [None if value is None else str(value).encode("utf-8", "replace") for value in values]
    return pa.array(cells, pa.binary())


def read_lines(path: str, columns: Columns) -> Iterator[Batch]:
    """The lines of a text file: captions without links."""
    import pyarrow as pa

    with open_unpacked(path) as handle:
        while lines := handle.readlines(BLOCK_BYTES):
            yield Batch(pa.array([line.rstrip(b"\r\n") for line in lines], pa.binary()), None, None)
