"""Which files hold the captions."""

from __future__ import annotations

import os
from collections.abc import Sequence

from mimetic2.counting.locations import expand
from mimetic2.counting.readers import ENDINGS, kind
from mimetic2.errors import InputError, MissingRequirement
from mimetic2.progress import log

_SAMPLE = ".sample.parquet"


def find_shards(patterns: Sequence[str]) -> list[str]:
    """The files that the patterns (globs, files, folders, of this machine or by URL) name, each once, sorted.

    What an earlier count wrote beside the captions is told and left out: its sample has captions, too.

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
    outputs = {name for name in found if _is_output(name)}
    for name in sorted(outputs):
        log(f"{name}: written by an earlier count, left out")
    if outputs == found.keys():
        problem = "names nothing but what an earlier count wrote"
        raise InputError(problem, file=" ".join(patterns), accepted="files of captions")
    return sorted(found.keys() - outputs)


def _is_output(name: str) -> bool:
    """Whether a count wrote the file: then its table ``x.csv``, ``x.sample.parquet`` and ``x.json`` are there."""
    stem = name.removesuffix(_SAMPLE) if name.endswith(_SAMPLE) else os.path.splitext(name)[0]
    return os.path.exists(f"{stem}.json") and os.path.exists(f"{stem}{_SAMPLE}")


def need_pyarrow() -> None:
    """Raise :class:`MissingRequirement` if pyarrow is not installed."""
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise MissingRequirement.extra("pyarrow", "counting", "counting captions") from None  # noqa: S610
