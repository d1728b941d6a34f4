"""The rule on the 418 real counts of the classical artists (19 zeros, 137 tied rows), which no published table uses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from mimetic2.threshold import batched_change_points
from mimetic2.threshold.batch import Intervals, judge_many
from mimetic2.threshold.paper import PENALTY
from mimetic2.threshold.shapes import Design
from mimetic2.threshold.verdict import Verdict
from mimetic2.validation.worlds import draw_noise, draw_truth

STUDIES = 100


@pytest.fixture(scope="module")
def counts() -> np.ndarray:
    path = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "classical-artists-counts.csv"
    if not path.exists():
        pytest.skip("the shared counts are not beside this checkout")
    return np.sort(pl.read_csv(path)["count_this_artist_artworks_in_laion_images"].to_numpy().astype(float))


def studies(counts: np.ndarray, world: str, noise: str) -> tuple[list, np.ndarray]:  # type: ignore[type-arg]
    rng = np.random.default_rng(20261124)
    truths = [draw_truth(world, 0.25, counts, rng) for _ in range(STUDIES)]
    return truths, np.array([truth.mean + draw_noise(noise, counts, rng) for truth in truths])


@pytest.mark.parametrize("noise", ["sd .10", "rising"])
@pytest.mark.parametrize("world", ["flat", "linear", "hinge", "ramp", "narrow ramp"])
def test_smooth_worlds_are_not_called_steps(counts: np.ndarray, world: str, noise: str) -> None:
    _, scores = studies(counts, world, noise)
    found = judge_many(Design(counts), scores, np.random.default_rng(1), intervals=Intervals.NEVER)
    assert sum(one.verdict is Verdict.STEP for one in found) <= 0.05 * STUDIES + 2 * np.sqrt(0.05 * 0.95 * STUDIES)
    if world == "ramp":
        named = sum(bool(breaks) for breaks in batched_change_points(scores, PENALTY))
        assert named >= 0.9 * STUDIES, "the paper's rule names a threshold on a smooth rise"


def test_steps_are_found_and_their_intervals_hold_them(counts: np.ndarray) -> None:
    truths, scores = studies(counts, "step", "sd .10")
    found = judge_many(Design(counts), scores, np.random.default_rng(1), intervals=Intervals.ALWAYS)
    assert sum(one.verdict is Verdict.STEP for one in found) >= 0.95 * STUDIES
    covered = 0
    for truth, one in zip(truths, found, strict=True):
        lower, upper = counts[counts < truth.step][-1], counts[counts >= truth.step][0]
        covered += one.interval.low <= upper and one.interval.high > lower
    assert covered >= 0.93 * STUDIES
