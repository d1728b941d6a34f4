"""Uncertain counts and one-sided bounds: what is drawn, what is widened, and how often the truth is inside."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mimetic2.threshold import SideColumns, ThresholdResult, find_threshold
from mimetic2.threshold.checks.uncertain import drawn_counts, uncertain, widened
from mimetic2.threshold.observations import Observations


def world(rng: np.random.Generator, n: int, place: float = 150, sd: float = 0.05) -> tuple[np.ndarray, np.ndarray]:
    counts = np.sort(np.round(10 ** rng.uniform(0, 4.5, n) - 1))
    return counts, 0.1 + 0.3 * (counts >= place) + rng.normal(0, sd, n)


def blurred(counts: np.ndarray, rng: np.random.Generator, decades: float) -> np.ndarray:
    return np.round(10 ** (np.log10(1 + counts) + rng.normal(0, decades, len(counts))) - 1).clip(0)


def around(counts: np.ndarray, decades: float) -> dict[str, np.ndarray]:
    """95 % intervals of counts whose errors have this standard deviation."""
    factor = 10 ** (1.96 * decades)
    return {"count_low": ((1 + counts) / factor - 1).clip(0), "count_high": (1 + counts) * factor - 1}


def test_counts_are_drawn_from_their_intervals() -> None:
    counts, low, high = np.array([0.0, 100, 100]), np.array([0.0, 50, np.nan]), np.array([0.0, 400, np.nan])
    observed = Observations(counts, np.zeros(3), beside=SideColumns(count_low=low, count_high=high))
    assert uncertain(observed)
    drawn = drawn_counts(observed, 0.95, np.random.default_rng(0), 40_000)
    assert set(drawn[:, 0]) == {0.0}
    np.testing.assert_allclose(drawn[:, 2], 100)
    assert np.quantile(drawn[:, 1], [0.025, 0.5, 0.975]) == pytest.approx([50, 100, 400], rel=0.03)
    point = replace(observed, beside=SideColumns(count_low=counts, count_high=counts))
    assert not uncertain(point)


def test_half_widths_add_in_squares() -> None:
    moved = np.array([0.1, -0.1] * 20)
    low, high = widened(99, (99, 99), moved, 0.95) or (0, 0)
    assert (low, high) == pytest.approx((10 ** (2 - 0.196) - 1, 10 ** (2 + 0.196) - 1), abs=1)
    assert widened(99, (50, 300), np.zeros(40), 0.95) == (50, 300)
    assert widened(99, None, moved, 0.95) is None
    assert widened(99, (50, 300), np.where(np.arange(40) < 4, np.nan, moved), 0.95) is None


def test_threshold_onset_and_n50_carry_the_counts_intervals() -> None:
    rng = np.random.default_rng(1)
    counts, scores = world(rng, 150)
    options = {"null_score": rng.normal(0.1, 0.02, 150), "identified": list(scores > 0.25), "draws": 199}
    sure = find_threshold(counts, scores, **options)
    point = find_threshold(counts, scores, beside=SideColumns(count_low=counts, count_high=counts), **options)
    vague = find_threshold(counts, scores, beside=SideColumns(**around(counts, 0.15)), **options)
    assert point.to_dict() == sure.to_dict()
    assert vague.threshold == sure.threshold
    assert vague.details["interval_at_given_counts"] == list(sure.interval or ())
    for wide, narrow in ((vague.interval, sure.interval), *_others(vague, sure)):
        assert wide is not None
        assert narrow is not None
        assert wide[0] <= narrow[0] <= narrow[1] <= wide[1]
        assert wide[1] - wide[0] > narrow[1] - narrow[0]
    row = {row["name"]: row for row in vague.sensitivity}["counts drawn from their intervals"]
    assert row["outcome"] in ("same", "changed")
    assert "of 40 draws" in row["note"]


def _others(vague: ThresholdResult, sure: ThresholdResult) -> list[tuple[object, object]]:
    assert vague.onset is not None
    assert sure.onset is not None
    assert vague.identification is not None
    assert sure.identification is not None
    return [
        (vague.onset.interval, sure.onset.interval),
        (vague.identification.half.interval, sure.identification.half.interval),
    ]


def test_bounds_of_a_step_are_its_ninety_percent_interval() -> None:
    counts, scores = world(np.random.default_rng(2), 120, sd=0.1)
    result = find_threshold(counts, scores, draws=99)
    ninety = find_threshold(counts, scores, draws=99, level=0.9)
    assert result.bounds is not None
    assert (result.bounds.threshold_at_least, result.bounds.threshold_at_most) == ninety.interval
    assert (result.bounds.imitated_from, result.bounds.not_imitated_up_to) == (None, None)


def test_bounds_bracket_the_crossing_of_the_null_band() -> None:
    rng = np.random.default_rng(3)
    counts, scores = world(rng, 120)
    bounds = find_threshold(counts, scores, null_score=rng.normal(0.15, 0.02, 120), draws=199).bounds
    assert bounds is not None
    assert bounds.not_imitated_up_to is not None
    assert bounds.imitated_from is not None
    assert bounds.not_imitated_up_to < 150 <= bounds.imitated_from


@pytest.mark.slow
def test_the_widened_interval_covers_where_the_narrow_one_does_not() -> None:
    """A step at 150; counts recorded with an error of .1 decades (a factor of 1.6 at 95 %)."""
    hits = {"widened": 0, "given": 0, "steps": 0}
    for seed in range(150):
        rng = np.random.default_rng(seed)
        true, scores = world(rng, 150, sd=0.08)
        counts = blurred(true, rng, 0.1)
        result = find_threshold(counts, scores, beside=SideColumns(**around(counts, 0.1)), draws=99)
        if result.verdict != "step" or result.interval is None:
            continue
        low, high = result.details["interval_at_given_counts"]
        hits["steps"] += 1
        hits["widened"] += result.interval[0] <= 150 <= result.interval[1]
        hits["given"] += low <= 150 <= high
    assert hits["steps"] >= 40
    assert hits["widened"] / hits["steps"] >= 0.90
    assert hits["widened"] > hits["given"]


@pytest.mark.slow
def test_one_sided_bounds_err_no_more_often_than_they_say() -> None:
    """A ramp that crosses the null band's top, .25, at a known count; bounds at 95 % each."""
    errors = {"from": 0, "up to": 0, "said": 0}
    for seed in range(150):
        rng = np.random.default_rng(seed)
        counts = np.sort(np.round(10 ** rng.uniform(0, 4.5, 120) - 1))
        x = np.log10(1 + counts)
        scores = 0.1 + 0.3 / (1 + np.exp(-(x - 2.2) / 0.3)) + rng.normal(0, 0.05, 120)
        bounds = find_threshold(counts, scores, null_score=np.full(120, 0.25), draws=99).bounds
        assert bounds is not None
        crossing = 10**2.2 - 1  # half of the rise
        errors["said"] += bounds.imitated_from is not None and bounds.not_imitated_up_to is not None
        errors["from"] += bounds.imitated_from is not None and bounds.imitated_from < crossing
        errors["up to"] += bounds.not_imitated_up_to is not None and bounds.not_imitated_up_to > crossing
    assert errors["said"] >= 140
    assert max(errors["from"], errors["up to"]) <= 16  # 5 % of 150 is 7.5; P(more than 16) < .2 %
