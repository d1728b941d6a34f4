"""The folders that img2dataset writes with ``output_format`` files or webdataset, and `mimetic2 fetch` too.

``NNNNN.parquet`` lists the rows of a shard (url, key, status, error_message); ``NNNNN/<key>.<ending>``, or the members
of ``NNNNN.tar``, are the images. Where a table is missing, ``<key>.json`` beside each image is read instead.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import polars as pl

from mimetic2.errors import InputError

FILE_MISSING = "file missing"
SUCCESS = "success"
SIDECARS = (".json", ".txt", ".parquet")


@dataclass(frozen=True, slots=True)
class Place:
    """A file, or ``size`` bytes of it from ``start``: a member of an archive."""

    path: Path
    start: int = 0
    size: int = -1

    def read(self) -> bytes:
        """The bytes; raises OSError."""
        with self.path.open("rb") as handle:
            handle.seek(self.start)
            return handle.read(self.size)


def listed_links(folder: Path) -> Iterator[tuple[str, Place | str]]:
    """Every link that the folder knows of, with the place of its image or the reason why there is none.

    Raises `InputError` for tables, archives and descriptions that are none.
    """
    for table in sorted(path for path in folder.glob("*.parquet") if path.stem.isdigit()):
        yield from _rows_of(table)
    for shard in sorted(path for path in folder.iterdir() if path.stem.isdigit()):
        if (shard.is_dir() or shard.suffix == ".tar") and not (folder / f"{shard.stem}.parquet").exists():
            yield from _described(_members(shard))


def _rows_of(table: Path) -> Iterator[tuple[str, Place | str]]:
    try:
        frame = pl.read_parquet(table)
    except pl.exceptions.PolarsError as error:
        raise InputError("is not a Parquet table", file=table) from error
    for column in ("url", "key", "status"):
        if column not in frame.columns:
            raise InputError("is missing", file=table, column=column, accepted="a table as img2dataset writes it")
    archive = table.with_suffix(".tar")
    files = _images(_members(archive if archive.is_file() else table.with_suffix("")))
    messages = frame["error_message"].to_list() if "error_message" in frame.columns else [None] * frame.height
    for url, key, status, message in zip(frame["url"], frame["key"], frame["status"], messages, strict=True):
        if status == SUCCESS:
            yield str(url), files.get(str(key), FILE_MISSING)
        else:
            yield str(url), str(message or status)


def _members(shard: Path) -> dict[str, Place]:
    """What is in a shard's folder or archive, by name, sorted; nothing where it is missing."""
    if shard.is_dir():
        return {path.name: Place(path) for path in sorted(shard.iterdir())}
    if not shard.is_file():
        return {}
    try:
        with tarfile.open(shard, "r:") as archive:
            found = {each.name: Place(shard, each.offset_data, each.size) for each in archive if each.isfile()}
    except (tarfile.TarError, OSError) as error:
        raise InputError(f"cannot be read ({error})", file=shard, accepted="an archive of img2dataset") from error
    return dict(sorted(found.items()))


def _images(members: Mapping[str, Place]) -> dict[str, Place]:
    endings = {name: PurePosixPath(name) for name in members}
    return {path.stem: members[name] for name, path in endings.items() if path.suffix not in SIDECARS}


def _described(members: Mapping[str, Place]) -> Iterator[tuple[str, Place | str]]:
    """Link and image of every ``<key>.json``."""
    files = _images(members)
    for name, place in members.items():
        if not name.endswith(".json"):
            continue
        try:
            url = str(json.loads(place.read().decode("utf-8"))["url"])
        except (ValueError, KeyError, TypeError) as error:
            accepted = "JSON with 'url'"
            raise InputError(
                f"{name} is not the description of an image", file=place.path, accepted=accepted
            ) from error
        yield url, files.get(PurePosixPath(name).stem, FILE_MISSING)
