"""Which files hold the captions, and how to tell that a file is still the one that was read."""

from __future__ import annotations

import glob
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from mimetic2.counting.readers import ENDINGS, kind
from mimetic2.errors import InputError, MissingRequirement

_TAIL_BYTES = 1 << 16


def find_shards(patterns: Sequence[str]) -> list[str]:
    """The files that the patterns (globs, files, folders) name, each once, sorted.

    Raises :class:`InputError` for a pattern that names nothing.
    """
    found: dict[str, None] = {}
    for pattern in patterns:
        path = Path(pattern)
        names = (
            [str(path)] if path.is_file() else glob.glob(str(path / "*") if path.is_dir() else pattern, recursive=True)
        )
        matched = [name for name in names if Path(name).is_file() and kind(name) is not None]
        if not matched:
            raise InputError("names no caption file", file=pattern, accepted=" ".join(ENDINGS))
        found.update(dict.fromkeys(matched))
    return sorted(found)


def identity(path: str) -> str:
    """What tells a file from a changed one without reading it whole: its size, time of change, and the end's digest.

    The end of a Parquet file is its footer, which holds the position and statistics of every column chunk.
    """
    status = os.stat(path)
    with open(path, "rb") as handle:
        handle.seek(max(0, status.st_size - _TAIL_BYTES))
        tail = hashlib.sha256(handle.read()).hexdigest()
    return f"{status.st_size}:{status.st_mtime_ns}:{tail}"


def need_pyarrow() -> None:
    """Raise :class:`MissingRequirement` if pyarrow is not installed."""
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise MissingRequirement.extra("pyarrow", "counting", "counting captions") from None  # noqa: S610
