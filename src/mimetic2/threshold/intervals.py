"""Intervals of the threshold: likelihood-ratio inversion for a step, profile likelihood for a ramp's midpoint."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from mimetic2.threshold.segmentation import Floats
from mimetic2.threshold.shapes import Design, Fit, variance_floor
from mimetic2.threshold.verdict import unshrunk, wild

_UNSEEN = 0.1  # of a ramp's whole rise: what may lie beyond the observed counts for "half of the rise" to be true


@dataclass(frozen=True)
class StepInterval:
    """The gap-extended interval of a step; ``holes`` if the accepted breaks are not contiguous.

    ``critical``: the larger of ``hansen`` and, with unequal variances, a wild bootstrap's critical value.
    """

    low: int
    high: int
    holes: bool
    critical: float
    unequal_variances: bool
    hansen: float


def hansen_critical(level: float) -> float:
    """Quantile of the limiting likelihood ratio of a threshold, P(ξ ≤ c) = (1 − e^(−c/2))² (Hansen 2000)."""
    return -2 * math.log(1 - math.sqrt(level))


def normal_quantile(level: float) -> float:
    """Two-sided: 1.96 at .95."""
    return NormalDist().inv_cdf((1 + level) / 2)


def from_count(design: Design, column: int) -> int:
    """The threshold of the step in ``column``: the least whole number of images that is on its upper level.

    Counts may be fractions (estimated counts); rounded up, the number lies in every interval that accepts this break.
    """
    return math.ceil(float(design.counts[column + 1]))


def step_interval(
    design: Design, scores: Floats, fit: Fit, level: float, rng: np.random.Generator, draws: int
) -> StepInterval:
    """Breaks whose likelihood ratio is not rejected, from one more than the last count below to the first above.

    The break is only known to lie between two observed counts, so the gap below the first accepted break belongs to
    the interval. Where residual variances differ over counts (:func:`unequal_variances`) the critical value is the
    larger of Hansen's and that of a wild bootstrap around the fitted step.
    """
    rss = step_rss(design, scores[np.newaxis, :])[0]
    best = max(float(rss.min()), design.n * variance_floor(scores))
    critical = hansen = hansen_critical(level)
    fitted = design.at_rows(fit.levels)
    unequal = unequal_variances(design, scores - fitted)
    if unequal:
        drawn = step_rss(design, wild(fitted, unshrunk(scores - fitted, "step"), rng, draws))
        lowest = np.maximum(drawn.min(axis=1), design.n * variance_floor(scores))
        ratios = design.n * (drawn[:, fit.column] - lowest) / lowest
        critical = max(critical, float(np.quantile(ratios, level)))
    accepted = np.flatnonzero(design.n * (rss - best) / best <= critical)
    first, last = int(accepted[0]), int(accepted[-1])
    low = math.floor(design.counts[first]) + 1  # column j is the break between levels j and j + 1
    high = from_count(design, last)
    return StepInterval(low, high, len(accepted) < last - first + 1, critical, unequal, hansen)


def step_rss(design: Design, scores: Floats) -> Floats:
    """Weighted residual sum of squares of a rise at each break, for each row of ``scores``: (draws, breaks)."""
    _, sums, total = design.centred_sums(scores)
    return np.asarray(total[:, np.newaxis] - np.maximum(design.steps.projections(sums), 0.0) ** 2)


def unequal_variances(design: Design, residuals: Floats) -> bool:
    """Whether Koenker's test rejects equal variances at 5 %."""
    p = koenker_p(design, residuals)
    return p is not None and p < 0.05


def koenker_p(design: Design, residuals: Floats) -> float | None:
    """Koenker's (1981) test: do squared weighted residuals move with log count? None if they are all equal."""
    squares = residuals**2 * design.weights
    x = design.x[design.level_of]
    if np.ptp(squares) == 0:
        return None
    correlation = float(np.corrcoef(x, squares)[0, 1])
    return 2 * (1 - NormalDist().cdf(math.sqrt(design.n) * abs(correlation)))


@dataclass(frozen=True)
class Midpoint:
    """Midpoint of the ramp as a count, with a profile-likelihood interval; None if it leaves the observed counts.

    ``beyond``: which of foot and top of the fitted logistic the observed counts do not reach. ``half_seen``: where half
    of its rise between the lowest and the highest count is reached; the midpoint is that only if nothing is beyond.
    """

    count: int
    interval: tuple[int, int] | None
    beyond: tuple[str, ...]
    half_seen: int


def ramp_midpoint(design: Design, scores: Floats, fit: Fit, level: float) -> Midpoint:
    """Midpoints whose best ramp (over widths) has a log likelihood within χ²₁/2 of the best."""
    _, sums, total = design.centred_sums(scores[np.newaxis, :])
    rss = total[0] - np.maximum(design.ramps.projections(sums)[0], 0.0) ** 2
    midpoints = np.unique(design.ramps.midpoints)
    profile = rss.reshape(len(midpoints), -1).min(axis=1)
    least = max(float(profile.min()), design.n * variance_floor(scores))
    ratio = design.n * np.log(np.maximum(profile, least) / least)
    accepted = np.flatnonzero(ratio <= normal_quantile(level) ** 2)
    count = round(10 ** float(design.ramps.midpoints[fit.column]) - 1)
    beyond, half_seen = _unseen(design, fit), _half_seen(design, fit)
    first, last = int(accepted[0]), int(accepted[-1])
    if first == 0 or last == len(midpoints) - 1:
        return Midpoint(count, None, beyond, half_seen)
    # one grid step outwards: the crossing lies between an accepted midpoint and its rejected neighbour
    low, high = math.floor(10 ** midpoints[first - 1] - 1), math.ceil(10 ** midpoints[last + 1] - 1)
    return Midpoint(count, (low, high), beyond, half_seen)


def _unseen(design: Design, fit: Fit) -> tuple[str, ...]:
    """Ends of the logistic of which the observed counts leave out more than ``_UNSEEN`` of its whole rise."""
    ends = np.array([design.x[0], design.x[-1]])
    distance = np.abs(ends - design.ramps.midpoints[fit.column]) / design.ramps.scales[fit.column]
    left_out = 1 / (1 + np.exp(distance))
    return tuple(name for name, share in zip(("foot", "top"), left_out, strict=True) if share > _UNSEEN)


def _half_seen(design: Design, fit: Fit) -> int:
    """Count at which the ramp has half of its rise between the lowest and the highest count."""
    middle, scale = design.ramps.midpoints[fit.column], design.ramps.scales[fit.column]
    low, high = np.tanh((design.x[[0, -1]] - middle) / (2 * scale))
    place = middle + 2 * scale * math.atanh((low + high) / 2)
    return round(10 ** float(place) - 1)
