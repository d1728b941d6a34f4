"""Two steps (p = 5) beside the four shapes: does a second rise describe the scores better than they do?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mimetic2.threshold.intervals import from_count
from mimetic2.threshold.segmentation import Floats
from mimetic2.threshold.shapes import SHAPES, SMOOTH, Design, Fit, variance_floor
from mimetic2.threshold.verdict import SIGNIFICANCE, better_smooth, neighbours, unshrunk

PARAMETERS = 5  # three levels, two places
_MOST_BREAKS = 400  # places tried: all of them up to this many distinct counts, then evenly over their order


@dataclass(frozen=True)
class TwoSteps:
    """Best fit of two rises: counts where the levels begin, BIC, and its lead over the best other shape.

    ``tests``: p-values against flat, every smooth shape and one step; empty where two steps do not lead.
    """

    counts: tuple[int, int]
    bic: float
    ahead: float
    tests: dict[str, float]

    @property
    def holds(self) -> bool:
        """Whether every rival is rejected at 5 %, by the same bootstrap test as for one step."""
        return bool(self.tests) and all(p <= SIGNIFICANCE for p in self.tests.values())


def fit_two_steps(
    design: Design, scores: Floats, fits: dict[str, Fit], rng: np.random.Generator, draws: int
) -> TwoSteps | None:
    """Fit two rises to ``scores`` (n,) and test them where they lead; None with fewer than three distinct counts."""
    if len(design.counts) < 3:
        return None
    pairs = _Pairs(design)
    rss, places = pairs.fit(scores[np.newaxis, :])
    floor = variance_floor(scores)
    bic = float(_bic(design, rss, floor)[0])
    ahead = min(fit.bic for fit in fits.values()) - bic
    tests = {}
    if ahead > 0:
        for rival in ("flat", *SMOOTH, "step"):
            tests[rival] = _test(design, pairs, scores, fits, rival, bic, rng, draws)
    first, second = (from_count(design, int(place) - 1) for place in places[0])
    return TwoSteps((first, second), bic, ahead, tests)


def _test(
    design: Design,
    pairs: _Pairs,
    scores: Floats,
    fits: dict[str, Fit],
    rival: str,
    bic: float,
    rng: np.random.Generator,
    draws: int,
) -> float:
    """How often two steps are as far ahead as observed when the rival is true; of all smooth shapes the best counts."""
    fitted = design.at_rows(fits[rival].levels)
    drawn = neighbours(design, fitted, unshrunk(scores - fitted, rival), rng, draws)
    floor = variance_floor(scores)
    batch = design.fit_many(drawn, floor)
    smooth = rival in SMOOTH
    observed = (fits[better_smooth(fits)] if smooth else fits[rival]).bic - bic
    ahead = (batch.best_smooth() if smooth else batch.bic[rival]) - _bic(design, pairs.fit(drawn)[0], floor)
    return float((1 + np.count_nonzero(ahead >= observed - 1e-9)) / (1 + draws))


def _bic(design: Design, rss: Floats, floor: float) -> Floats:
    """As :meth:`Design.bic`, which knows the four shapes only: flat's, with the other number of parameters."""
    return np.asarray(design.bic(rss, SHAPES[0], floor) + (PARAMETERS - 1) * np.log(design.n))


class _Pairs:
    """All pairs of places of a design, and the best of them for many draws by exhaustive search."""

    def __init__(self, design: Design) -> None:
        self.design = design
        levels = np.arange(1, len(design.counts))
        if len(levels) > _MOST_BREAKS:
            levels = np.unique(np.linspace(1, len(design.counts) - 1, _MOST_BREAKS).round().astype(int))
        first, second = np.triu_indices(len(levels), 1)
        self.levels, self.first, self.second = levels, first, second
        self.below = np.cumsum(design.level_weights)[levels - 1]
        self.above = design.level_weights.sum() - self.below
        self.between = self.below[second] - self.below[first]

    def fit(self, scores: Floats) -> tuple[Floats, NDArray[np.int64]]:
        """Residual sum of squares of the best pair of rises, (draws,), and its two levels, (draws, 2)."""
        design = self.design
        means = (scores @ design.weights) / design.weights.sum()
        centred = scores - means[:, np.newaxis]
        sums = np.cumsum(np.add.reduceat(centred * design.weights, design.starts, axis=1), axis=1)[:, self.levels - 1]
        best = [self._best(row) for row in sums]
        total = (centred * centred) @ design.weights
        drop = np.array([drop for drop, _ in best])
        return np.maximum(total - drop, 0.0), np.array([self.levels[list(places)] for _, places in best])

    def _best(self, sums: Floats) -> tuple[float, tuple[int, int]]:
        """Largest drop of the residual sum of squares over pairs whose levels rise, or that of the best single rise."""
        low, high = sums / self.below, -sums / self.above
        single = np.where(high > low, sums * low - sums * high, 0.0)
        inside = sums[self.second] - sums[self.first]
        middle = inside / self.between
        drop = (sums * low)[self.first] - (sums * high)[self.second] + inside * middle
        rising = (middle > low[self.first]) & (high[self.second] > middle)
        drop[~rising] = -1.0
        pair, one = int(drop.argmax()), int(single.argmax())
        if drop[pair] >= single[one]:
            return float(drop[pair]), (int(self.first[pair]), int(self.second[pair]))
        return float(single[one]), (one, one)
