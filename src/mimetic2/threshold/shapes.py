"""The four shapes that a score may take over counts, fitted by one matrix product.

With x = log10(1 + count) every shape but the flat one is ``floor + gain · g(x)`` with gain ≥ 0 and g taken from a
family of fixed curves: x itself (linear), a jump between two distinct counts (step), a logistic of given midpoint and
width (ramp). The best curve of a family is the one with the largest projection of the scores, so fitting many bootstrap
draws at once is one product of (draws × levels) with (levels × curves). Observed data and draws go the same way, which
the bootstrap tests need. Concepts of equal count share a level: nothing can break between them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mimetic2.threshold.segmentation import Floats

SHAPES = ("flat", "linear", "step", "ramp")
PARAMETERS = {"flat": 1, "linear": 2, "step": 3, "ramp": 4}
SMOOTH = ("linear", "ramp")

NARROWEST_RAMP = 0.5  # decades between 10 and 90 % of the rise: narrower would be a step
MIDPOINTS, WIDTHS = 61, 16
_RISE = 2 * np.log(9)  # 10–90 % of a logistic in units of its scale
_RSS_FLOOR = 1e-6  # of the range of the scores


@dataclass(frozen=True)
class Fit:
    """One shape fitted to one set of scores: residual sum of squares (weighted), BIC and the curve at each level."""

    shape: str
    rss: float
    bic: float
    column: int
    levels: Floats
    gain: float


@dataclass(frozen=True)
class Batch:
    """Fits of many draws: ``rss`` and ``bic`` by shape, each of shape (draws,)."""

    rss: dict[str, Floats]
    bic: dict[str, Floats]
    columns: dict[str, NDArray[np.int64]]
    projections: dict[str, Floats]
    means: Floats

    def best_smooth(self) -> Floats:
        """BIC of the better of linear and ramp, per draw."""
        return np.minimum(self.bic["linear"], self.bic["ramp"])


class Design:
    """Counts and weights of a study, prepared for fitting any scores to it.

    ``counts`` (n,) ascending; ``weights`` (n,) positive, rescaled to mean 1. Curves are stored centred and with unit
    weighted norm, so that a projection squared is the drop of the residual sum of squares.
    """

    def __init__(self, counts: Floats, weights: Floats | None = None) -> None:
        self.n = len(counts)
        self.counts, self.starts, self.level_of, sizes = np.unique(
            counts, return_index=True, return_inverse=True, return_counts=True
        )
        self.x = np.log10(1 + self.counts)
        self.weights = np.ones(self.n) if weights is None else weights / weights.mean()
        self.level_weights = np.add.reduceat(self.weights, self.starts)
        self.sizes = sizes
        self.log_weights = float(np.log(self.weights).sum())
        self.midpoints, self.scales = _ramp_grid(self.x)
        self.curves = {
            "linear": self.x[:, np.newaxis],
            "step": (np.arange(len(self.x))[:, np.newaxis] >= np.arange(1, len(self.x))).astype(float),
            "ramp": _logistic((self.x[:, np.newaxis] - self.midpoints) / self.scales),
        }
        self.unit = {shape: self._normalised(curves) for shape, curves in self.curves.items()}

    def _normalised(self, curves: Floats) -> Floats:
        mean = self.level_weights @ curves / self.level_weights.sum()
        centred = curves - mean
        norm = np.sqrt(self.level_weights @ (centred * centred))
        return np.asarray(centred / norm)

    def fit_many(self, scores: Floats, floor: float) -> Batch:
        """Fit all shapes to every row of ``scores`` (draws, n); ``floor`` is the least variance, see :func:`floor`."""
        weighted = scores * self.weights
        means = weighted.sum(axis=1) / self.weights.sum()
        centred = scores - means[:, np.newaxis]
        sums = np.add.reduceat(centred * self.weights, self.starts, axis=1)
        total = (centred * centred) @ self.weights
        rss, columns, projections = {"flat": total}, {}, {}
        for shape, unit in self.unit.items():
            projected = sums @ unit
            columns[shape] = projected.argmax(axis=1)
            projections[shape] = np.maximum(projected[np.arange(len(projected)), columns[shape]], 0.0)
            rss[shape] = np.maximum(total - projections[shape] ** 2, 0.0)
        bic = {shape: self.bic(value, shape, floor) for shape, value in rss.items()}
        return Batch(rss, bic, columns, projections, means)

    def bic(self, rss: Floats, shape: str, floor: float) -> Floats:
        """−2 log likelihood at the maximum plus p log n; the variance is profiled and not below ``floor``."""
        variance = np.maximum(rss / self.n, floor)
        deviance = self.n * np.log(2 * np.pi * variance) + np.minimum(rss / variance, self.n) - self.log_weights
        return np.asarray(deviance + PARAMETERS[shape] * np.log(self.n))

    def fit(self, scores: Floats) -> dict[str, Fit]:
        """Fit all shapes to ``scores`` (n,)."""
        batch = self.fit_many(scores[np.newaxis, :], variance_floor(scores))
        fits = {}
        for shape in SHAPES:
            column = int(batch.columns[shape][0]) if shape in batch.columns else 0
            levels = self.levels_of(batch, shape)[0]
            gain = float(levels[-1] - levels[0])
            fits[shape] = Fit(shape, float(batch.rss[shape][0]), float(batch.bic[shape][0]), column, levels, gain)
        return fits

    def levels_of(self, batch: Batch, shape: str) -> Floats:
        """Fitted values at each level, shape (draws, levels)."""
        base = np.repeat(batch.means[:, np.newaxis], len(self.x), axis=1)
        if shape == "flat":
            return base
        return np.asarray(base + batch.projections[shape][:, np.newaxis] * self.unit[shape].T[batch.columns[shape]])

    def at_rows(self, levels: Floats) -> Floats:
        """Level values spread to the concepts: (…, levels) to (…, n)."""
        return np.asarray(levels[..., self.level_of])


def variance_floor(scores: Floats) -> float:
    """Least residual variance: scores that fit perfectly would otherwise have infinite likelihood."""
    return max(float((_RSS_FLOOR * np.ptp(scores)) ** 2), float(np.finfo(float).tiny))


def _ramp_grid(x: Floats) -> tuple[Floats, Floats]:
    """Midpoints strictly inside the observed x, and scales whose 10–90 % rise goes from half a decade to 4 ranges."""
    span = float(x[-1] - x[0])
    inside = np.linspace(x[0], x[-1], MIDPOINTS + 2)[1:-1]
    widths = np.geomspace(NARROWEST_RAMP, max(4 * span, 4 * NARROWEST_RAMP), WIDTHS)
    midpoints, widths = np.meshgrid(inside, widths, indexing="ij")
    return midpoints.ravel(), widths.ravel() / _RISE


def _logistic(value: Floats) -> Floats:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * value)))
