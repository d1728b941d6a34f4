"""Which counts further concepts should have: those at which they tell the verdicts apart best.

Sequential T-optimality (Atkinson & Fedorov 1975), averaged over plausible curves: each curve in turn is the truth, the
shapes that would give another verdict are fitted to it, and further concepts go, a few at a time, to the counts where
it differs most from the nearest of them, relative to how far apart they are already.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mimetic2.planning.allocation import Floats, Numbers
from mimetic2.planning.noise import Noise
from mimetic2.planning.scenarios import Scenario
from mimetic2.threshold.shapes import SMOOTH, Design, variance_floors

BIN = 0.25  # decades
_POINTS = 4  # counts in a bin at which curves are compared
_LOTS = 12
_NEARLY_NOTHING = 1e-6  # weight of a count at which there is no concept yet


@dataclass(frozen=True)
class Bin:
    """Counts ``low`` to ``high``, both included; how many concepts are there and how many to add."""

    low: int
    high: int
    have: int
    add: int


def place(counts: Floats, more: int, curves: Sequence[Scenario], noise: Noise, images: float) -> list[Bin]:
    """Quarter decades over the observed counts with ``more`` concepts of ``images`` images added to them.

    Without ``curves``, which rise all, the thinnest bins are filled.
    """
    edges = _edges(counts)
    have = np.histogram(counts, np.append(edges, np.inf))[0]
    lasts = [*(int(edge) - 1 for edge in edges[1:]), math.ceil(counts.max())]
    bins = [Bin(int(low), high, int(own), 0) for low, high, own in zip(edges, lasts, have, strict=True)]
    add = _telling(counts, bins, more, curves, noise, images) if curves and more else _level(have, more)
    return [Bin(each.low, each.high, each.have, int(new)) for each, new in zip(bins, add, strict=True)]


def _telling(
    counts: Floats, bins: Sequence[Bin], more: int, curves: Sequence[Scenario], noise: Noise, images: float
) -> Numbers:
    """How many to add to each bin (bins,)."""
    points = np.concatenate([spread(each.low, each.high, _POINTS) for each in bins])
    every, at = np.unique(np.concatenate((counts, points)), return_inverse=True)
    precision = 1 / noise.at(every, images) ** 2
    truths = np.array([curve.mean(every) for curve in curves])
    step = np.array([curve.shape == "step" for curve in curves])
    number = np.bincount(at[: len(counts)], minlength=len(every)).astype(np.float64)
    of_bin = at[len(counts) :].reshape(len(bins), _POINTS)
    add = np.zeros(len(bins), dtype=np.int64)
    for lot in np.diff(np.round(np.linspace(0, more, min(_LOTS, more) + 1)).astype(int)):
        squares = _nearest(Design(every, precision * np.maximum(number, _NEARLY_NOTHING)), truths, step) * precision
        gain = (squares / (squares @ number)[:, np.newaxis]).mean(axis=0)
        best = int(gain[of_bin].mean(axis=1).argmax())
        add[best] += lot
        np.add.at(number, of_bin[best], lot / _POINTS)
    return add


def _nearest(design: Design, truths: Floats, step: np.ndarray) -> Floats:
    """Squared differences (curves, counts) of each curve from the nearest one that would give another verdict."""
    batch = design.fit_many(truths, variance_floors(truths))
    rss = np.array([[batch.rss[shape] for shape in ("flat", "step", *SMOOTH)]])[0]
    rss[1, step] = np.inf
    rss[2:, ~step] = np.inf
    nearest = rss.argmin(axis=0)
    squares = np.empty_like(truths)
    for row, shape in enumerate(("flat", "step", *SMOOTH)):
        own = nearest == row
        squares[own] = (design.levels_of(batch, shape)[own] - truths[own]) ** 2
    return squares


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


def added(bins: Sequence[Bin]) -> Floats:
    """Counts of the concepts to add, spread over each bin evenly in log-count; whole numbers."""
    return np.concatenate([np.zeros(0), *(spread(each.low, each.high, each.add) for each in bins)])


def spread(low: int, high: int, number: int) -> Floats:
    """``number`` whole counts from ``low`` to ``high``, evenly over log-count."""
    start, end = math.log10(1 + low), math.log10(2 + high)
    share = (np.arange(number) + 0.5) / max(number, 1)
    return np.asarray(np.clip(np.floor(10 ** (start + share * (end - start)) - 1), low, high), dtype=np.float64)
