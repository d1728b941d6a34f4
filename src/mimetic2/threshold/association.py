"""Does the score go with the count: rank correlation by permutation, and whether it falls."""

from __future__ import annotations

import numpy as np

from mimetic2.threshold.intervals import normal_quantile
from mimetic2.threshold.segmentation import Floats
from mimetic2.threshold.shapes import Design

_FALL_LEVEL = 0.95


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


def _slopes(design: Design, scores: Floats, unit: Floats) -> tuple[Floats, Floats]:
    """Projection on each unit curve and its heteroskedasticity-consistent standard error (leverage-corrected)."""
    rows = unit[design.level_of]
    centred = scores - (scores @ design.weights) / design.weights.sum()
    weighted = rows * design.weights[:, np.newaxis]
    slope = centred @ weighted
    leverage = weighted * rows + (design.weights / design.weights.sum())[:, np.newaxis]
    residuals = (centred[:, np.newaxis] - rows * slope) / np.maximum(1 - leverage, 0.1)
    return slope, np.sqrt(((weighted * residuals) ** 2).sum(axis=0))
