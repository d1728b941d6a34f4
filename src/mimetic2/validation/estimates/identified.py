"""N50 and N90: worlds in which the fitted curve is the true one, and worlds in which it is not.

``logistic``       P rises as the fitted curve does, up to 1.
``ceiling``        the same up to .8.
``default faces``  a fifth of the concepts are identified at any count: the curve starts at chance, the truth does not.
``sudden``         P jumps from .05 to .95 within no distance at all.
``rivals``         identified is what ranks show: a concept's score, a ramp with noise, beats those of all rivals.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mimetic2.threshold.identification import AMONG, Crossing, fit_identification, rank1_among
from mimetic2.threshold.segmentation import Floats
from mimetic2.validation.bins import draw_counts
from mimetic2.validation.estimates.cases import LEVEL, RISE, TABLE, Case, Outcome
from mimetic2.validation.worlds import PLACES

CEILING, BY_DEFAULT = 0.8, 0.2
SCALE = 0.3  # decades, of the logistics
RIVAL_SPREAD, OWN_SPREAD = 0.05, 0.08  # sd of a rival's score, and of a concept's own around its mean
GRID = np.linspace(0, 5, 501)


def identified_study(case: Case, rng: np.random.Generator) -> Outcome:
    """Intervals of N50 and N90; a missing end is taken as open."""
    counts = draw_counts(TABLE, case.n, rng)
    place = float(np.log10(1 + np.exp(rng.uniform(*np.log(PLACES)))))
    if case.world == "rivals":
        return _rivals(case, counts, place, rng)
    curve = _curve(case, place)
    outcome = (rng.random(case.n) < curve(np.log10(1 + counts))).astype(np.float64)
    found = fit_identification(counts, outcome, LEVEL)
    if found is None:
        raise AssertionError("all concepts are ranked")
    truth = curve(GRID)
    return _noted("N50", found.half, _reaches(truth, 0.5)) | _noted("N90", found.most, _reaches(truth, 0.9))


def _curve(case: Case, place: float) -> Callable[[Floats], Floats]:
    chance = 1 / case.n

    def rising(x: Floats) -> Floats:
        return np.asarray(0.5 * (1 + np.tanh((x - place) / (2 * SCALE))))

    curves: dict[str, Callable[[Floats], Floats]] = {
        "logistic": lambda x: chance + (1 - chance) * rising(x),
        "ceiling": lambda x: chance + (CEILING - chance) * rising(x),
        "default faces": lambda x: BY_DEFAULT + (1 - BY_DEFAULT) * rising(x),
        "sudden": lambda x: np.where(x >= place, 0.95, 0.05),
    }
    return curves[case.world]


def _reaches(p: Floats, wanted: float) -> float:
    """Count at which P, given on the grid, reaches ``wanted``; infinite if nowhere."""
    return float(10 ** np.interp(wanted, p, GRID) - 1) if p[-1] >= wanted else np.inf


def _noted(name: str, found: Crossing, truth: float) -> dict[str, bool | float | None]:
    low, high = found.bounds
    covers = (low is None or low <= truth + 1) and (high is None or truth - 1 <= high)
    if not np.isfinite(truth):
        return {f"{name} named where there is none": found.count is not None}
    return {f"{name} covered": covers, f"{name} has two ends": found.interval is not None}


def _rivals(case: Case, counts: Floats, place: float, rng: np.random.Generator) -> Outcome:
    """Identified, and rank 1 among 20, from scores: own score against those of all other concepts."""
    x = np.log10(1 + counts)
    own = RISE * 0.5 * (1 + np.tanh((x - place) / (2 * SCALE))) + OWN_SPREAD * rng.standard_normal(case.n)
    better = (RIVAL_SPREAD * rng.standard_normal((case.n, case.n - 1)) >= own[:, np.newaxis]).sum(axis=1)
    shares = np.array([rank1_among(int(rivals), case.n - 1) for rivals in better], dtype=np.float64)
    found = fit_identification(counts, (better == 0).astype(np.float64), LEVEL, shares)
    if found is None or found.among_20 is None:
        raise AssertionError("all concepts are ranked")
    first, twenty = (_first_among(rivals, place) for rivals in (case.n - 1, AMONG - 1))
    return (
        _noted("N50", found.half, _reaches(first, 0.5))
        | _noted("N90", found.most, _reaches(first, 0.9))
        | _noted("N50 among 20", found.among_20.n50, _reaches(twenty, 0.5))
    )


def _first_among(rivals: int, place: float) -> Floats:
    """True P of beating ``rivals`` independent ones at each grid point (Gauss–Hermite over the own score)."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    own = RISE * 0.5 * (1 + np.tanh((GRID - place) / (2 * SCALE)))[:, np.newaxis] + OWN_SPREAD * nodes
    return np.asarray((normal_cdf(own / RIVAL_SPREAD) ** rivals) @ weights / weights.sum())


def normal_cdf(values: Floats) -> Floats:
    """Standard normal distribution function, by a table exact to 1e-7."""
    return np.asarray(np.interp(values, _X, _CDF))


_X = np.linspace(-9, 9, 36_001)
_DENSITY = np.exp(-0.5 * _X**2) / np.sqrt(2 * np.pi)
_CDF = np.concatenate(([0.0], np.cumsum((_DENSITY[1:] + _DENSITY[:-1]) / 2) * (_X[1] - _X[0])))
