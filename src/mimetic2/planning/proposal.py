"""Which counts further concepts should have: thin bins of log-count filled, everywhere or around an open place."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mimetic2.planning.allocation import Floats, Numbers

BIN = 0.25  # decades
AROUND = 0.5  # decades that are filled on each side of an open place
FOCUSED_SHARE = 0.7
"""Of the concepts added with a focus; the others go to thin bins anywhere, so that the levels beside are known too."""


@dataclass(frozen=True)
class Bin:
    """Counts ``low`` to ``high``, both included; how many concepts are there and how many to add."""

    low: int
    high: int
    have: int
    add: int


def place(counts: Floats, more: int, focus: tuple[float, float] | None = None) -> list[Bin]:
    """Bins over the observed counts with ``more`` concepts added to the thinnest; empty proposals are kept.

    With ``focus`` (two counts) most are added within half a decade of it.
    """
    edges = _edges(counts)
    have = np.histogram(counts, np.append(edges, np.inf))[0]
    add = np.zeros(len(edges), dtype=np.int64)
    if focus is not None:
        x = np.log10(1 + edges)
        near = (x >= np.log10(1 + focus[0]) - AROUND - BIN) & (x <= np.log10(1 + focus[1]) + AROUND)
        if near.any():
            add[near] = _level(have[near], round(more * FOCUSED_SHARE))
    add += _level(have + add, more - int(add.sum()))
    lasts = [*(int(edge) - 1 for edge in edges[1:]), math.ceil(counts.max())]
    return [
        Bin(int(low), high, int(own), int(new)) for low, high, own, new in zip(edges, lasts, have, add, strict=True)
    ]


def _edges(counts: Floats) -> Floats:
    """Whole lower edges of bins of about equal width in log-count, from the least count to the most; 0 for itself."""
    low, high = math.floor(counts.min()), math.ceil(counts.max())
    start, end = math.log10(1 + max(low, 1)), math.log10(1 + max(high, 1))
    grid = np.linspace(start, end, max(round((end - start) / BIN), 1) + 1)[:-1]
    edges = np.unique(np.append(np.round(10**grid - 1), low))
    return np.asarray(edges[(edges >= low) & (edges <= high)], dtype=np.float64)


def _level(have: Numbers, more: int) -> Numbers:
    """``more`` units poured into bins so that the least filled rise together, the first of equals first."""
    add = np.zeros(len(have), dtype=np.int64)
    for _ in range(more):
        add[int(np.argmin(have + add))] += 1
    return add


def added(bins: list[Bin]) -> Floats:
    """Counts of the concepts to add, spread over each bin evenly in log-count; whole numbers."""
    counts: list[float] = []
    for each in bins:
        low, high = math.log10(1 + each.low), math.log10(2 + each.high)
        share = (np.arange(each.add) + 0.5) / max(each.add, 1)
        counts += np.clip(np.floor(10 ** (low + share * (high - low)) - 1), each.low, each.high).tolist()
    return np.array(counts)
