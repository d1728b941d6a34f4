"""Which files hold the captions."""

from __future__ import annotations

from collections.abc import Sequence

from mimetic2.counting.locations import expand
from mimetic2.counting.readers import ENDINGS, kind
from mimetic2.errors import InputError, MissingRequirement


def find_shards(patterns: Sequence[str]) -> list[str]:
    """The files that the patterns (globs, files, folders, of this machine or by URL) name, each once, sorted.

    Raises :class:`InputError` for a pattern that names nothing or a store that cannot be listed.
    """
    found: dict[str, None] = {}
    for pattern in patterns:
        try:
            matched = [name for name in expand(pattern) if kind(name) is not None]
        except (OSError, ValueError) as error:
            problem = f"cannot be listed ({' '.join(str(error).split())})"
            raise InputError(
                problem, file=pattern, accepted="a file, folder or glob, or a URL that fsspec knows"
            ) from None
        if not matched:
            raise InputError("names no caption file", file=pattern, accepted=" ".join(ENDINGS))
        found.update(dict.fromkeys(matched))
    return sorted(found)


def need_pyarrow() -> None:
    """Raise :class:`MissingRequirement` if pyarrow is not installed."""
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise MissingRequirement.extra("pyarrow", "counting", "counting captions") from None  # noqa: S610
