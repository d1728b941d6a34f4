"""Counting a concept's training images: mentions in captions, a sample of them, and what the sample says.

Imported when first used, so that each part needs only its own packages.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "count_captions": "mimetic2.counting.counts",
    "sample_path": "mimetic2.counting.counts",
    "find_shards": "mimetic2.counting.captions",
    "effective_counts": "mimetic2.counting.effective",
    "mentioning_rows": "mimetic2.counting.rows",
    "recount": "mimetic2.counting.rows",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mimetic2.counting' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)
