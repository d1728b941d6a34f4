"""Where the bytes behind a sampled caption row come from: the lab's painters, or a folder that was downloaded."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import polars as pl

from mimetic2.counting.cleaning import LEAST_BYTES
from mimetic2.errors import InputError


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
        """What is behind ``url``."""
        ...


class LabSource:
    """Renders the embedded world's pictures on demand."""

    def read(self, url: str) -> Found:
        """The picture behind a ``lab://`` link as PNG; links that died since training have none."""
        from PIL import Image

        from mimetic2.lab import DeadLink, render_url

        try:
            picture = Image.fromarray(render_url(url))
        except DeadLink:
            return Found(None, "dead link")
        buffer = io.BytesIO()
        picture.save(buffer, "PNG")
        return Found(buffer.getvalue(), least_bytes=0)


class FolderSource:
    """A folder in img2dataset's layout: ``<shard>.parquet`` (key, url, status) beside ``<shard>/<key>.<ending>``."""

    ENDINGS = (".jpg", ".png", ".webp")

    def __init__(self, folder: Path) -> None:
        tables = sorted(folder.rglob("*.parquet"))
        if not tables:
            raise InputError("holds no table of downloaded images", file=folder, accepted="img2dataset's files layout")
        self._files: dict[str, Path] = {}
        self._failed: dict[str, str] = {}
        for table in tables:
            self._list(table)

    def _list(self, table: Path) -> None:
        frame = pl.read_parquet(table)
        for column in ("key", "url", "status"):
            if column not in frame.columns:
                raise InputError("is missing", file=table, column=column)
        for key, url, status in frame.select("key", "url", "status").iter_rows():
            if status == "success":
                self._files[url] = table.with_suffix("") / Path(str(key)).name
            else:
                self._failed[url] = str(status)

    def read(self, url: str) -> Found:
        """The downloaded bytes of ``url``; the reason where the download failed or was never tried."""
        if url not in self._files:
            return Found(None, self._failed.get(url, "not downloaded"))
        for ending in self.ENDINGS:
            path = self._files[url].with_name(self._files[url].name + ending)
            if path.is_file():
                return Found(path.read_bytes())
        return Found(None, "file missing")


def source_of(folder: Path | None) -> Source:
    """The source that a study names: a folder of downloaded images, or else the embedded lab's renderer."""
    return LabSource() if folder is None else FolderSource(folder)
