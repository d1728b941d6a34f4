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

GRID = 241  # cells for centres and priors
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
    """Pool the groups' places; scores (n,).

    The likelihood stays on the curves' own places, each between its edges; centres and the prior live on an even grid.
    """
    edges = np.linspace(curves.edges[0], curves.edges[-1], GRID + 1)
    grid, sizes = (edges[:-1] + edges[1:]) / 2, np.diff(curves.edges)
    own = np.array(_likelihoods(curves, scores))
    own = np.exp(own - own.max(axis=1, keepdims=True)) * sizes
    cells = np.array([_gathered(mass, curves.edges, edges) for mass in own])
    priors = np.exp(-0.5 * ((grid - grid[:, np.newaxis]) / _SPREADS[:, np.newaxis, np.newaxis]) ** 2)
    priors /= priors.sum(axis=2, keepdims=True)  # (spreads, centres, places)
    evidence = np.einsum("tcp,gp->gtc", priors, cells)
    widths = np.gradient(_SPREADS) * np.exp(-0.5 * (_SPREADS / SPREAD_SCALE) ** 2)
    log_joint = np.log(np.maximum(evidence, 1e-300)).sum(axis=0) + np.log(widths)[:, np.newaxis]
    joint = np.exp(log_joint - log_joint.max())
    joint /= joint.sum()
    places = []
    for likelihood, marginal in zip(own, evidence, strict=True):
        prior = np.einsum("tc,tcp->p", joint / np.maximum(marginal, 1e-300), priors)
        mass = likelihood * np.interp(curves.places, grid, prior)
        places.append(_summary(curves, mass / mass.sum(), likelihood / likelihood.sum(), level))
    spread = float(np.interp(0.5, np.cumsum(joint.sum(axis=1)), _SPREADS))
    return Pooling(places, spread)


def _gathered(mass: Floats, edges: Floats, cells: Floats) -> Floats:
    """``mass`` between ``edges``, evenly spread there, summed within ``cells``."""
    return np.diff(np.interp(cells, edges, np.concatenate(([0.0], np.cumsum(mass)))))


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


def _summary(curves: GroupCurves, pooled: Floats, own: Floats, level: float) -> PooledPlace:
    """Median and central interval; nothing tells steps in one gap apart, so the interval takes whole gaps."""
    edges = curves.edges
    below = np.concatenate(([0.0], np.cumsum(pooled)))
    low, median, high = np.interp([(1 - level) / 2, 0.5, (1 + level) / 2], below, edges)
    if curves.gaps:
        low, high = edges[edges <= low].max(), edges[edges >= high].min()
    share = _variance(curves.places, pooled) / max(_variance(curves.places, own), 1e-12)
    return PooledPlace(float(median), float(low), float(high), float(np.clip(1 - share, 0, 1)))


def _variance(places: Floats, mass: Floats) -> float:
    mean = float(mass @ places)
    return float(mass @ (places - mean) ** 2)
