"""Curves that may be true, many of them, so that a proposal does not hang on one guess of shape and place."""

from __future__ import annotations

import numpy as np

from mimetic2.planning.allocation import Floats
from mimetic2.planning.assumptions import PLACES
from mimetic2.planning.scenarios import Scenario, supposed
from mimetic2.threshold.shapes import PARAMETERS, Design

DRAWS = 48


def after_pilot(design: Design, scores: Floats, rng: np.random.Generator) -> list[Scenario]:
    """Rising curves drawn as likely as a pilot's ``scores`` (n,) leave them, all shapes with the same prior weight.

    Weights exp(−BIC/2) over shapes and the grid of their curves; a step lies anywhere in the gap between two counts.
    """
    means, sums, total = design.centred_sums(scores[np.newaxis, :])
    shapes, columns, gains, heights = [], [], [], []
    for shape, family in design.families.items():
        projected = np.maximum(family.projections(sums)[0], 0.0)
        rss = np.maximum(total[0] - projected**2, 1e-9 * total[0])
        likelihood = -0.5 * (design.n * np.log(rss) + PARAMETERS[shape] * np.log(design.n)) - np.log(family.size)
        shapes += [shape] * family.size
        columns.append(np.arange(family.size))
        gains.append(projected)
        heights.append(np.where(projected > 0, likelihood, -np.inf))
    height, column, gain = np.concatenate(heights), np.concatenate(columns), np.concatenate(gains)
    if not np.isfinite(height).any():
        return []
    weight = np.exp(height - height.max())
    chosen = rng.choice(len(weight), size=DRAWS, p=weight / weight.sum())
    return [_curve(design, shapes[one], int(column[one]), float(gain[one]), float(means[0]), rng) for one in chosen]


def _curve(design: Design, shape: str, column: int, gain: float, mean: float, rng: np.random.Generator) -> Scenario:
    levels = mean + gain * design.families[shape].curves(np.array([column]))[0]
    x = design.x
    if shape == "step":
        place = float(rng.uniform(x[column], x[column + 1]))
        return Scenario(shape, shape, lambda counts: np.where(np.log10(1 + counts) > place, levels[-1], levels[0]))
    return Scenario(shape, shape, lambda counts: np.interp(np.log10(1 + counts), x, levels))


def without_pilot(counts: Floats, rise: float) -> list[Scenario]:
    """The assumed rise of every shape, steps and ramps at places evenly over log-count where the paper reports them."""
    low, high = np.quantile(counts, 0.1), np.quantile(counts, 0.9)
    places = [place for place in np.geomspace(*PLACES, 12) if low < place < high]
    found = [scenario for place in places for scenario in supposed(counts, rise, round(place))[2:]]
    return [*found, *supposed(counts, rise)[1 : None if not places else 2]]
