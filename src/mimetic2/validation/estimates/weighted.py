"""Scores with standard errors: does weighting keep the errors of verdicts and intervals, and what does it gain?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mimetic2.threshold.conclusion import Conclusion, conclude
from mimetic2.threshold.intervals import step_interval
from mimetic2.threshold.verdict import Verdict
from mimetic2.validation.estimates.cases import DRAWS, LEVEL, Case, Outcome, Sample, draw_sample, holds_step

STANDARD_ERRORS = (0.02, 0.20)  # log-uniform over concepts, unrelated to their counts
BETWEEN = 0.05  # sd of concepts' true scores around the curve
IMAGES = 10  # from which a standard error is estimated


def weighted_study(case: Case, rng: np.random.Generator) -> Outcome:
    """One study; ``condition`` is "known" or "estimated" standard errors."""
    clean = draw_sample(replace(case, noise=f"sd {BETWEEN}"), rng)
    exact = np.exp(rng.uniform(np.log(STANDARD_ERRORS[0]), np.log(STANDARD_ERRORS[1]), case.n))
    sample = Sample(clean.counts, clean.truth, clean.scores + exact * rng.standard_normal(case.n))
    given = exact if case.condition == "known" else exact * np.sqrt(rng.chisquare(IMAGES - 1, case.n) / (IMAGES - 1))
    seed = int(rng.integers(2**31))
    both = [conclude(sample.counts, sample.scores, se, level=LEVEL, seed=seed, draws=DRAWS) for se in (given, None)]
    stepped = [found.verdict is Verdict.STEP for found in both]
    if case.world != "step":
        return {"false step": stepped[0], "false step, equal weights": stepped[1]}
    intervals = [_interval(found, rng) for found in both]
    widths = [np.log10((1 + high) / (1 + low)) for low, high in intervals]
    return {
        "step found": stepped[0],
        "step found, equal weights": stepped[1],
        "interval covers": holds_step(*intervals[0], sample),
        "interval covers, equal weights": holds_step(*intervals[1], sample),
        "decades": float(widths[0]),
        "decades, equal weights": float(widths[1]),
    }


def _interval(found: Conclusion, rng: np.random.Generator) -> tuple[int, int]:
    """The step's interval whatever the verdict."""
    interval = step_interval(found.design, found.scores, found.fits["step"], LEVEL, rng, DRAWS)
    return interval.low, interval.high
