"""The verdict's rules as a table, the draws its tests are made of, and the level that the tests keep."""

from __future__ import annotations

import numpy as np
import pytest

from mimetic2.threshold.shapes import SHAPES, Design, Fit
from mimetic2.threshold.verdict import Tests as PValues
from mimetic2.threshold.verdict import Verdict, decide, neighbours, run_tests, unshrunk


def fits_of(flat: float, linear: float, hinge: float, step: float, ramp: float) -> dict[str, Fit]:
    bics = {"flat": flat, "linear": linear, "hinge": hinge, "step": step, "ramp": ramp}
    return {shape: Fit(shape, 1.0, bics[shape], 0, np.zeros(2), 0.0) for shape in SHAPES}


STEP_LEADS, SMOOTH_LEADS = (20.0, 9.0, 8.0, 0.0, 7.0), (20.0, 0.0, 2.0, 2.5, 3.0)
HINGE_LEADS, CLOSE, FLAT_LEADS = (20.0, 9.0, 0.0, 2.5, 3.0), (20.0, 0.0, 2.0, 1.5, 3.0), (0.0, 3.0, 4.0, 3.5, 6.0)


@pytest.mark.parametrize(
    ("bics", "tests", "verdict"),
    [
        (STEP_LEADS, PValues(flat_against_step=0.001, smooth_against_step=0.05), "step"),
        (STEP_LEADS, PValues(flat_against_step=0.001, smooth_against_step=0.051), "undecided"),
        (STEP_LEADS, PValues(flat_against_step=0.06, smooth_against_step=0.01), "undecided"),
        (STEP_LEADS, PValues(flat_against_step=0.001), "undecided"),
        (SMOOTH_LEADS, PValues(flat_against_smooth=0.05), "gradual"),
        (SMOOTH_LEADS, PValues(flat_against_smooth=0.06), "undecided"),
        (HINGE_LEADS, PValues(flat_against_smooth=0.01), "gradual"),
        (CLOSE, PValues(flat_against_smooth=0.01), "undecided"),
        (FLAT_LEADS, PValues(flat_against_any=0.3, flat_against_smooth=0.3), "none"),
        (FLAT_LEADS, PValues(flat_against_any=0.04, flat_against_smooth=0.3), "undecided"),
    ],
)
def test_rules(bics: tuple[float, ...], tests: PValues, verdict: str) -> None:
    assert decide(fits_of(*bics), tests) is Verdict(verdict)


def test_every_residual_comes_from_a_neighbour_and_has_either_sign() -> None:
    n = 80
    design = Design(np.arange(n, dtype=float))
    drawn = neighbours(design, np.full(n, 5.0), np.arange(n) + 1.0, np.random.default_rng(0), 500) - 5.0
    distance = np.abs(np.abs(drawn) - (np.arange(n) + 1.0))
    assert distance.max() <= n / 4
    assert distance[:, n // 4 : -n // 4].max() <= n / 8
    assert np.abs(drawn.mean(axis=0)).max() < 12.0
    assert len(np.unique(np.abs(drawn[:, n // 2]))) == n // 4


def test_residuals_are_exchanged_in_units_of_their_own_spread() -> None:
    rng = np.random.default_rng(1)
    weights = rng.uniform(0.1, 10, 40)
    design = Design(np.arange(40.0), weights)
    drawn = neighbours(design, np.zeros(40), 1 / np.sqrt(weights), rng, 50)
    assert np.allclose(np.abs(drawn) * np.sqrt(weights), 1.0)


def test_small_studies_have_eight_neighbours() -> None:
    drawn = neighbours(Design(np.arange(8.0)), np.zeros(8), np.arange(1.0, 9.0), np.random.default_rng(0), 400)
    assert all(len(np.unique(np.abs(column))) == 8 for column in drawn.T)


def test_residuals_get_back_what_fitting_took() -> None:
    rng = np.random.default_rng(2)
    x = np.sort(rng.uniform(0, 5, 12))
    design = Design(np.round(10**x))
    spread = []
    for _ in range(600):
        scores = x + rng.normal(0, 1, 12)
        residuals = scores - design.at_rows(design.fit(scores)["linear"].levels)
        spread.append((unshrunk(residuals, "linear") ** 2).mean())
    assert np.mean(spread) == pytest.approx(1.0, abs=0.06)


@pytest.mark.parametrize("spread", ["equal", "rising"])
def test_flat_worlds_reject_flat_at_the_level(spread: str) -> None:
    """400 studies: the share of p ≤ 5 % lies within three binomial errors of 5 %, and p is not far from uniform."""
    rng = np.random.default_rng(3)
    design = Design(np.sort(np.floor(10 ** rng.uniform(0, 5, 60))))
    sd = 1.0 if spread == "equal" else 0.3 + design.x[design.level_of] / 3
    p = []
    for _ in range(400):
        scores = sd * rng.standard_normal(60)
        p.append(run_tests(design, scores, design.fit(scores), rng, 99).flat_against_any)
    values = np.array(p, dtype=float)
    assert 0.05 - 3 * 0.011 <= np.mean(values <= 0.05) <= 0.05 + 3 * 0.011
    assert 0.4 < np.mean(values <= 0.5) < 0.6
