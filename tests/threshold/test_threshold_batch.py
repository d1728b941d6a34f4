"""Many verdicts at once are the verdicts one by one, and leaving out settled tests changes none."""

from __future__ import annotations

import numpy as np
import pytest

from mimetic2.threshold.batch import Intervals, judge_many
from mimetic2.threshold.shapes import Design
from mimetic2.threshold.verdict import Verdict, decide, run_tests
from mimetic2.validation.bins import BINS, draw_counts, shares
from mimetic2.validation.worlds import WORLDS, draw_noise, draw_truth


def studies(n: int, each: int, seed: int = 0) -> tuple[Design, np.ndarray]:
    rng = np.random.default_rng(seed)
    counts = draw_counts("politicians", n, rng)
    truths = [draw_truth(world, 0.25, counts, rng).mean for world in WORLDS for _ in range(each)]
    noise = [draw_noise("sd .05", counts, rng) for _ in truths]
    return Design(counts), np.array(truths) + np.array(noise)


@pytest.mark.parametrize("early", [False, True])
def test_settled_and_early_tests_do_not_change_verdicts(early: bool) -> None:
    design, scores = studies(60, 6)
    compared = 0
    for values in scores:
        fits = design.fit(values)
        every = run_tests(design, values, fits, np.random.default_rng(1), 199)
        if any(p is not None and 0.015 < p < 0.1 for p in vars(every).values()):
            continue  # other draws may fall on the other side of the level
        short = run_tests(design, values, fits, np.random.default_rng(2), 199, settle=True, early=early)
        assert decide(fits, every) == decide(fits, short)
        compared += 1
    assert compared >= 15


def test_many_are_those_one_by_one() -> None:
    design, scores = studies(120, 2)
    together = judge_many(design, scores, np.random.default_rng(3), intervals=Intervals.NEVER)
    rng = np.random.default_rng(3)
    alone = [judge_many(design, values[np.newaxis], rng, intervals=Intervals.NEVER)[0] for values in scores]
    assert together == alone
    assert {found.verdict for found in together} >= {Verdict.STEP, Verdict.GRADUAL, Verdict.NONE}


def test_early_tests_reject_with_fewer_draws() -> None:
    design, scores = studies(120, 1)
    step = scores[list(WORLDS).index("step")]
    fits = design.fit(step)
    full, early = (run_tests(design, step, fits, np.random.default_rng(1), 199, early=each) for each in (False, True))
    assert full.smooth_against_step == pytest.approx(1 / 200)
    assert early.smooth_against_step == pytest.approx(1 / 51)


def test_constant_and_falling_scores_are_none() -> None:
    design, _ = studies(40, 1)
    rng = np.random.default_rng(0)
    falling = -0.2 * design.x[design.level_of] + rng.normal(0, 0.05, 40)
    found = judge_many(design, np.array([np.full(40, 0.3), falling]), rng, intervals=Intervals.STEP)
    assert [one.verdict for one in found] == [Verdict.NONE, Verdict.NONE]
    assert found[0].interval is None


def test_intervals_where_they_are_wanted() -> None:
    design, scores = studies(60, 2)
    found = judge_many(design, scores, np.random.default_rng(4), intervals=Intervals.ALWAYS)
    assert all(one.interval is not None and one.interval.low <= one.step <= one.interval.high for one in found)
    found = judge_many(design, scores, np.random.default_rng(4), intervals=Intervals.STEP)
    assert all((one.interval is not None) == (one.verdict is Verdict.STEP) for one in found)


@pytest.mark.parametrize("table", BINS)
@pytest.mark.parametrize("n", [20, 44, 120, 418])
def test_counts_have_the_shares_of_the_papers_bins(table: str, n: int) -> None:
    counts = draw_counts(table, n, np.random.default_rng(0))
    edges = [-0.5, 0.5, 99.5, 499.5, 999.5, 4999.5, 9999.5, 1e5]
    assert np.histogram(counts, edges)[0].tolist() == shares(BINS[table], n)
    assert len(counts) == n
    assert (np.diff(counts) >= 0).all()
    assert all(
        abs(size - n * share / sum(BINS[table])) < 1
        for size, share in zip(shares(BINS[table], n), BINS[table], strict=True)
    )
