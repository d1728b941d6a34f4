"""Leave one concept out: does any single one decide the shape or move the threshold?

For a fixed curve the fit without a concept follows from the fit with it: its residual grows by 1/(1 − leverage) and
leaves the sum of squares (Allen 1974). So every shape, at every place, is refitted without every concept exactly and at
once, with the weights as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mimetic2.threshold.conclusion import Conclusion
from mimetic2.threshold.segmentation import Floats
from mimetic2.threshold.shapes import PARAMETERS, SHAPES, Design, variance_floor

_CHUNK = 4_000_000  # values at a time


@dataclass(frozen=True)
class LeftOut:
    """Fits without each concept: BIC by shape (n, shapes in the order of SHAPES), and the place of the step (n,).

    ``places`` are counts: the first of the upper level, for the step fitted without the concept.
    """

    bic: Floats
    places: Floats

    @property
    def shapes(self) -> NDArray[np.int64]:
        """Number of the shape with the lowest BIC without each concept."""
        return np.asarray(self.bic.argmin(axis=1))

    def lead(self, best: int, rival: int) -> Floats:
        """How far ``rival`` lies behind ``best`` without each concept, (n,)."""
        return np.asarray(self.bic[:, rival] - self.bic[:, best])


def leave_one_out(found: Conclusion) -> LeftOut:
    """Refit without each concept, in the order of the conclusion's scores."""
    design, scores = found.design, found.scores
    mean = design.weights @ scores / design.n
    centred = scores - mean
    flat = _without_flat(design, centred)
    rss = np.empty((design.n, len(SHAPES)))
    rss[:, 0] = flat
    places = np.zeros(design.n)
    sums = design.centred_sums(scores[np.newaxis, :])[1]
    for index, shape in enumerate(SHAPES):
        if shape == "flat":
            continue
        family = design.families[shape]
        slopes = family.projections(sums)[0]
        curves = family.curves(np.arange(len(slopes)))
        rss[:, index], columns = _without(design, centred, flat, slopes, curves)
        if shape == "step":
            places = design.counts[columns + 1]
    n = design.n - 1
    variance = np.maximum(rss / n, variance_floor(scores))
    parameters = np.array([PARAMETERS[shape] for shape in SHAPES])
    return LeftOut(n * np.log(variance) + parameters * np.log(n), places)


def _without_flat(design: Design, centred: Floats) -> Floats:
    weights = design.weights
    return np.asarray(weights @ centred**2 - weights * centred**2 / (1 - weights / design.n))


def _without(
    design: Design, centred: Floats, flat: Floats, slopes: Floats, curves: Floats
) -> tuple[Floats, NDArray[np.int64]]:
    """Least sum of squares without each concept over a family's curves (columns, levels), and the column."""
    best, column = np.empty(design.n), np.empty(design.n, dtype=np.int64)
    total = float(design.weights @ centred**2)
    step = max(1, _CHUNK // len(slopes))
    for start in range(0, design.n, step):
        rows = np.arange(start, min(start + step, design.n))
        weight = design.weights[rows, np.newaxis]
        curve = curves[:, design.level_of[rows]].T
        residual = centred[rows, np.newaxis] - slopes * curve
        leverage = weight * (1 / design.n + curve**2)
        grown = weight * residual / np.maximum(1 - leverage, 1e-12)
        rss = total - slopes**2 - residual * grown
        falling = slopes - curve * grown <= 0
        rss = np.where(falling, flat[rows, np.newaxis], np.minimum(rss, flat[rows, np.newaxis]))
        column[rows] = rss.argmin(axis=1)
        best[rows] = rss[np.arange(len(rows)), column[rows]]
    return np.maximum(best, 0.0), column
