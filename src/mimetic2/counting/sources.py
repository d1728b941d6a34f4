"""Where the bytes behind a sampled link come from: the lab's painters, or a folder that was fetched before.

A source answers one question: the bytes behind a link, or the reason why there are none. Links identify images;
nothing is ever matched by position.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import polars as pl

from mimetic2.counting.cleaning import LEAST_BYTES
from mimetic2.errors import InputError

NOT_FETCHED, FILE_MISSING = "not fetched", "file missing"
SUCCESS = "success"


@dataclass(frozen=True, slots=True)
class Found:
    """The bytes behind a link, or None and the reason why there are none.

    ``least_bytes`` is the smallest size that counts as an image of this source: placeholders on the web are small,
    pictures of 32 × 32 pixels are too.
    """

    data: bytes | None
    reason: str | None = None
    least_bytes: int = LEAST_BYTES


class Source(Protocol):
    """Looks behind links."""

    def read(self, url: str) -> Found:
        """What is behind ``url``; raises only for what cannot be a link of this source."""
        ...


class LabSource:
    """Renders the embedded world's pictures on demand."""

    def read(self, url: str) -> Found:
        """The picture behind a ``lab://`` link as PNG; links that died since training have none."""
        from PIL import Image

        from mimetic2.lab import DeadLink, render_url

        if not url.startswith("lab://"):
            accepted = "a folder of fetched images (`mimetic2 fetch`) for links of the web"
            raise InputError(f"'{url}' is not a link of the lab", accepted=accepted)
        try:
            picture = Image.fromarray(render_url(url))
        except DeadLink:
            return Found(None, "dead link")
        buffer = io.BytesIO()
        picture.save(buffer, "PNG")
        return Found(buffer.getvalue(), least_bytes=0)


class FolderSource:
    """A folder in the layout that img2dataset writes with ``output_format=files``, and `mimetic2 fetch` too.

    ``NNNNN.parquet`` lists the rows of a shard (url, key, status, error_message), ``NNNNN/<key>.<ending>`` are the
    images; where a table is missing, ``NNNNN/<key>.json`` beside each image is read instead.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise InputError("no such folder", file=folder, accepted="a folder that `mimetic2 fetch` wrote")
        self._known: dict[str, Path | str] = {}
        for url, found in _listed(folder):
            # A link fetched twice counts as alive if it was alive once.
            if not isinstance(self._known.get(url), Path):
                self._known[url] = found
        if not self._known:
            accepted = "NNNNN.parquet or NNNNN/*.json with 'url', as img2dataset's files layout has them"
            raise InputError("holds no list of fetched links", file=folder, accepted=accepted)

    def read(self, url: str) -> Found:
        """The file's bytes, or the reason that was recorded when it was fetched."""
        found = self._known.get(url, NOT_FETCHED)
        if isinstance(found, str):
            return Found(None, found)
        try:
            return Found(found.read_bytes())
        except OSError:
            return Found(None, FILE_MISSING)


def source_of(folder: Path | None) -> Source:
    """The source that a study names: a folder of fetched images, or else the embedded lab's renderer."""
    return LabSource() if folder is None else FolderSource(folder)


def fetched_rows(folder: Path) -> pl.DataFrame:
    """The rows (concept, url, multiplicity) that `mimetic2 fetch` listed in its folder.

    Raises `InputError` for a folder of another tool, whose tables do not know concepts.
    """
    tables = sorted(path for path in folder.glob("*.parquet") if path.stem.isdigit())
    wanted = ["concept", "url", "multiplicity"]
    frames = [pl.read_parquet(path) for path in tables]
    if not frames or not all(set(wanted) <= set(frame.columns) for frame in frames):
        raise InputError(
            "does not say whose images these are", file=folder, accepted="a folder of `fetch`, or --sample"
        )
    return pl.concat([frame.select(wanted) for frame in frames])


def _listed(folder: Path) -> Iterator[tuple[str, Path | str]]:
    for table in sorted(path for path in folder.glob("*.parquet") if path.stem.isdigit()):
        yield from _rows_of(table)
    for shard in sorted(path for path in folder.iterdir() if path.is_dir() and path.name.isdigit()):
        if not (folder / f"{shard.name}.parquet").exists():
            yield from _sidecars(shard)


def _rows_of(table: Path) -> Iterator[tuple[str, Path | str]]:
    try:
        frame = pl.read_parquet(table)
    except pl.exceptions.PolarsError as error:
        raise InputError("is not a Parquet table", file=table) from error
    for column in ("url", "key", "status"):
        if column not in frame.columns:
            raise InputError("is missing", file=table, column=column, accepted="a table as img2dataset writes it")
    files = _images_by_key(table.with_suffix(""))
    messages = frame["error_message"].to_list() if "error_message" in frame.columns else [None] * frame.height
    for url, key, status, message in zip(frame["url"], frame["key"], frame["status"], messages, strict=True):
        if status == SUCCESS:
            yield str(url), files.get(str(key), FILE_MISSING)
        else:
            yield str(url), str(message or status)


def _sidecars(shard: Path) -> Iterator[tuple[str, Path | str]]:
    files = _images_by_key(shard)
    for path in sorted(shard.glob("*.json")):
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            yield str(record["url"]), files.get(path.stem, FILE_MISSING)
        except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
            raise InputError("is not the description of an image", file=path, accepted="JSON with 'url'") from error


def _images_by_key(shard: Path) -> dict[str, Path]:
    if not shard.is_dir():
        return {}
    return {path.stem: path for path in sorted(shard.iterdir()) if path.suffix not in (".json", ".txt", ".parquet")}
