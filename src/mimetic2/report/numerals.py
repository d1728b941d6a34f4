"""How numbers are written on the page, and where they stand on an axis of counts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

DASH = "–"


def count(value: float | None) -> str:
    """A count with commas between thousands, as in the sentences beside it; a dash for a missing one."""
    if value is None:
        return DASH
    whole = round(value) if abs(value - round(value)) < 1e-9 or abs(value) >= 100 else round(value, 1)
    return f"{whole:,}"


def decimal(value: float | None, places: int = 3) -> str:
    """A number with fixed decimals and a true minus sign; a dash for a missing one."""
    return DASH if value is None else f"{value:.{places}f}".replace("-", "\u2212")


def interval(pair: Sequence[float | None] | None) -> str:
    """``121 to 163``; an empty text where there is no interval."""
    if not pair or all(end is None for end in pair):
        return ""
    low, high = pair
    if low is None:
        return f"up to {count(high)}"
    if high is None:
        return f"{count(low)} or more"
    return count(low) if low == high else f"{count(low)} to {count(high)}"


def confidence(pair: Sequence[float | None] | None) -> str:
    """An interval beside its number: ``439 to 439`` where both ends are the number itself."""
    if pair and pair[0] is not None and pair[0] == pair[1]:
        return f"{count(pair[0])} to {count(pair[1])}"
    return interval(pair)


def percent(value: float | None, places: int = 0) -> str:
    """A proportion in percent."""
    return DASH if value is None else f"{100 * value:.{places}f}\u202f%"


def short_count(value: float) -> str:
    """A tick's label: 300, 1k, 30k, 2M."""
    for unit, letter in ((1_000_000, "M"), (1_000, "k")):
        if value >= unit:
            return f"{value / unit:g}{letter}"
    return f"{value:g}"


def position(value: float) -> float:
    """Where a count stands on the axis: log10(1 + count), which has a place for 0."""
    return math.log10(1 + max(value, 0.0))


def count_ticks(highest: float, *, dense: bool) -> list[float]:
    """0 and powers of ten (and threes, where ``dense``) up to ``highest``."""
    ticks = [0.0]
    for power in range(12):
        for factor in (1, 3) if dense else (1,):
            tick = factor * 10.0**power
            if tick <= highest * 1.001:
                ticks.append(tick)
    return ticks


def even_ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round values, evenly spaced, inside [low, high]."""
    span = high - low
    if span <= 0:
        return [low]
    raw = span / about
    magnitude = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * magnitude for factor in (1, 2, 2.5, 5, 10) if factor * magnitude >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(index * step, 10) for index in range(first, math.floor(high / step + 1e-9) + 1)]


def as_pair(value: Any) -> list[float | None] | None:
    """``value`` as a [low, high] pair if it is one."""
    return list(value) if isinstance(value, list | tuple) and len(value) == 2 else None
