"""Probability that a concept is identified (ranks first among the study's concepts) over counts: N50 and N90.

P(x) = 1/M + (c − 1/M) · logistic(a + b·x), b ≥ 0, x = log10(1 + count), M ranked concepts. Jeffreys' prior on (a, b)
keeps the estimate finite when a count separates the identified from the others (Firth 1993). The likelihood has two
parameters, so it is evaluated on a grid of the logistic's values at both ends of the observed x, refined around its
maximum; intervals are profile likelihood: every quantity's range over the parameters that a χ²₁ cut accepts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mimetic2.threshold.curve import plain_counts
from mimetic2.threshold.intervals import normal_quantile
from mimetic2.threshold.segmentation import Floats

_MOST = 14.0  # logits at the ends of the observed counts: probabilities from 1e-6 to 1 − 1e-6
_GRID = 57
_ROUNDS = 3
_CEILINGS = np.linspace(0.3, 0.95, 14)
_AHEAD = 2.0
_POINTS = 60


@dataclass(frozen=True)
class Identification:
    """N50 and N90 with intervals; None where P does not reach .5 or .9 within the observed counts."""

    n50: int | None
    n50_interval: tuple[int, int] | None
    n90: int | None
    n90_interval: tuple[int, int] | None
    chance: float
    n_ranked: int
    n_identified: int
    ceiling: float
    count: Floats
    p: Floats
    low: Floats
    high: Floats

    def to_dict(self) -> dict[str, Any]:
        """The ``identification`` part of threshold.json."""
        return {
            "n50": self.n50,
            "n50_interval": list(self.n50_interval) if self.n50_interval else None,
            "n90": self.n90,
            "n90_interval": list(self.n90_interval) if self.n90_interval else None,
            "chance": round(self.chance, 6),
            "n_ranked": self.n_ranked,
            "n_identified": self.n_identified,
            "ceiling": round(self.ceiling, 6),
            "curve": {"count": plain_counts(self.count)}
            | {name: np.round(getattr(self, name), 6).tolist() for name in ("p", "low", "high")},
        }


def fit_identification(counts: Floats, identified: Floats, level: float) -> Identification | None:
    """Fit P to ``identified`` (n,) of 0 and 1; None with fewer than two ranked concepts or distinct counts."""
    if len(counts) < 2 or len(np.unique(counts)) < 2:
        return None
    x = np.log10(1 + counts)
    place = (x - x.min()) / np.ptp(x)
    chance = 1 / len(counts)
    ceiling, low, high = _estimate(place, identified, chance)
    grid_low, grid_high = _accepted(place, identified, chance, ceiling, low, high, level)
    shown = np.unique(np.round(10 ** np.linspace(x.min(), x.max(), _POINTS) - 1, 3))
    shown[0], shown[-1] = counts.min(), counts.max()
    at = (np.log10(1 + shown) - x.min()) / np.ptp(x)
    all_p = _probability(at, grid_low[:, np.newaxis], grid_high[:, np.newaxis], chance, ceiling)
    p = _probability(at, low, high, chance, ceiling)
    crossings = {}
    for name, wanted in (("n50", 0.5), ("n90", 0.9)):
        best = _crossing(wanted, np.array([low]), np.array([high]), chance, ceiling)[0]
        every = _crossing(wanted, grid_low, grid_high, chance, ceiling)
        crossings[name] = _as_counts(best, every, x)
    return Identification(
        *crossings["n50"],
        *crossings["n90"],
        chance=chance,
        n_ranked=len(counts),
        n_identified=int(identified.sum()),
        ceiling=ceiling,
        count=shown,
        p=p,
        low=np.minimum(all_p.min(axis=0), p),
        high=np.maximum(all_p.max(axis=0), p),
    )


def _as_counts(best: float, every: Floats, x: Floats) -> tuple[int | None, tuple[int, int] | None]:
    """A crossing as a count (None outside the observed ones), its interval (None if an end lies outside)."""

    def count(place: float) -> int:
        return round(10 ** (float(x.min()) + place * float(np.ptp(x))) - 1)

    if not 0 <= best <= 1:
        return None, None
    low, high = min(float(every.min()), best), max(float(every.max()), best)
    return count(best), (count(low), count(high)) if low >= 0 and high <= 1 else None


def _crossing(wanted: float, low: Floats, high: Floats, chance: float, ceiling: float) -> Floats:
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


def _probability(place: Floats, low: Any, high: Any, chance: float, ceiling: float) -> Floats:
    eta = low + (high - low) * place
    return np.asarray(chance + (ceiling - chance) * 0.5 * (1 + np.tanh(0.5 * eta)))


def _log_posterior(
    place: Floats, y: Floats, low: Floats, high: Floats, chance: float, ceiling: float
) -> tuple[Floats, Floats]:
    """Log likelihood and log posterior with Jeffreys' prior, for each (low, high): shapes as ``low``."""
    share = 0.5 * (1 + np.tanh(0.5 * (low[:, np.newaxis] + (high - low)[:, np.newaxis] * place)))
    p = np.clip(chance + (ceiling - chance) * share, 1e-12, 1 - 1e-12)
    likelihood = (np.where(y > 0, np.log(p), np.log1p(-p))).sum(axis=1)
    weight = ((ceiling - chance) * share * (1 - share)) ** 2 / (p * (1 - p))
    total, first, second = weight.sum(axis=1), weight @ place, weight @ (place * place)
    determinant = np.maximum(total * second - first * first, 1e-300)
    return likelihood, likelihood + 0.5 * np.log(determinant)


def _maximum(
    place: Floats, y: Floats, chance: float, ceiling: float, rounds: int = _ROUNDS
) -> tuple[float, float, float]:
    """(low, high) of the largest posterior with low ≤ high, and the log likelihood there."""
    centre_low, centre_high, reach = 0.0, 0.0, _MOST
    best = 0.0
    for _ in range(rounds + 1):
        low, high = _triangle(centre_low, centre_high, reach)
        likelihood, posterior = _log_posterior(place, y, low, high, chance, ceiling)
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


def _estimate(place: Floats, y: Floats, chance: float) -> tuple[float, float, float]:
    """Ceiling, low and high; the ceiling is 1 unless freeing it lowers BIC by more than 2."""
    low, high, likelihood = _maximum(place, y, chance, 1.0)
    trials = [float(ceiling) for ceiling in _CEILINGS if ceiling > chance]
    freed = max(trials, key=lambda ceiling: _maximum(place, y, chance, ceiling, rounds=0)[2])
    freed_low, freed_high, freed_likelihood = _maximum(place, y, chance, freed)
    if 2 * (freed_likelihood - likelihood) - np.log(len(y)) > _AHEAD:
        return freed, freed_low, freed_high
    return 1.0, low, high


def _accepted(
    place: Floats, y: Floats, chance: float, ceiling: float, low: float, high: float, level: float
) -> tuple[Floats, Floats]:
    """Grid of (low, high) whose posterior lies within χ²₁/2 of the largest."""
    best = _log_posterior(place, y, np.array([low]), np.array([high]), chance, ceiling)[1][0]
    cut = best - normal_quantile(level) ** 2 / 2
    grid_low, grid_high = _triangle(0.0, 0.0, _MOST)
    posterior = _log_posterior(place, y, grid_low, grid_high, chance, ceiling)[1]
    inside = posterior >= cut
    span_low, span_high = _span(grid_low[inside], low), _span(grid_high[inside], high)
    fine_low, fine_high = np.meshgrid(np.linspace(*span_low, 2 * _GRID), np.linspace(*span_high, 2 * _GRID))
    rising = fine_low <= fine_high
    fine_low, fine_high = fine_low[rising], fine_high[rising]
    posterior = _log_posterior(place, y, fine_low, fine_high, chance, ceiling)[1]
    inside = posterior >= cut
    return np.append(fine_low[inside], low), np.append(fine_high[inside], high)


def _span(values: Floats, point: float) -> tuple[float, float]:
    step = 2 * _MOST / (_GRID - 1)
    values = np.append(values, point)
    return max(float(values.min()) - step, -_MOST), min(float(values.max()) + step, _MOST)
