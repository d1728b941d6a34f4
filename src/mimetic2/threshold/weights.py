"""Weights of the concepts when each score has a standard error: 1 / (se² + τ²), τ² the spread that se leaves out."""

from __future__ import annotations

import numpy as np

from mimetic2.threshold.segmentation import Floats
from mimetic2.threshold.shapes import Design
from mimetic2.threshold.verdict import lowest

_LEAST_SE = 0.1  # of the median of those above 0: an error of 0 was not estimated
_STEPS = 121
_ROUNDS = 8


def concept_weights(counts: Floats, scores: Floats, score_se: Floats) -> tuple[Floats, float]:
    """Weights (n,) and τ² for ascending ``counts``; se is floored at a tenth of the median of those above 0.

    τ² is the restricted maximum likelihood estimate (Patterson & Thompson 1971) around the shape with the lowest BIC;
    shape and τ² are found in turn until the shape and its place stay. One set of weights serves all shapes, so that
    their BICs compare.
    """
    variance = np.maximum(score_se, _LEAST_SE * float(np.median(score_se[score_se > 0]))) ** 2
    tau2, last = float(np.var(scores)), None
    for _ in range(_ROUNDS):
        design = Design(counts, 1 / (variance + tau2))
        fits = design.fit(scores)
        best = lowest(fits)
        if last == (best, fits[best].column):
            break
        last = (best, fits[best].column)
        curve = design.at_rows(fits[best].levels) if fits[best].gain > 0 else None
        columns = np.ones((len(scores), 1)) if curve is None else np.column_stack((np.ones(len(scores)), curve))
        tau2 = reml(scores, columns, variance)
    return 1 / (variance + tau2), tau2


def reml(scores: Floats, columns: Floats, variance: Floats) -> float:
    """τ² ≥ 0 that maximises the restricted likelihood of a linear model with known ``variance`` beside it."""
    most = max(float(np.var(scores)) * 4, float(variance.max()))
    grid = np.concatenate(([0.0], np.geomspace(most * 1e-8, most, _STEPS - 1)))
    for _ in range(3):
        values = [_restricted_likelihood(tau2, scores, columns, variance) for tau2 in grid]
        best = int(np.argmax(values))
        low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
        if best == 0 and values[0] >= values[1] and low == 0.0 and high < most * 1e-7:
            return 0.0
        grid = np.linspace(low, high, _STEPS)
    return float(grid[int(np.argmax([_restricted_likelihood(tau2, scores, columns, variance) for tau2 in grid]))])


def _restricted_likelihood(tau2: float, scores: Floats, columns: Floats, variance: Floats) -> float:
    total = variance + tau2
    weighted = columns / total[:, np.newaxis]
    information = columns.T @ weighted
    coefficients = np.linalg.solve(information, weighted.T @ scores)
    residuals = scores - columns @ coefficients
    quadratic = float(residuals @ (residuals / total))
    return -0.5 * (float(np.log(total).sum()) + float(np.linalg.slogdet(information)[1]) + quadratic)
