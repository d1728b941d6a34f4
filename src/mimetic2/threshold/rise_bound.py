"""The largest rise that scores without a visible one still allow, wherever over the counts it may lie.

Every curve of every shape (line, hinges, steps, ramps) has an upper confidence bound of its rise between the lowest and
the highest count. The largest of these bounds holds whichever of the curves is the true one, because the true one's own
bound is among them: nothing has to be known or guessed of the place, and no correction for many places is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from mimetic2.threshold.segmentation import Floats
from mimetic2.threshold.shapes import Design
from mimetic2.threshold.verdict import window_starts

_LEAST_SHARE = 0.1  # of the concepts on each side of a rise's middle
_VALUES_AT_ONCE = 2**21


@dataclass(frozen=True)
class RiseBound:
    """Upper bounds of the rise from the lowest to the highest count.

    ``inner``: of rises whose middle has at least ``beside`` concepts on each side (a tenth of all). ``anywhere``: of
    all rises, also those that only a few of the highest or lowest counts show.
    """

    inner: float
    anywhere: float
    beside: int


def rise_bound(design: Design, scores: Floats, level: float) -> RiseBound:
    """Bounds at (1 + ``level``)/2, one-sided, for ``scores`` (n,) in the design's order.

    The variance around a curve is taken from the same neighbours as the bootstrap tests' residuals, so that it may
    change with the count; residuals are freed of what fitting took (leverage). Student's quantile belongs to so few.
    """
    beside = max(2, int(np.ceil(_LEAST_SHARE * design.n)))
    below = np.concatenate(([0], np.cumsum(design.sizes)))
    inner = anywhere = 0.0
    for family in design.families.values():
        portion = max(1, _VALUES_AT_ONCE // design.n)
        for first in range(0, family.size, portion):
            curves = family.curves(np.arange(first, min(first + portion, family.size)))
            bounds = _bounds(design, scores, curves, level)
            middle = below[(curves < ((curves[:, 0] + curves[:, -1]) / 2)[:, np.newaxis]).sum(axis=1)]
            within = np.minimum(middle, design.n - middle) >= beside
            inner = max(inner, float(bounds[within].max(initial=0.0)))
            anywhere = max(anywhere, float(bounds.max(initial=0.0)))
    return RiseBound(inner, anywhere, beside)


def _bounds(design: Design, scores: Floats, curves: Floats, level: float) -> Floats:
    """Upper bound of the rise along each of ``curves`` (columns, levels), centred and of unit weighted norm."""
    rows = curves[:, design.level_of]
    weights = design.weights
    centred = scores - weights @ scores / design.n
    gains = rows @ (weights * centred)
    residuals = centred - gains[:, np.newaxis] * rows
    free = 1 - weights * (rows**2 + 1 / design.n)
    starts, width = window_starts(design.n)
    variances = _window_sums(weights * residuals**2, starts, width) / np.maximum(_window_sums(free, starts, width), 1.0)
    errors = np.sqrt((weights * rows**2 * variances).sum(axis=1))
    quantile = student_quantile((1 + level) / 2, width - 2)
    return np.asarray((gains + quantile * errors) * (curves[:, -1] - curves[:, 0]))


def _window_sums(values: Floats, starts: NDArray[np.int64], width: int) -> Floats:
    sums = np.concatenate((np.zeros((len(values), 1)), np.cumsum(values, axis=1)), axis=1)
    return np.asarray(np.maximum(sums[:, starts + width] - sums[:, starts], 0.0))


def student_quantile(probability: float, freedom: int) -> float:
    """Quantile of Student's t by Fisher's expansion (Abramowitz & Stegun 26.7.5): to 0.5 % from 6 degrees on."""
    z = NormalDist().inv_cdf(probability)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / float(freedom) ** power for power, term in enumerate(terms, 1))
