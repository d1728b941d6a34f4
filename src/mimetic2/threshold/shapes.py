"""The shapes that a score may take over counts, fitted to one or to thousands of score vectors at once.

With x = log10(1 + count) every shape but the flat one is ``floor + gain · g(x)`` with gain ≥ 0 and g from a family of
fixed curves (:mod:`mimetic2.threshold.families`). The best curve of a family is the one on which the scores have the
largest projection, so that observed scores, bootstrap draws and simulated studies are all fitted by the same few
products. A single fit is the batch of one. Concepts of equal count share a level: nothing can break between them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mimetic2.threshold.families import Columns, Family, Kinks, Line, Ramps, Steps
from mimetic2.threshold.segmentation import Floats

SHAPES = ("flat", "linear", "hinge", "step", "ramp")
PARAMETERS = {"flat": 1, "linear": 2, "hinge": 3, "step": 3, "ramp": 4}
SMOOTH = ("linear", "hinge", "ramp")

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
    """Fits of many score vectors: by shape, each of shape (rows,); ``means`` are the weighted means of the rows."""

    rss: dict[str, Floats]
    bic: dict[str, Floats]
    columns: dict[str, Columns]
    projections: dict[str, Floats]
    means: Floats

    def best_smooth(self) -> Floats:
        """BIC of the best smooth shape, per row."""
        return np.asarray(np.min([self.bic[shape] for shape in SMOOTH], axis=0))


class Design:
    """Counts and weights of a study, prepared for fitting any scores to it.

    ``counts`` (n,) ascending; ``weights`` (n,) positive, rescaled to mean 1.
    """

    def __init__(self, counts: Floats, weights: Floats | None = None) -> None:
        self.n = len(counts)
        self.counts, self.starts, self.level_of, self.sizes = np.unique(
            counts, return_index=True, return_inverse=True, return_counts=True
        )
        self.x = np.log10(1 + self.counts)
        self.weights = np.ones(self.n) if weights is None else weights / weights.mean()
        self.level_weights = np.add.reduceat(self.weights, self.starts)
        self.log_weights = float(np.log(self.weights).sum())
        self.line = Line(self.x, self.level_weights)
        self.steps = Steps(self.level_weights)
        self.kinks = Kinks(self.x, self.level_weights)
        self.ramps = Ramps(self.x, self.level_weights)
        self.families: dict[str, Family] = {
            "linear": self.line,
            "hinge": self.kinks,
            "step": self.steps,
            "ramp": self.ramps,
        }

    def centred_sums(self, scores: Floats) -> tuple[Floats, Floats, Floats]:
        """Weighted means (rows,), level sums of centred scores (rows, levels), total sum of squares (rows,)."""
        means = scores @ self.weights / self.n
        centred = scores - means[:, np.newaxis]
        weighted = centred * self.weights
        return means, np.add.reduceat(weighted, self.starts, axis=1), np.einsum("ij,ij->i", centred, weighted)

    def fit_many(self, scores: Floats, floor: float | Floats) -> Batch:
        """Fit all shapes to every row of ``scores`` (rows, n); ``floor``: :func:`variance_floors`."""
        means, sums, total = self.centred_sums(scores)
        rows = np.arange(len(scores))
        rss, columns, projections = {"flat": total}, {}, {}
        for shape, family in self.families.items():
            projected = family.projections(sums)
            columns[shape] = projected.argmax(axis=1)
            projections[shape] = np.maximum(projected[rows, columns[shape]], 0.0)
            rss[shape] = np.maximum(total - projections[shape] ** 2, 0.0)
        bic = {shape: self.bic(value, shape, floor) for shape, value in rss.items()}
        return Batch(rss, bic, columns, projections, means)

    def bic(self, rss: Floats, shape: str, floor: float | Floats) -> Floats:
        """−2 log likelihood at the maximum plus p log n; the variance is profiled and not below ``floor``."""
        variance = np.maximum(rss / self.n, floor)
        deviance = self.n * np.log(2 * np.pi * variance) + np.minimum(rss / variance, self.n) - self.log_weights
        return np.asarray(deviance + PARAMETERS[shape] * np.log(self.n))

    def fit(self, scores: Floats) -> dict[str, Fit]:
        """Fit all shapes to ``scores`` (n,)."""
        return self.single(self.fit_many(scores[np.newaxis, :], variance_floor(scores)), 0)

    def single(self, batch: Batch, row: int) -> dict[str, Fit]:
        """The fits of one row of a batch."""
        fits = {}
        for shape in SHAPES:
            column = int(batch.columns[shape][row]) if shape in batch.columns else 0
            levels = self.levels_of(batch, shape, slice(row, row + 1))[0]
            rss, bic = float(batch.rss[shape][row]), float(batch.bic[shape][row])
            fits[shape] = Fit(shape, rss, bic, column, levels, float(levels[-1] - levels[0]))
        return fits

    def levels_of(self, batch: Batch, shape: str, rows: slice = slice(None)) -> Floats:
        """Fitted values at each level, shape (rows, levels)."""
        base = np.repeat(batch.means[rows, np.newaxis], len(self.x), axis=1)
        if shape == "flat":
            return base
        curves = self.families[shape].curves(batch.columns[shape][rows])
        return np.asarray(base + batch.projections[shape][rows, np.newaxis] * curves)

    def at_rows(self, levels: Floats) -> Floats:
        """Level values spread to the concepts: (…, levels) to (…, n)."""
        return np.asarray(levels[..., self.level_of])


def variance_floor(scores: Floats) -> float:
    """Least residual variance of ``scores`` (n,): a perfect fit would otherwise have infinite likelihood."""
    return float(variance_floors(scores[np.newaxis, :])[0])


def variance_floors(scores: Floats) -> Floats:
    """:func:`variance_floor` of each row."""
    return np.asarray(np.maximum((_RSS_FLOOR * np.ptp(scores, axis=1)) ** 2, np.finfo(float).tiny))
