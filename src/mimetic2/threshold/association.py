"""Does the score go with the count: rank correlation by permutation, falls, and the largest rise not excluded."""

from __future__ import annotations

import numpy as np

from mimetic2.threshold.intervals import normal_quantile
from mimetic2.threshold.segmentation import Floats
from mimetic2.threshold.shapes import Design

_FALL_LEVEL = 0.95
_LEAST_SHARE = 0.1  # of the concepts on each side of a step that the largest rise considers


def ranks(values: Floats) -> Floats:
    """Average ranks from 1."""
    _, inverse, sizes = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(sizes)
    return np.asarray((last - (sizes - 1) / 2)[inverse])


def correlation(counts: Floats, scores: Floats, rng: np.random.Generator, draws: int) -> dict[str, float]:
    """Spearman's rank correlation and its two-sided permutation p-value; 0 and 1 for constant scores."""
    first, second = ranks(counts), ranks(scores)
    first, second = first - first.mean(), second - second.mean()
    norm = float(np.sqrt((first @ first) * (second @ second)))
    if norm == 0:
        return {"spearman": 0.0, "p": 1.0}
    observed = float(first @ second) / norm
    shuffled = rng.permuted(np.tile(second, (draws, 1)), axis=1) @ first / norm
    p = (1 + np.count_nonzero(np.abs(shuffled) >= abs(observed) - 1e-12)) / (1 + draws)
    return {"spearman": round(observed, 6), "p": round(float(p), 6)}


def falls(design: Design, scores: Floats) -> bool:
    """Whether the weighted slope on log count is surely negative (5 %, HC3 variance: MacKinnon & White 1985)."""
    slope, error = _slopes(design, scores, design.line.curves(np.zeros(1, dtype=np.int64)).T)
    return bool(slope[0] + normal_quantile(_FALL_LEVEL) * error[0] < 0)


def largest_rise(design: Design, scores: Floats, level: float) -> float:
    """Upper confidence bound of the rise from the lowest to the highest count, the largest over linear and steps.

    Steps with fewer than a tenth of the concepts on one side are left out: single concepts exclude nothing.
    """
    above = np.cumsum(design.sizes[::-1])[::-1][1:]
    wide = np.minimum(above, design.n - above) >= max(2, _LEAST_SHARE * design.n)
    line = design.line.curves(np.zeros(1, dtype=np.int64))
    unit = np.concatenate((line, design.steps.curves(np.flatnonzero(wide)))).T
    slope, error = _slopes(design, scores, unit)
    height = unit[-1] - unit[0]  # projections become rises of the score
    return max(0.0, float(((slope + normal_quantile(level) * error) * height).max()))


def _slopes(design: Design, scores: Floats, unit: Floats) -> tuple[Floats, Floats]:
    """Projection on each unit curve and its heteroskedasticity-consistent standard error (leverage-corrected)."""
    rows = unit[design.level_of]
    centred = scores - (scores @ design.weights) / design.weights.sum()
    weighted = rows * design.weights[:, np.newaxis]
    slope = centred @ weighted
    leverage = weighted * rows + (design.weights / design.weights.sum())[:, np.newaxis]
    residuals = (centred[:, np.newaxis] - rows * slope) / np.maximum(1 - leverage, 0.1)
    return slope, np.sqrt(((weighted * residuals) ** 2).sum(axis=0))
