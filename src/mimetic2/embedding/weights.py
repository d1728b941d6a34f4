"""Weights that are the ones meant: files whose SHA-256 is pinned, or digests recorded of the user's own."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from mimetic2.errors import InputError
from mimetic2.files import sha256


def check_pinned(path: Path, expected: str) -> None:
    """Raise `InputError` unless the file is there and has exactly the expected SHA-256."""
    if not path.is_file():
        raise InputError("no such file of weights", file=path)
    found = sha256(path)
    if found != expected:
        raise InputError(f"has SHA-256 {found}, not the pinned {expected}: these are other weights", file=path)


def combined(digests: Sequence[str]) -> str:
    """One SHA-256 for several files, in the order given."""
    return digests[0] if len(digests) == 1 else hashlib.sha256("\n".join(digests).encode()).hexdigest()
