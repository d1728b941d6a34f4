"""Verdicts of many score vectors over the same counts: what simulations (validation, planning) are made of.

Rules, tests and intervals are those of :func:`mimetic2.threshold.conclusion.conclude`; shapes are fitted to all vectors
at once, and tests that cannot change a verdict any more are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from mimetic2.threshold.association import falls
from mimetic2.threshold.intervals import StepInterval, step_interval
from mimetic2.threshold.segmentation import Floats
from mimetic2.threshold.shapes import Design, variance_floors
from mimetic2.threshold.verdict import Verdict, decide, run_tests

DRAWS = 199  # enough for a decision at 5 % in a simulation; one study takes 999


class Intervals(StrEnum):
    """Which score vectors get a step interval."""

    NEVER = "never"
    STEP = "step"  # those with the verdict step
    ALWAYS = "always"


@dataclass(frozen=True)
class Judgement:
    """Verdict of one score vector; ``step`` is the first count above the best step, whatever the verdict."""

    verdict: Verdict
    step: float
    interval: StepInterval | None


def judge_many(
    design: Design,
    scores: Floats,
    rng: np.random.Generator,
    *,
    draws: int = DRAWS,
    level: float = 0.95,
    intervals: Intervals = Intervals.STEP,
    early: bool = False,
) -> list[Judgement]:
    """One :class:`Judgement` for each row of ``scores`` (rows, n), which stand in the order of ``design.counts``.

    ``early``: see :func:`mimetic2.threshold.verdict.run_tests`.
    """
    batch = design.fit_many(scores, variance_floors(scores))
    found = []
    for row, values in enumerate(scores):
        fits = design.single(batch, row)
        if np.ptp(values) == 0 or (batch.projections["linear"][row] == 0 and falls(design, values)):
            verdict = Verdict.NONE
        else:
            verdict = decide(fits, run_tests(design, values, fits, rng, draws, settle=True, early=early))
        wanted = intervals is Intervals.ALWAYS or (intervals is Intervals.STEP and verdict is Verdict.STEP)
        interval = step_interval(design, values, fits["step"], level, rng, draws) if wanted else None
        found.append(Judgement(verdict, float(design.counts[fits["step"].column + 1]), interval))
    return found
