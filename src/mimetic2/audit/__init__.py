"""Which protected concepts a model has seen often enough to imitate, and which training rows would have to go.

Reads a finished run and the captions again; writes tables, a list of rows, and a page. What a run says holds for
concepts on average: an audit names counts that are over a criterion, never what an image is.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {"Audit": "mimetic2.audit.auditing", "audit": "mimetic2.audit.auditing"}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mimetic2.audit' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)
