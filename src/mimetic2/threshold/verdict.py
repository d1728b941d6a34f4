"""The verdict: its four words, the rules that choose one, and the bootstrap tests the rules rest on.

``step``       step has the lowest BIC, and both bootstrap tests reject their rival at 5 %: flat, and the better smooth
               shape (linear or ramp).
``gradual``    flat is rejected at 5 % in favour of the better smooth shape, and that is ahead of step by more than 2.
``none``       flat has the lowest BIC and is not rejected in favour of the best other shape; also every fall, and
               constant scores.
``undecided``  everything else.

A test draws scores from the fitted rival with wild residuals (each concept's residual with a random sign: Wu 1986,
Liu 1988, so unequal variances are kept), refits all shapes to every draw, and asks how often BIC(rival) − BIC(shape)
is as large as observed. p = (1 + number as large) / (1 + draws).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from mimetic2.threshold.segmentation import Floats
from mimetic2.threshold.shapes import SHAPES, SMOOTH, Batch, Design, Fit, variance_floor

SIGNIFICANCE = 0.05
AHEAD = 2.0
DRAWS = 999


class Verdict(StrEnum):
    """What the scores say about a threshold."""

    STEP = "step"
    GRADUAL = "gradual"
    NONE = "none"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Tests:
    """p-values of the bootstrap tests; None where a rule did not need the test."""

    flat_against_step: float | None = None
    flat_against_smooth: float | None = None
    flat_against_any: float | None = None
    smooth_against_step: float | None = None


def lowest(fits: dict[str, Fit]) -> str:
    """The shape with the lowest BIC; of equals the one with fewer parameters."""
    return min(SHAPES, key=lambda shape: fits[shape].bic)


def better_smooth(fits: dict[str, Fit]) -> str:
    """Linear or ramp, whichever has the lower BIC."""
    return min(SMOOTH, key=lambda shape: fits[shape].bic)


def decide(fits: dict[str, Fit], tests: Tests) -> Verdict:
    """Apply the rules above to fitted shapes and the tests that :func:`run_tests` made."""
    best = lowest(fits)
    smooth = fits[better_smooth(fits)]
    if best == "step" and _rejects(tests.flat_against_step) and _rejects(tests.smooth_against_step):
        return Verdict.STEP
    if _rejects(tests.flat_against_smooth) and fits["step"].bic - smooth.bic > AHEAD:
        return Verdict.GRADUAL
    if best == "flat" and not _rejects(tests.flat_against_any):
        return Verdict.NONE
    return Verdict.UNDECIDED


def _rejects(p: float | None) -> bool:
    return p is not None and p <= SIGNIFICANCE


def run_tests(design: Design, scores: Floats, fits: dict[str, Fit], rng: np.random.Generator, draws: int) -> Tests:
    """The tests that the rules need for these fits."""
    flat = _draw(design, scores, fits["flat"], rng, draws)
    smooth = fits[better_smooth(fits)]
    against_step = None
    if lowest(fits) == "step":
        batch = _draw(design, scores, smooth, rng, draws)
        against_step = _p(batch.best_smooth() - batch.bic["step"], smooth.bic - fits["step"].bic)
    best_of_draws = np.minimum(flat.best_smooth(), flat.bic["step"])
    observed = fits["flat"].bic
    return Tests(
        flat_against_step=_p(flat.bic["flat"] - flat.bic["step"], observed - fits["step"].bic),
        flat_against_smooth=_p(flat.bic["flat"] - flat.best_smooth(), observed - smooth.bic),
        flat_against_any=_p(flat.bic["flat"] - best_of_draws, observed - min(smooth.bic, fits["step"].bic)),
        smooth_against_step=against_step,
    )


def _draw(design: Design, scores: Floats, rival: Fit, rng: np.random.Generator, draws: int) -> Batch:
    fitted = design.at_rows(rival.levels)
    return design.fit_many(wild(fitted, scores - fitted, rng, draws), variance_floor(scores))


def wild(fitted: Floats, residuals: Floats, rng: np.random.Generator, draws: int) -> Floats:
    """Scores drawn around ``fitted`` (n,): each residual keeps its place and takes a random sign; (draws, n)."""
    signs = rng.integers(0, 2, (draws, len(fitted)), dtype=np.int8) * 2.0 - 1.0
    return np.asarray(fitted + residuals * signs)


def _p(simulated: Floats, observed: float) -> float:
    return float((1 + np.count_nonzero(simulated >= observed - 1e-9)) / (1 + len(simulated)))
