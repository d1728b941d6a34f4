"""Partial pooling: places that differ between groups by a normal spread, so that a small group borrows strength.

Group g has its place m_g ~ N(μ, τ²) on log10(1 + count), its own free floor, and a gain around the common one,
N(γ, (γ/2)²). Floor and gain are integrated out exactly, μ (uniform over the observed counts), τ (half-normal, scale
half a decade: Gelman 2006) and the places on a grid, so there is nothing to tune and nothing random.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mimetic2.threshold.checks.places import GroupCurves, fit_places
from mimetic2.threshold.segmentation import Floats

SPREAD_SCALE = 0.5  # decades: thresholds of groups within a factor of three of each other are no surprise
_SPREADS = np.geomspace(0.02, 1.5, 24)
_GAIN_SPREAD = 0.5


@dataclass(frozen=True)
class PooledPlace:
    """A group's place after pooling, in log10(1 + count).

    ``borrowed``: share of the information about it that comes from the other groups (1 − pooled over own variance).
    """

    median: float
    low: float
    high: float
    borrowed: float


@dataclass(frozen=True)
class Pooling:
    """All groups' places, and the spread between groups (posterior median, decades)."""

    places: list[PooledPlace]
    spread: float


def pool(curves: GroupCurves, scores: Floats, level: float) -> Pooling:
    """Pool the groups' places; scores (n,)."""
    grid = curves.places
    own = np.array(_likelihoods(curves, scores))
    own = np.exp(own - own.max(axis=1, keepdims=True))
    priors = np.exp(-0.5 * ((grid - grid[:, np.newaxis]) / _SPREADS[:, np.newaxis, np.newaxis]) ** 2)
    priors /= priors.sum(axis=2, keepdims=True)  # (spreads, centres, places)
    evidence = np.einsum("tcp,gp->gtc", priors, own)
    widths = np.gradient(_SPREADS) * np.exp(-0.5 * (_SPREADS / SPREAD_SCALE) ** 2)
    log_joint = np.log(np.maximum(evidence, 1e-300)).sum(axis=0) + np.log(widths)[:, np.newaxis]
    joint = np.exp(log_joint - log_joint.max())
    joint /= joint.sum()
    places = []
    for likelihood, marginal in zip(own, evidence, strict=True):
        mass = likelihood * np.einsum("tc,tcp->p", joint / np.maximum(marginal, 1e-300), priors)
        places.append(_summary(grid, mass / mass.sum(), likelihood / likelihood.sum(), level))
    spread = float(np.interp(0.5, np.cumsum(joint.sum(axis=1)), _SPREADS))
    return Pooling(places, spread)


def _likelihoods(curves: GroupCurves, scores: Floats) -> list[Floats]:
    """Log likelihood of each place with floor and gain integrated out, (p,) a group.

    The common gain γ and the variance come from the fit with one place and own floors.
    """
    fits = fit_places(curves, scores[np.newaxis, :])
    column = int(fits.column[0])
    projections = [projected[0] for projected in curves.projections(scores[np.newaxis, :])]
    at_best = np.array(
        [(a[column] * norm[column], norm[column] ** 2) for a, norm in zip(projections, curves.norms, strict=True)]
    )
    gain = max(float(at_best[:, 0].sum() / at_best[:, 1].sum()), 0.0)
    concepts = sum(len(rows) for rows in curves.members)
    variance = max(float(fits.common[0]) / max(concepts - len(curves.members) - 2, 1), np.finfo(float).tiny)
    found = []
    for a, norm in zip(projections, curves.norms, strict=True):
        expected = gain * norm
        wide = variance + (_GAIN_SPREAD * expected) ** 2
        found.append(a**2 / (2 * variance) - (a - expected) ** 2 / (2 * wide) - 0.5 * np.log(wide / variance))
    return found


def _summary(grid: Floats, pooled: Floats, own: Floats, level: float) -> PooledPlace:
    below, half = np.concatenate(([0.0], np.cumsum(pooled))), (grid[1] - grid[0]) / 2
    edges = np.append(grid - half, grid[-1] + half)  # a cell's mass lies evenly between its edges
    low, median, high = np.interp([(1 - level) / 2, 0.5, (1 + level) / 2], below, edges)
    share = _variance(grid, pooled) / max(_variance(grid, own), 1e-12)
    return PooledPlace(float(median), float(low), float(high), float(np.clip(1 - share, 0, 1)))


def _variance(grid: Floats, mass: Floats) -> float:
    mean = float(mass @ grid)
    return float(mass @ (grid - mean) ** 2)
