"""The count that a protected concept should stay below."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mimetic2.errors import InputError

CRITERIA = ("onset", "threshold", "n50")
"""In the order in which an audit takes the first that the run has: the most cautious first."""


@dataclass(frozen=True)
class Limit:
    """Concepts with ``count`` images or more are over; ``meaning`` says in words where the number comes from."""

    criterion: str
    count: int
    meaning: str


def limit_of(document: Mapping[str, Any], criterion: str | None = None) -> Limit:
    """The limit from threshold.json: a number given, or the lower end of the interval of onset, threshold or N50.

    The lower end, because who protects a name errs on the side of the name. Raises :class:`InputError` where the run
    has no such number: then a run without threshold is no reason to let anything pass.
    """
    if criterion is not None and criterion not in CRITERIA:
        return _given(criterion)
    read = {name: _read(document, name) for name in CRITERIA}
    found = {name: value for name, value in read.items() if value is not None}
    chosen = criterion or next(iter(found), None)
    if chosen is None or chosen not in found:
        what = f"has no {chosen}" if chosen else "has neither onset, threshold nor N50"
        have = ", ".join(found)
        raise InputError(f"the run {what}", accepted=f"--criterion {have or 'COUNT, a number of your own'}")
    value, low = found[chosen]
    name = "N50" if chosen == "n50" else chosen
    if low is None:
        return Limit(chosen, max(value, 1), f"the run's {name}, {value:,} images, which has no interval")
    meaning = f"the lower end of the interval of the run's {name} ({value:,} images)"
    return Limit(chosen, max(low, 1), meaning)


def _given(text: str) -> Limit:
    try:
        count = int(text)
    except ValueError:
        count = 0
    if count < 1:
        raise InputError(f"--criterion is '{text}'", accepted=f"{', '.join(CRITERIA)} or a number of images from 1")
    return Limit("count", count, "a number given by whoever ran the audit")


def _read(document: Mapping[str, Any], name: str) -> tuple[int, int | None] | None:
    """(value, lower end of its interval) of a measure, None where the run has none."""
    if name == "onset":
        onset = document.get("onset") or {}
        value, interval = onset.get("count"), onset.get("interval")
    elif name == "threshold":
        value, interval = document.get("threshold"), document.get("interval")
    else:
        ranked = document.get("identification") or {}
        value, interval = ranked.get("n50"), ranked.get("n50_interval")
    if value is None:
        return None
    low = interval[0] if interval else None
    return int(value), None if low is None else int(low)
