"""Fetching the sampled images from the web, politely and warily, and reading what was fetched.

Only rows of listed concepts or of a bounded random sample are ever asked for. Importing this package needs no extra;
`fetch_sample` needs ``mimetic2[fetch]``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mimetic2.counting.fetching.selection import Blocklist
from mimetic2.counting.sources import FolderSource, Found, LabSource, Source, source_of
from mimetic2.errors import MissingRequirement

if TYPE_CHECKING:
    from mimetic2.counting.fetching.client import Limits
    from mimetic2.counting.fetching.fetch import Fetched, fetch_sample

__all__ = [
    "Blocklist",
    "Fetched",
    "FolderSource",
    "Found",
    "LabSource",
    "Limits",
    "Source",
    "fetch_sample",
    "source_of",
]


def __getattr__(name: str) -> Any:
    if name not in ("Fetched", "Limits", "fetch_sample"):
        raise AttributeError(f"module 'mimetic2.counting.fetching' has no attribute '{name}'")
    try:
        from mimetic2.counting.fetching import fetch
    except ModuleNotFoundError as error:
        if error.name not in ("httpx2", "tenacity", "anyio", "httpcore2"):
            raise
        raise MissingRequirement.extra(error.name, "fetch", "fetching images") from None  # noqa: S610
    return getattr(fetch, name)
