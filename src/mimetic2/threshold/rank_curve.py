"""The curve of P(identified): likelihood on a grid, its maximum, and what a χ²₁ cut accepts.

P = f + (c − f) · logistic, written by the logistic's values ``low`` and ``high`` (in logits) at both ends of the
observed x, which is stretched to [0, 1]; rising, so low ≤ high. Jeffreys' prior keeps both finite.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mimetic2.threshold.intervals import normal_quantile
from mimetic2.threshold.segmentation import Floats

_MOST = 14.0  # logits at the ends of the observed counts: probabilities from 1e-6 to 1 − 1e-6
_GRID = 57
_ROUNDS = 3
_CEILINGS = np.linspace(0.3, 0.95, 14)
_FLOORS = np.linspace(0.05, 0.6, 12)
_LEAST_RISE = 0.2
_AHEAD = 2.0
_PLACES = 200


@dataclass(frozen=True)
class Ranked:
    """Outcomes by place on the observed x, which is stretched to [0, 1]: (k,) places, concepts, sums of outcomes."""

    place: Floats
    number: Floats
    hits: Floats
    low: float
    span: float

    def count(self, place: float) -> int:
        """The count at a place."""
        return round(10 ** (self.low + place * self.span) - 1)


def ranked_by_place(counts: Floats, outcome: Floats) -> Ranked:
    x = np.log10(1 + counts)
    low, span = float(x.min()), float(np.ptp(x))
    place = (x - low) / span
    cell = np.unique((place * _PLACES).round(), return_inverse=True)[1]
    number = np.bincount(cell).astype(np.float64)
    hits = np.bincount(cell, outcome).astype(np.float64)
    return Ranked(np.bincount(cell, place) / number, number, hits, low, span)


def crossing(wanted: float, low: Floats, high: Floats, chance: float, ceiling: float) -> Floats:
    """Where on [0, 1] P reaches ``wanted``; infinite if it never does, negative if it is above from the start."""
    if ceiling <= wanted:
        return np.full(len(low), np.inf)
    share = (wanted - chance) / (ceiling - chance)
    if share <= 0:
        return np.full(len(low), -np.inf)
    target = np.log(share / (1 - share))
    slope = high - low
    with np.errstate(divide="ignore"):
        place = np.where(slope > 0, (target - low) / np.where(slope > 0, slope, 1), np.inf)
    return np.where((slope <= 0) & (low >= target), -np.inf, place)


def probability(place: Floats, low: Any, high: Any, chance: float, ceiling: float) -> Floats:
    eta = low + (high - low) * place
    return np.asarray(chance + (ceiling - chance) * 0.5 * (1 + np.tanh(0.5 * eta)))


def _log_posterior(ranked: Ranked, low: Floats, high: Floats, chance: float, ceiling: float) -> tuple[Floats, Floats]:
    """Log likelihood and log posterior with Jeffreys' prior, for each (low, high): shapes as ``low``."""
    place = ranked.place
    share = 0.5 * (1 + np.tanh(0.5 * (low[:, np.newaxis] + (high - low)[:, np.newaxis] * place)))
    p = np.clip(chance + (ceiling - chance) * share, 1e-12, 1 - 1e-12)
    likelihood = np.log(p) @ ranked.hits + np.log1p(-p) @ (ranked.number - ranked.hits)
    weight = ranked.number * ((ceiling - chance) * share * (1 - share)) ** 2 / (p * (1 - p))
    total, first, second = weight.sum(axis=1), weight @ place, weight @ (place * place)
    determinant = np.maximum(total * second - first * first, 1e-300)
    return likelihood, likelihood + 0.5 * np.log(determinant)


def maximum(ranked: Ranked, chance: float, ceiling: float, rounds: int = _ROUNDS) -> tuple[float, float, float]:
    """(low, high) of the largest posterior with low ≤ high, and the log likelihood there."""
    centre_low, centre_high, reach = 0.0, 0.0, _MOST
    best = 0.0
    for _ in range(rounds + 1):
        low, high = _triangle(centre_low, centre_high, reach)
        likelihood, posterior = _log_posterior(ranked, low, high, chance, ceiling)
        index = int(posterior.argmax())
        centre_low, centre_high, best = float(low[index]), float(high[index]), float(likelihood[index])
        reach *= 4 / _GRID
    return centre_low, centre_high, best


def _triangle(centre_low: float, centre_high: float, reach: float) -> tuple[Floats, Floats]:
    offsets = np.linspace(-reach, reach, _GRID)
    low, high = np.meshgrid(
        np.clip(centre_low + offsets, -_MOST, _MOST), np.clip(centre_high + offsets, -_MOST, _MOST), indexing="ij"
    )
    rising = low <= high
    return low[rising], high[rising]


def estimate(ranked: Ranked, chance: float) -> tuple[float, float, float, float]:
    """Floor, ceiling, low and high; floor is 1/M and ceiling 1 unless freeing one lowers BIC by more than 2.

    A floor above chance is what default faces give, or concepts that differ much at equal count: without it a fit whose
    start is nailed to chance puts N50 at the wrong count, however many concepts there are.
    """
    fixed: list[tuple[float, float]] = [(chance, 1.0)]
    ceilings = [(chance, float(ceiling)) for ceiling in _CEILINGS if ceiling > chance]
    lowered = max(ceilings, key=lambda ends: maximum(ranked, ends[0], ends[1], rounds=0)[2])
    fixed.append(lowered)
    for ceiling in dict.fromkeys((1.0, lowered[1])):
        floors = [(float(floor), ceiling) for floor in _FLOORS if chance < floor < ceiling - _LEAST_RISE]
        if floors:
            fixed.append(max(floors, key=lambda ends: maximum(ranked, ends[0], ends[1], rounds=0)[2]))
    fits = [(*ends, *maximum(ranked, ends[0], ends[1])) for ends in fixed]
    price = float(np.log(ranked.number.sum())) + _AHEAD
    gains = [2 * fit[4] - price * ((fit[0] > chance) + (fit[1] < 1)) for fit in fits]
    floor, ceiling, low, high, _ = fits[int(np.argmax(gains))]
    return floor, ceiling, low, high


def accepted(
    ranked: Ranked, chance: float, ceiling: float, low: float, high: float, level: float
) -> tuple[Floats, Floats]:
    """Grid of (low, high) whose posterior lies within χ²₁/2 of the largest."""
    best = _log_posterior(ranked, np.array([low]), np.array([high]), chance, ceiling)[1][0]
    cut = best - normal_quantile(level) ** 2 / 2
    grid_low, grid_high = _triangle(0.0, 0.0, _MOST)
    posterior = _log_posterior(ranked, grid_low, grid_high, chance, ceiling)[1]
    inside = posterior >= cut
    span_low, span_high = _span(grid_low[inside], low), _span(grid_high[inside], high)
    fine_low, fine_high = np.meshgrid(np.linspace(*span_low, 2 * _GRID), np.linspace(*span_high, 2 * _GRID))
    rising = fine_low <= fine_high
    fine_low, fine_high = fine_low[rising], fine_high[rising]
    posterior = _log_posterior(ranked, fine_low, fine_high, chance, ceiling)[1]
    inside = posterior >= cut
    return np.append(fine_low[inside], low), np.append(fine_high[inside], high)


def _span(values: Floats, point: float) -> tuple[float, float]:
    step = 2 * _MOST / (_GRID - 1)
    values = np.append(values, point)
    return max(float(values.min()) - step, -_MOST), min(float(values.max()) + step, _MOST)
