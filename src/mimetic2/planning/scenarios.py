"""What may be true: curves of the mean score over counts, as fitted to a run, or with an assumed rise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mimetic2.planning.allocation import Floats
from mimetic2.planning.assumptions import DECADES, MIDPOINT
from mimetic2.threshold.shapes import SHAPES, Design, Fit
from mimetic2.threshold.verdict import Verdict

RIGHT = {"flat": Verdict.NONE, "step": Verdict.STEP}
"""The right verdict of a shape; of every other one it is gradual."""


@dataclass(frozen=True)
class Scenario:
    """A shape with all its numbers; ``mean`` maps counts (n,) to mean scores."""

    shape: str
    words: str
    mean: Callable[[Floats], Floats]

    @property
    def right(self) -> Verdict:
        """What a study of this truth should conclude."""
        return RIGHT.get(self.shape, Verdict.GRADUAL)


def fitted(design: Design, fits: dict[str, Fit]) -> list[Scenario]:
    """Each shape as it fits a run best; shapes that do not rise are left out, but for flat."""
    found = []
    for shape in SHAPES:
        fit = fits[shape]
        if shape != "flat" and fit.gain <= 0:
            continue
        words = "no rise" if shape == "flat" else f"a {_NAMES[shape]} of {fit.gain:.3f}"
        if shape == "step":
            words += f" at {design.counts[fit.column + 1]:,.0f}"
        found.append(Scenario(shape, words, _curve(design, fit)))
    return found


_NAMES = {"linear": "rise linear in log-count", "hinge": "hinge", "step": "step", "ramp": "ramp"}


def _curve(design: Design, fit: Fit) -> Callable[[Floats], Floats]:
    if fit.shape == "step":
        at = design.counts[fit.column + 1]
        return lambda counts: np.where(counts >= at, fit.levels[-1], fit.levels[0])
    return lambda counts: np.interp(np.log10(1 + counts), design.x, fit.levels)


def supposed(counts: Floats, rise: float, place: int = MIDPOINT) -> list[Scenario]:
    """No rise, and ``rise`` as a line, a ramp and a step; the latter in the middle where their place is outside."""
    low, high = float(counts.min()), float(counts.max())
    if not np.sort(counts)[len(counts) // 10] < place < np.sort(counts)[-len(counts) // 10]:
        place = round(10 ** ((np.log10(1 + low) + np.log10(1 + high)) / 2) - 1)
    start, end = np.log10(1 + low), np.log10(1 + high)
    middle, scale = np.log10(1 + place), DECADES / (2 * np.log(9))
    return [
        Scenario("flat", "no rise", lambda counts: np.zeros(len(counts))),
        Scenario(
            "linear",
            f"a rise linear in log-count of {rise:g}",
            lambda counts: rise * (np.log10(1 + counts) - start) / (end - start),
        ),
        Scenario(
            "ramp",
            f"a ramp of {rise:g} around {place:,}, {DECADES:g} decades wide",
            lambda counts: rise / (1 + np.exp(-(np.log10(1 + counts) - middle) / scale)),
        ),
        Scenario("step", f"a step of {rise:g} at {place:,}", lambda counts: rise * (counts >= place).astype(float)),
    ]
