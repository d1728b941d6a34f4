"""Images that are on disk for as long as they are looked at, and deleted then."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import polars as pl

from mimetic2.counting.fetching.client import Limits
from mimetic2.counting.fetching.fetch import fetch_sample
from mimetic2.counting.fetching.selection import Blocklist
from mimetic2.counting.sources import FolderSource, Source

NOBODY = "(random row)"
"""Stands for a concept in the fetch of rows that name none in particular."""


def fetched_for_a_while(
    limits: Limits, block: Blocklist | None, unsafe_above: float
) -> Callable[[pl.DataFrame], AbstractContextManager[Source]]:
    """A function that fetches rows (url, caption, punsafe) into a folder of their own and deletes it afterwards.

    The folder is the owner's only. Unsafe and blocked rows are not fetched; their reason is the source's answer.
    """

    @contextmanager
    def opener(rows: pl.DataFrame) -> Iterator[Source]:
        with tempfile.TemporaryDirectory(prefix="mimetic2-") as folder:
            sample = rows.with_columns(pl.lit(NOBODY).alias("concept"))
            fetch_sample(sample, Path(folder), block=block, unsafe_above=unsafe_above, limits=limits)
            yield FolderSource(Path(folder))

    return opener
