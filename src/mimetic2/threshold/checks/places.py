"""A rise at a common place, or at a place of its own in each group: fits, and two bootstrap tests between them.

Every group keeps its own floor and gain (a group may be harder for the embedder without needing more images); the place
is the break of a step, or the midpoint of a ramp whose width all groups share. Midpoints are tried on an even grid over
log10(1 + count), steps in every gap between observed counts: an even grid steps over narrow gaps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mimetic2.threshold.conclusion import Conclusion
from mimetic2.threshold.segmentation import Floats
from mimetic2.threshold.shapes import variance_floor
from mimetic2.threshold.verdict import wild

PLACES = 241
MOST_GAPS = 1_000
RISES = (0.5, 1.0, 2.0)  # widths of a ramp, 10–90 %, in decades


@dataclass(frozen=True)
class GroupCurves:
    """The grid of curves as each group sees them.

    ``places`` (p,) in log10(1 + count), each standing for those between its ``edges`` (p + 1,), which are observed
    counts if ``gaps``; ``members``: rows of each group; ``unit``: per group (members, p), centred, of weighted norm 1
    (0 where the curve is level within the group), ``norms`` (p,) what they were divided by.
    """

    places: Floats
    edges: Floats
    gaps: bool
    members: list[NDArray[np.int64]]
    unit: list[Floats]
    norms: list[Floats]
    weights: Floats

    def projections(self, scores: Floats) -> list[Floats]:
        """Projection of every row of ``scores`` (rows, n) on every curve, a group at a time: (rows, p)."""
        pairs = zip(self.members, self.unit, strict=True)
        return [(scores[:, rows] * self.weights[rows]) @ unit for rows, unit in pairs]

    def totals(self, scores: Floats) -> list[Floats]:
        """Weighted sum of squares around the group's mean, (rows,), a group at a time."""
        found = []
        for rows in self.members:
            weights, values = self.weights[rows], scores[:, rows]
            means = values @ weights / weights.sum()
            found.append(((values - means[:, np.newaxis]) ** 2) @ weights)
        return found


def group_curves(found: Conclusion, members: list[NDArray[np.int64]], rise: float | None) -> GroupCurves:
    """Curves for the groups' ``members`` (row numbers of the conclusion's design), all over the same places.

    ``rise``: 10–90 % of a ramp in decades; 0 is a step; None is the line, which has no place (p = 1).
    """
    design = found.design
    edges = _edges(design.x, rise)
    places = (edges[:-1] + edges[1:]) / 2
    x = design.x[design.level_of][:, np.newaxis]
    if rise is None:
        raw = x
    elif rise == 0:
        raw = (x > places).astype(float)
    else:
        raw = 0.5 * (1 + np.tanh((x - places) * np.log(9) / rise))
    unit, norms = [], []
    for rows in members:
        weights = design.weights[rows]
        centred = raw[rows] - weights @ raw[rows] / weights.sum()
        norm = np.sqrt(weights @ centred**2)
        norm[norm < 1e-9] = 0.0
        unit.append(centred / np.where(norm > 0, norm, 1.0) * (norm > 0))
        norms.append(norm)
    return GroupCurves(places, edges, rise == 0, members, unit, norms, design.weights)


def _edges(x: Floats, rise: float | None) -> Floats:
    """Between which places are told apart: of steps the observed counts (``MOST_GAPS`` of them at most)."""
    if rise is None:
        return np.zeros(2)
    if rise > 0:
        return np.linspace(x[0], x[-1], PLACES + 1)
    return np.asarray(x[np.unique(np.linspace(0, len(x) - 1, min(len(x), MOST_GAPS + 1)).round().astype(int))])


def common_rise(found: Conclusion, members: list[NDArray[np.int64]]) -> float | None:
    """The kind of rise that describes the groups best, by BIC, each with its own floor and gain; see `group_curves`.

    All groups share the place: with a place for each, the most flexible kind would be chosen where places only seem to
    differ, and the test between places would find what the choice had sought.
    """
    groups, best, least = len(members), None, np.inf
    n = sum(len(rows) for rows in members)
    for rise, parameters in ((None, 2 * groups), (0.0, 2 * groups + 1), *((width, 2 * groups + 2) for width in RISES)):
        rss = float(fit_places(group_curves(found, members, rise), found.scores[np.newaxis, :]).common[0])
        bic = n * np.log(max(rss / n, variance_floor(found.scores))) + parameters * np.log(n)
        if bic < least:
            best, least = rise, bic
    return best


@dataclass(frozen=True)
class PlaceFits:
    """Sums of squares (rows,) with one place for all, with own places; and the common place's column (rows,)."""

    common: Floats
    own: Floats
    column: NDArray[np.int64]


def fit_places(curves: GroupCurves, scores: Floats) -> PlaceFits:
    """Fit rises with own floors and gains to every row of ``scores`` (rows, n)."""
    drops = [np.maximum(projected, 0.0) ** 2 for projected in curves.projections(scores)]
    total = np.sum(curves.totals(scores), axis=0)
    together = np.sum(drops, axis=0)
    own = total - np.sum([drop.max(axis=1) for drop in drops], axis=0)
    return PlaceFits(total - together.max(axis=1), own, together.argmax(axis=1))


def place_test(curves: GroupCurves, scores: Floats, rng: np.random.Generator, draws: int) -> float:
    """Chance of as large a gain from own places if all groups share theirs; scores (n,)."""
    observed = fit_places(curves, scores[np.newaxis, :])
    drawn = fit_places(curves, _drawn(curves, scores, int(observed.column[0]), rng, draws))
    return _tail(drawn.common / drawn.own, float(observed.common[0] / observed.own[0]))


def curve_test(
    everyone: GroupCurves, curves: GroupCurves, scores: Floats, rng: np.random.Generator, draws: int
) -> float:
    """Chance of as large a gain from floors, gains and places of their own if one curve serves all groups.

    ``everyone``: the same curves with all concepts as one group.
    """
    one = fit_places(everyone, scores[np.newaxis, :])
    drawn = _drawn(everyone, scores, int(one.column[0]), rng, draws)
    observed = float(one.own[0] / fit_places(curves, scores[np.newaxis, :]).own[0])
    return _tail(fit_places(everyone, drawn).own / fit_places(curves, drawn).own, observed)


def _drawn(curves: GroupCurves, scores: Floats, column: int, rng: np.random.Generator, draws: int) -> Floats:
    """Wild bootstrap scores (draws, n) around the fit with a common place, each group with its floor and gain."""
    fitted, leverage = scores.copy(), np.zeros(len(scores))
    for rows, unit in zip(curves.members, curves.unit, strict=True):
        weights, curve = curves.weights[rows], unit[:, column]
        mean = weights @ scores[rows] / weights.sum()
        fitted[rows] = mean + max(float((scores[rows] * weights) @ curve), 0.0) * curve
        leverage[rows] = weights / weights.sum() + weights * curve**2
    return wild(fitted, _spread(scores - fitted, leverage), rng, draws)


def _spread(residuals: Floats, leverage: Floats) -> Floats:
    """Residuals as large as the errors they come from (HC2: MacKinnon & White 1985); small groups fit themselves."""
    return np.asarray(residuals / np.sqrt(np.maximum(1 - leverage, 0.05)))


def _tail(simulated: Floats, observed: float) -> float:
    return float((1 + np.count_nonzero(simulated >= observed - 1e-12)) / (1 + len(simulated)))
