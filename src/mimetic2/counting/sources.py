"""Where the bytes behind a sampled link come from: the lab's painters, or a folder that was fetched before.

A source answers one question: the bytes behind a link, or the reason why there are none. Links identify images;
nothing is ever matched by position.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import polars as pl

from mimetic2.counting.cleaning import LEAST_BYTES
from mimetic2.counting.img2dataset import FILE_MISSING, Place, listed_links
from mimetic2.errors import InputError

LAB_LINK = "lab://"  # mimetic2.lab.links would load all that paints
NOT_FETCHED = "not fetched"


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

        if not url.startswith(LAB_LINK):
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
    """A folder in the layout that img2dataset writes with ``output_format`` files or webdataset, and `mimetic2 fetch`.

    See :mod:`mimetic2.counting.img2dataset`.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise InputError("no such folder", file=folder, accepted="a folder that `mimetic2 fetch` wrote")
        self._known: dict[str, Place | str] = {}
        for url, found in listed_links(folder):
            # A link fetched twice counts as alive if it was alive once.
            if not isinstance(self._known.get(url), Place):
                self._known[url] = found
        if not self._known and not any(path.stem.isdigit() for path in folder.glob("*.parquet")):
            accepted = "NNNNN.parquet or *.json with 'url', as img2dataset's files and webdataset layouts have them"
            raise InputError("holds no list of fetched links", file=folder, accepted=accepted)

    def read(self, url: str) -> Found:
        """The file's bytes, or the reason that was recorded when it was fetched."""
        found = self._known.get(url, NOT_FETCHED)
        if isinstance(found, str):
            return Found(None, found)
        try:
            return Found(found.read())
        except OSError:
            return Found(None, FILE_MISSING)


@dataclass(frozen=True)
class Refusing:
    """A source that does not look behind some links: ``refused`` has the reason for each of them."""

    source: Source
    refused: Mapping[str, str]

    def read(self, url: str) -> Found:
        """What the source says, or the reason why it is not asked."""
        return Found(None, self.refused[url]) if url in self.refused else self.source.read(url)


def source_of(folder: Path | None) -> Source:
    """The source that a study names: a folder of fetched images, or else the embedded lab's renderer."""
    return LabSource() if folder is None else FolderSource(folder)


def fetched_rows(folder: Path) -> pl.DataFrame:
    """The rows (concept, url, multiplicity) that `mimetic2 fetch` listed in its folder.

    Raises `InputError` for a folder of another tool, whose tables do not know concepts.
    """
    if not folder.is_dir():
        raise InputError("no such folder", file=folder, accepted="a folder that `mimetic2 fetch` wrote")
    tables = sorted(path for path in folder.glob("*.parquet") if path.stem.isdigit())
    wanted = ["concept", "url", "multiplicity"]
    frames = [pl.read_parquet(path) for path in tables]
    if not frames or not all(set(wanted) <= set(frame.columns) for frame in frames):
        raise InputError(
            "does not say whose images these are", file=folder, accepted="a folder of `fetch`, or --sample"
        )
    return pl.concat([frame.select(wanted) for frame in frames])
