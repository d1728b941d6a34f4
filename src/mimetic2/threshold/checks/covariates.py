"""Confounders that the user names: what is left of the rise once they are allowed for."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mimetic2.threshold.association import ranks
from mimetic2.threshold.conclusion import Conclusion
from mimetic2.threshold.intervals import normal_quantile
from mimetic2.threshold.segmentation import Floats
from mimetic2.threshold.verdict import lowest

_ROUNDS = 20


def adjusted(found: Conclusion, covariates: Floats) -> tuple[Floats, list[float]]:
    """Scores (n,) with the covariates' linear effect taken out, and that effect per standard deviation, (k,).

    ``covariates`` (n, k) in the conclusion's order. Their coefficients are estimated together with the shape that fits
    best (so the covariates are not credited with the rise itself); shape and coefficients are found in turn until both
    stay.
    """
    design, scores = found.design, found.scores
    standard = standardised(covariates)
    root = np.sqrt(design.weights)
    effects = np.zeros(standard.shape[1])
    for _ in range(_ROUNDS):
        fits = design.fit(scores - standard @ effects)
        best = lowest(fits)
        curve = [] if best == "flat" else [design.at_rows(fits[best].levels)]
        columns = np.column_stack([np.ones(design.n), *curve, standard])
        solution = np.linalg.lstsq(columns * root[:, np.newaxis], scores * root, rcond=None)[0]
        last, effects = effects, solution[len(columns[0]) - standard.shape[1] :]
        if np.allclose(effects, last, rtol=0, atol=1e-10):
            break
    return scores - standard @ effects, [float(effect) for effect in effects]


def standardised(covariates: Floats) -> Floats:
    """Columns with mean 0 and standard deviation 1; constant columns become 0."""
    spread = covariates.std(axis=0)
    return np.asarray((covariates - covariates.mean(axis=0)) / np.where(spread > 0, spread, 1))


@dataclass(frozen=True)
class PairDifferences:
    """Differences between concepts of nearly equal count: the paper's invariance check, and what it leaves out.

    ``signed`` is the mean difference in an arbitrary order (the paper's figure, near 0 whatever the spread);
    ``absolute`` and ``rms`` are the sizes; ``expected_rms`` is what the standard errors alone explain and ``p`` the
    chance of as much (None without standard errors).
    """

    n: int
    signed: float
    absolute: float
    rms: float
    expected_rms: float | None
    p: float | None


def pair_differences(counts: Floats, scores: Floats, score_se: Floats | None, order: Floats) -> PairDifferences | None:
    """Disjoint pairs of neighbours whose counts differ by less than 10 or less than a tenth; None without a pair.

    ``order`` (n,) is an arbitrary key that pairs up equal counts and gives the signed difference its sign, so that the
    scores themselves do not choose the pairs.
    """
    rows = np.lexsort((order, counts))
    pairs = _pairs(counts[rows])
    if len(pairs) == 0:
        return None
    first, second = rows[pairs], rows[pairs + 1]
    difference = np.where(order[first] < order[second], 1, -1) * (scores[first] - scores[second])
    expected = p = None
    if score_se is not None:
        variance = score_se[first] ** 2 + score_se[second] ** 2
        expected = float(np.sqrt(variance.mean()))
        p = chi_square_tail(float((difference**2 / np.maximum(variance, 1e-300)).sum()), len(first))
    sizes = (difference.mean(), np.abs(difference).mean(), np.sqrt((difference**2).mean()))
    signed, absolute, rms = (float(size) for size in sizes)
    return PairDifferences(len(first), signed, absolute, rms, expected, p)


def _pairs(ascending: Floats) -> NDArray[np.int64]:
    """First members of pairs of neighbours, from the smallest count on, each concept in one pair at most."""
    first: list[int] = []
    place = 0
    while place + 1 < len(ascending):
        low, high = ascending[place], ascending[place + 1]
        if high - low < 10 or high < 1.1 * low:
            first.append(place)
            place += 1
        place += 1
    return np.array(first, dtype=np.int64)


def chi_square_tail(value: float, freedom: int) -> float:
    """P(χ² ≥ value), by its finite series (Abramowitz & Stegun 1964, 26.4.4 and 26.4.5)."""
    half = max(value, 0.0) / 2
    tail = math.erfc(math.sqrt(half)) if freedom % 2 else 0.0
    powers = np.arange(freedom // 2) + (0.5 if freedom % 2 else 0.0)
    if half > 0:
        tail += sum(math.exp(power * math.log(half) - half - math.lgamma(power + 1)) for power in powers)
    return min(1.0, tail) if half > 0 else 1.0


def count_association(counts: Floats, covariate: Floats) -> float:
    """Spearman's correlation of a covariate with the count; 0 for constant ones."""
    first, second = ranks(counts), ranks(covariate)
    first, second = first - first.mean(), second - second.mean()
    norm = float(np.sqrt((first @ first) * (second @ second)))
    return float(first @ second) / norm if norm > 0 else 0.0


def surely_associated(correlation: float, n: int) -> bool:
    """Whether a rank correlation is not 0 at 5 % (large-sample standard error 1/√(n − 1))."""
    return bool(abs(correlation) * (n - 1) ** 0.5 > normal_quantile(0.95))
