"""The curve of P(identified): likelihood on a grid, its maximum, and what a χ²₁ cut accepts.

P = f + (c − f) · logistic, written by the logistic's values ``low`` and ``high`` (in logits) at both ends of the
observed x, which is stretched to [0, 1]; rising, so low ≤ high. Jeffreys' prior keeps both finite.

One floor f and ceiling c are reported: chance and 1, unless the data free them. But few data can free them, so the cut
also accepts curves with other ends that the data cannot tell from those: with 1 taken for a ceiling of .7 that had not
shown itself, intervals of N50 held the truth in two of three studies.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mimetic2.threshold.intervals import normal_quantile
from mimetic2.threshold.segmentation import Floats

_MOST = 14.0  # logits at the ends of the observed counts: probabilities from 1e-6 to 1 − 1e-6
_GRID = 57
_FINE = 80
_ROUNDS = 3
_CEILINGS = np.linspace(0.3, 0.95, 14)
_FLOORS = np.linspace(0.05, 0.6, 12)
_LEAST_RISE = 0.2
_AHEAD = 2.0
_PLACES = 200


@dataclass(frozen=True)
class Curves:
    """Curves of one floor and ceiling: (k,) logits at both ends of the observed counts."""

    floor: float
    ceiling: float
    low: Floats
    high: Floats

    def p(self, place: Floats) -> Floats:
        """P at ``place`` (m,): (k, m)."""
        eta = self.low[:, np.newaxis] + (self.high - self.low)[:, np.newaxis] * place
        return np.asarray(self.floor + (self.ceiling - self.floor) * 0.5 * (1 + np.tanh(0.5 * eta)))

    def crossing(self, wanted: float) -> Floats:
        """Where on [0, 1] P reaches ``wanted``; infinite if it never does, negative if it is above from the start."""
        if self.ceiling <= wanted:
            return np.full(len(self.low), np.inf)
        share = (wanted - self.floor) / (self.ceiling - self.floor)
        if share <= 0:
            return np.full(len(self.low), -np.inf)
        target = np.log(share / (1 - share))
        slope = self.high - self.low
        with np.errstate(divide="ignore"):
            place = np.where(slope > 0, (target - self.low) / np.where(slope > 0, slope, 1), np.inf)
        return np.where((slope <= 0) & (self.low >= target), -np.inf, place)


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


def _log_posterior(ranked: Ranked, low: Floats, high: Floats, floor: float, ceiling: float) -> tuple[Floats, Floats]:
    """Log likelihood and log posterior with Jeffreys' prior, for each (low, high): shapes as ``low``."""
    place = ranked.place
    share = 0.5 * (1 + np.tanh(0.5 * (low[:, np.newaxis] + (high - low)[:, np.newaxis] * place)))
    p = np.clip(floor + (ceiling - floor) * share, 1e-12, 1 - 1e-12)
    likelihood = np.log(p) @ ranked.hits + np.log1p(-p) @ (ranked.number - ranked.hits)
    weight = ranked.number * ((ceiling - floor) * share * (1 - share)) ** 2 / (p * (1 - p))
    total, first, second = weight.sum(axis=1), weight @ place, weight @ (place * place)
    determinant = np.maximum(total * second - first * first, 1e-300)
    return likelihood, likelihood + 0.5 * np.log(determinant)


@dataclass(frozen=True)
class _Fit:
    """The curve of the largest posterior at one floor and ceiling."""

    floor: float
    ceiling: float
    low: float
    high: float
    likelihood: float
    posterior: float

    @property
    def curve(self) -> Curves:
        return Curves(self.floor, self.ceiling, np.array([self.low]), np.array([self.high]))


def maximum(ranked: Ranked, floor: float, ceiling: float, rounds: int = _ROUNDS) -> _Fit:
    """The rising curve of the largest posterior with these ends, on a grid refined ``rounds`` times."""
    fit, reach = _Fit(floor, ceiling, 0.0, 0.0, 0.0, 0.0), _MOST
    for _ in range(rounds + 1):
        low, high = _triangle(fit.low, fit.high, reach)
        likelihood, posterior = _log_posterior(ranked, low, high, floor, ceiling)
        at = int(posterior.argmax())
        fit = _Fit(floor, ceiling, *(float(values[at]) for values in (low, high, likelihood, posterior)))
        reach *= 4 / _GRID
    return fit


def _triangle(centre_low: float, centre_high: float, reach: float) -> tuple[Floats, Floats]:
    offsets = np.linspace(-reach, reach, _GRID)
    low, high = np.meshgrid(
        np.clip(centre_low + offsets, -_MOST, _MOST), np.clip(centre_high + offsets, -_MOST, _MOST), indexing="ij"
    )
    rising = low <= high
    return low[rising], high[rising]


def estimate(ranked: Ranked, chance: float, level: float) -> tuple[Curves, list[Curves]]:
    """The reported curve, and every curve (its own among them) that the data cannot tell from it.

    The reported floor is ``chance`` and the ceiling 1 unless freeing one lowers BIC by more than 2: default faces, or
    concepts that differ much at equal count, raise the floor. A curve with the same or other ends is accepted if its
    profile lies within χ²₁/2 of the best: the posterior's loss from the largest with its ends plus the loss of those
    ends' likelihood.
    """
    coarse = _with_other_ends(ranked, chance)
    candidates = [coarse[0], _best(coarse, lambda fit: fit.floor == chance and fit.ceiling < 1)]
    for ceiling in dict.fromkeys((1.0, candidates[1].ceiling)):
        floors = [fit for fit in coarse if fit.floor > chance and fit.ceiling == ceiling]
        candidates += [_best(floors, lambda fit: True)] if floors else []
    fine = [maximum(ranked, fit.floor, fit.ceiling) for fit in candidates]
    price = float(np.log(ranked.number.sum())) + _AHEAD
    best = max(fine, key=lambda fit: 2 * fit.likelihood - price * ((fit.floor > chance) + (fit.ceiling < 1)))
    top = max(fit.likelihood for fit in (*coarse, *fine))
    reach = normal_quantile(level) ** 2 / 2
    known = {(fit.floor, fit.ceiling): fit for fit in (*coarse, *fine)}  # the refined one where there is one
    kept = [_accepted(ranked, fit, reach - (top - fit.likelihood)) for fit in known.values()]
    return best.curve, [best.curve, *(curves for curves in kept if len(curves.low))]


def _with_other_ends(ranked: Ranked, chance: float) -> list[_Fit]:
    """Coarse fits: the usual ends first, then lower ceilings, then higher floors below 1 and below the best ceiling."""
    fits = [maximum(ranked, chance, 1.0, rounds=0)]
    fits += [maximum(ranked, chance, float(ceiling), rounds=0) for ceiling in _CEILINGS if ceiling > chance]
    lowered = _best(fits, lambda fit: fit.ceiling < 1).ceiling
    for ceiling in dict.fromkeys((1.0, lowered)):
        floors = (float(floor) for floor in _FLOORS if chance < floor < ceiling - _LEAST_RISE)
        fits += [maximum(ranked, floor, ceiling, rounds=0) for floor in floors]
    return fits


def _best(fits: list[_Fit], among: Callable[[_Fit], bool]) -> _Fit:
    return max((fit for fit in fits if among(fit)), key=lambda fit: fit.likelihood)


def _accepted(ranked: Ranked, fit: _Fit, reach: float) -> Curves:
    """Curves with the ends of ``fit`` whose posterior lies within ``reach`` of its own; none if that is negative."""
    low = high = np.array([])
    if reach >= 0:
        grid_low, grid_high = _triangle(0.0, 0.0, _MOST)
        inside = _log_posterior(ranked, grid_low, grid_high, fit.floor, fit.ceiling)[1] >= fit.posterior - reach
        span_low, span_high = _span(grid_low[inside], fit.low), _span(grid_high[inside], fit.high)
        low, high = (
            side.ravel() for side in np.meshgrid(np.linspace(*span_low, _FINE), np.linspace(*span_high, _FINE))
        )
        low, high = low[low <= high], high[low <= high]
        inside = _log_posterior(ranked, low, high, fit.floor, fit.ceiling)[1] >= fit.posterior - reach
        low, high = np.append(low[inside], fit.low), np.append(high[inside], fit.high)
    return Curves(fit.floor, fit.ceiling, low, high)


def _span(values: Floats, point: float) -> tuple[float, float]:
    step = 2 * _MOST / (_GRID - 1)
    values = np.append(values, point)
    return max(float(values.min()) - step, -_MOST), min(float(values.max()) + step, _MOST)
