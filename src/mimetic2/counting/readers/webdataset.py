"""Tar archives as WebDataset and img2dataset write them."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import PurePath
from typing import IO, Any

from mimetic2.counting.locations import open_file
from mimetic2.counting.readers.columns import (
    TEXT_COLUMNS,
    UNSAFE_COLUMNS,
    URL_COLUMNS,
    Batch,
    Chosen,
    Columns,
    UnreadableShard,
)
from mimetic2.counting.readers.lines import json_object, of_records
from mimetic2.errors import InputError

_MEMBER = Chosen("caption", "url", "punsafe")
_BATCH_ROWS = 8192
"""Fewer than elsewhere: until they are a batch they are Python's objects, at ten times the memory."""


def read_tar(path: str, columns: Columns) -> Iterator[Batch]:
    """Samples of a WebDataset: consecutive members of one key; caption and link from its .json, else its .txt."""
    records: list[dict[str, Any]] = []
    key, record = "", dict[str, Any]()
    with open_file(path) as file, tarfile.open(fileobj=file, mode="r:") as archive:
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
                found = _member(path, name, handle.read() if handle else b"", columns)
                record = record | found if name.suffix == ".json" else found | record
            if len(records) == _BATCH_ROWS:
                yield of_records(records, _MEMBER)
                records = []
        _check_end(file, archive.offset)
    if record:
        records.append(record)
    if records:
        yield of_records(records, _MEMBER)


def _check_end(file: IO[bytes], position: int) -> None:
    """An archive ends with a block of zeros; where members end otherwise, it was cut short or a header is damaged."""
    file.seek(position)
    if file.read(tarfile.BLOCKSIZE) != tarfile.NUL * tarfile.BLOCKSIZE:
        raise UnreadableShard(f"no member and no end of the archive at byte {position}")


def _member(path: str, name: PurePath, data: bytes, columns: Columns) -> dict[str, Any]:
    if name.suffix == ".txt":
        return {"caption": data.decode("utf-8", "replace")}
    fields = json_object(data, f"member {name}")
    if columns.text is not None and columns.text not in fields:
        raise InputError(f"is missing; the keys are: {', '.join(fields)}", file=path, column=columns.text)
    texts = [columns.text] if columns.text else list(TEXT_COLUMNS)
    urls = [columns.url] if columns.url else list(URL_COLUMNS)
    caption = next((fields[name] for name in texts if fields.get(name) is not None), None)
    url = next((fields[name] for name in urls if fields.get(name) is not None), None)
    unsafe = next((fields[name] for name in UNSAFE_COLUMNS if fields.get(name) is not None), None)
    found = zip(_MEMBER, (caption, url, unsafe), strict=True)
    return {str(key): value for key, value in found if value is not None}
