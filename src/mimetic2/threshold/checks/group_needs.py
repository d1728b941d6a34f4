"""How many concepts a group would need for a verdict of its own, by simulation.

A group that shows nothing itself is taken to be like all concepts: their fitted curve, their scatter, their counts. Of
each size studies are drawn so and judged; the least size is named at which four in five come to the verdict that the
curve deserves. That is what a group must have to say something, not merely to be looked at.
"""

from __future__ import annotations

import numpy as np

from mimetic2.threshold.batch import Intervals, judge_many
from mimetic2.threshold.conclusion import Conclusion
from mimetic2.threshold.observations import LEAST_COUNTS
from mimetic2.threshold.shapes import SMOOTH, Design
from mimetic2.threshold.verdict import Verdict, lowest

ENOUGH = 0.8  # of the studies
_STUDIES, _DRAWS = 40, 99
_SIZES = (8, 10, 12, 15, 18, 22, 26, 32, 38, 45, 55, 65, 80, 95, 115, 140, 165, 200, 240, 290, 350, 420, 500)


def concepts_for_a_verdict(main: Conclusion, rng: np.random.Generator) -> int | None:
    """Size of a group like all concepts that comes to their shape's verdict; None if no rise leads or 500 do not do.

    Sizes stand about a fifth apart, and each is judged by 40 studies: the number is good to about a third.
    """
    shape = lowest(main.fits)
    if shape == "flat":
        return None
    wanted = Verdict.GRADUAL if shape in SMOOTH else Verdict.STEP
    low, high = -1, len(_SIZES)  # too few, enough
    while high - low > 1:
        middle = (low + high) // 2
        if _share(main, wanted, _SIZES[middle], rng) >= ENOUGH:
            high = middle
        else:
            low = middle
    return _SIZES[high] if high < len(_SIZES) else None


def _share(main: Conclusion, wanted: Verdict, size: int, rng: np.random.Generator) -> float:
    """Share of studies of ``size`` concepts, drawn from the curve and the residuals of all, that say ``wanted``."""
    fitted = main.design.at_rows(main.fits[lowest(main.fits)].levels)
    residuals = main.scores - fitted
    counts = main.design.counts[main.design.level_of]
    hits = 0
    for _ in range(_STUDIES):
        rows = np.sort(rng.integers(0, len(counts), size))
        if len(np.unique(counts[rows])) < LEAST_COUNTS:
            continue
        signs = rng.integers(0, 2, size) * 2 - 1
        scores = fitted[rows] + signs * residuals[rng.permutation(rows)]
        found = judge_many(Design(counts[rows]), scores[np.newaxis], rng, draws=_DRAWS, intervals=Intervals.NEVER)
        hits += found[0].verdict is wanted
    return hits / _STUDIES
