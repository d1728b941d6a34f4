"""Fetching the sampled images from the web, politely and warily, and reading what was fetched.

Only rows of listed concepts or of a bounded random sample are ever asked for.
"""

from __future__ import annotations

from mimetic2.counting.sources import FolderSource, Found, LabSource, Source, source_of

__all__ = ["FolderSource", "Found", "LabSource", "Source", "source_of"]
