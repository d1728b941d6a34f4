"""Which files hold the captions."""

from __future__ import annotations

import os
from collections.abc import Sequence

from mimetic2.counting.locations import expand
from mimetic2.counting.readers import ENDINGS, kind
from mimetic2.errors import InputError, MissingRequirement
from mimetic2.progress import log

_SAMPLE = ".sample.parquet"
_TABLE = ".parquet"
_TOLD = 3


def find_shards(patterns: Sequence[str], *, quiet: bool = False) -> list[str]:
    """The files that the patterns (globs, files, folders, of this machine or by URL) name, each once, sorted.

    Left out and, unless ``quiet``, told: what an earlier count wrote beside the captions (its sample has captions,
    too), the table of an archive of img2dataset (its rows are the archive's, and would count twice), and files of kinds
    that are not read.

    Raises :class:`InputError` for a pattern that names nothing or a store that cannot be listed.
    """
    found: dict[str, None] = {}
    others: dict[str, None] = {}
    for pattern in patterns:
        try:
            named = expand(pattern)
        except (OSError, ValueError) as error:
            problem = f"cannot be listed ({' '.join(str(error).split())})"
            raise InputError(
                problem, file=pattern, accepted="a file, folder or glob, or a URL that fsspec knows"
            ) from None
        matched = [name for name in named if kind(name) is not None]
        if not matched:
            raise InputError("names no caption file", file=pattern, accepted=" ".join(ENDINGS))
        found.update(dict.fromkeys(matched))
        others.update(dict.fromkeys(name for name in named if kind(name) is None and not _is_output(name)))
    outputs = {name for name in found if _is_output(name)}
    tables = {name for name in found if name.endswith(_TABLE) and f"{name.removesuffix(_TABLE)}.tar" in found}
    if not quiet:
        _tell(sorted(outputs), "written by an earlier count")
        _tell(sorted(tables), "beside an archive of the same name, whose samples they list")
        _tell(sorted(others), "of kinds that are not read")
    if outputs == found.keys():
        problem = "names nothing but what an earlier count wrote"
        raise InputError(problem, file=" ".join(patterns), accepted="files of captions")
    return sorted(found.keys() - outputs - tables)


def _tell(names: Sequence[str], why: str) -> None:
    """Say in one line, however many they are, which files are left out."""
    if names:
        more = f" and {len(names) - _TOLD:,} more" if len(names) > _TOLD else ""
        log(f"left out, {why}: {', '.join(names[:_TOLD])}{more}")


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
