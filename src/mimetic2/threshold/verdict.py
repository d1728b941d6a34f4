"""The verdict: its four words, the rules that choose one, and the bootstrap tests the rules rest on.

``step``       step has the lowest BIC, and bootstrap tests at 5 % reject every rival: flat, linear, hinge and ramp.
``gradual``    flat is rejected at 5 % in favour of the best smooth shape (linear, hinge, ramp), and that is ahead of
               step by more than 2.
``none``       flat has the lowest BIC and is not rejected in favour of the best other shape; also every fall, and
               constant scores.
``undecided``  everything else.

A test draws scores from the fitted rival with residuals of neighbours (:func:`neighbours`), scaled by √(n / (n − p))
because fitting shrinks them, refits all shapes to every draw, and asks how often the shape in question is ahead as far
as observed. Against smooth rivals that is the BIC of the best smooth shape less the step's, and each of the smooth
shapes takes its turn as the truth. Residuals that kept their place (wild bootstrap) would keep the misfit of a ramp to
a step in place too, and with it the step in one of a few draws: where noise is small, steps were then seldom found.
With so many draws as large as observed that the level is out of reach a test ends early (sequential Monte Carlo
p-value, Besag & Clifford 1991); a rejection always takes all draws.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mimetic2.threshold.segmentation import Floats
from mimetic2.threshold.shapes import PARAMETERS, SHAPES, SMOOTH, Design, Fit, variance_floor

SIGNIFICANCE = 0.05
AHEAD = 2.0
DRAWS = 999
_LEAST_NEIGHBOURS = 8
_PORTION = 50  # draws made between two looks at the number as large as observed


class Verdict(StrEnum):
    """What the scores say about a threshold."""

    STEP = "step"
    GRADUAL = "gradual"
    NONE = "none"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Tests:
    """p-values of the bootstrap tests; None where a rule did not need the test.

    ``smooth_against_step`` is the largest of the three with a smooth rival.
    """

    flat_against_step: float | None = None
    flat_against_smooth: float | None = None
    flat_against_any: float | None = None
    smooth_against_step: float | None = None
    linear_against_step: float | None = None
    hinge_against_step: float | None = None
    ramp_against_step: float | None = None


def lowest(fits: Mapping[str, Fit]) -> str:
    """The shape with the lowest BIC; of equals the one with fewer parameters."""
    return min(SHAPES, key=lambda shape: fits[shape].bic)


def better_smooth(fits: Mapping[str, Fit]) -> str:
    """The smooth shape with the lowest BIC."""
    return min(SMOOTH, key=lambda shape: fits[shape].bic)


def decide(fits: Mapping[str, Fit], tests: Tests) -> Verdict:
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


Lead = Callable[[Mapping[str, Any]], Any]


def _smooth(bic: Mapping[str, Any]) -> Any:
    return np.min([bic[shape] for shape in SMOOTH], axis=0)


# How far the data prefer a shape to its rival, from the BICs of one or of many score vectors.
_FLAT_LEADS: dict[str, Lead] = {
    "flat_against_step": lambda bic: bic["flat"] - bic["step"],
    "flat_against_smooth": lambda bic: bic["flat"] - _smooth(bic),
    "flat_against_any": lambda bic: bic["flat"] - np.minimum(_smooth(bic), bic["step"]),
}
_STEP_LEADS: dict[str, Lead] = {f"{shape}_against_step": lambda bic: _smooth(bic) - bic["step"] for shape in SMOOTH}


def run_tests(
    design: Design,
    scores: Floats,
    fits: Mapping[str, Fit],
    rng: np.random.Generator,
    draws: int,
    *,
    settle: bool = False,
    early: bool = False,
) -> Tests:
    """The tests that the rules need for ``scores`` (n,) and their ``fits``.

    For simulations: ``settle`` leaves out every test that cannot change the verdict any more; with ``early`` a test
    rejects already where none of its first 50 draws is as large as observed. If the rival is true, 0.14 % of tests end
    so that would not reject with all draws (p uniform: .95⁵¹/51); if it is not, fewer.
    """
    names = _flat_tests_needed(fits) if settle else list(_FLAT_LEADS)
    found = _p_values(design, scores, fits, "flat", {name: _FLAT_LEADS[name] for name in names}, rng, draws, early)
    if lowest(fits) != "step" or (settle and not _rejects(found["flat_against_step"])):
        return Tests(**found)
    largest = 0.0
    for rival in sorted(SMOOTH, key=lambda shape: fits[shape].bic):
        name = f"{rival}_against_step"
        found |= _p_values(design, scores, fits, rival, {name: _STEP_LEADS[name]}, rng, draws, early)
        largest = max(largest, found[name])
        if settle and not _rejects(largest):
            break
    return Tests(**found, smooth_against_step=largest)


def _flat_tests_needed(fits: Mapping[str, Fit]) -> list[str]:
    best, smooth = lowest(fits), fits[better_smooth(fits)]
    needed = {
        "flat_against_step": best == "step",
        "flat_against_smooth": fits["step"].bic - smooth.bic > AHEAD,
        "flat_against_any": best == "flat",
    }
    return [name for name, is_needed in needed.items() if is_needed]


def _p_values(
    design: Design,
    scores: Floats,
    fits: Mapping[str, Fit],
    rival: str,
    leads: Mapping[str, Lead],
    rng: np.random.Generator,
    draws: int,
    early: bool,
) -> dict[str, float]:
    """p of each lead under ``rival``, from the same draws; they end when none can be significant any more."""
    # as many as large as observed: then p is above the level after all draws too
    out_of_reach = int(SIGNIFICANCE * (1 + draws) + 1e-9)
    fitted = design.at_rows(fits[rival].levels)
    residuals = unshrunk(scores - fitted, rival)
    floor = variance_floor(scores)
    observed = {name: lead({shape: fit.bic for shape, fit in fits.items()}) - 1e-9 for name, lead in leads.items()}
    larger = dict.fromkeys(leads, 0)
    done = 0
    while done < draws and any(number < out_of_reach for number in larger.values()):
        portion = min(_PORTION, draws - done)
        bic = design.fit_many(neighbours(design, fitted, residuals, rng, portion), floor).bic
        done += portion
        for name, lead in leads.items():
            larger[name] += int(np.count_nonzero(lead(bic) >= observed[name]))
        if early and not any(larger.values()):
            break
    return {name: (1 + number) / (1 + done) for name, number in larger.items()}


def unshrunk(residuals: Floats, shape: str) -> Floats:
    """Residuals (n,) with the variance that fitting took from them given back: times √(n / (n − p))."""
    n = len(residuals)
    return residuals * float(np.sqrt(n / (n - PARAMETERS[shape])))


def neighbours(design: Design, fitted: Floats, residuals: Floats, rng: np.random.Generator, draws: int) -> Floats:
    """Scores drawn around ``fitted`` (n,): (draws, n).

    Each concept takes, with a random sign, the residual of a random one among the quarter of all concepts nearest to it
    in the order of counts (local bootstrap, Shi 1991); residuals are exchanged in units of 1/√weight.
    """
    n = len(fitted)
    first, window = window_starts(n)
    chosen = first + rng.integers(0, window, (draws, n))
    scale = np.sqrt(design.weights)
    return np.asarray(fitted + (residuals * scale)[chosen] * _signs(rng, (draws, n)) / scale)


def window_starts(n: int) -> tuple[NDArray[np.int64], int]:
    """First of the neighbours of each of ``n`` concepts in the order of counts, and how many neighbours there are."""
    width = min(n, max(_LEAST_NEIGHBOURS, n // 4))
    return np.clip(np.arange(n) - width // 2, 0, n - width), width


def wild(fitted: Floats, residuals: Floats, rng: np.random.Generator, draws: int) -> Floats:
    """Scores drawn around ``fitted`` (n,): each residual keeps its place and takes a random sign; (draws, n)."""
    return np.asarray(fitted + residuals * _signs(rng, (draws, len(fitted))))


def _signs(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    return np.asarray(rng.integers(0, 2, shape, dtype=np.int8) * 2.0 - 1.0, dtype=np.float64)
