"""Where concepts are added: at counts that tell plausible curves from other verdicts, within the observed counts."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimetic2.planning.assumptions import Components
from mimetic2.planning.noise import assumed
from mimetic2.planning.plausible import DRAWS, after_pilot, without_pilot
from mimetic2.planning.proposal import added, place
from mimetic2.planning.scenarios import Scenario
from mimetic2.threshold.batch import judge_many
from mimetic2.threshold.shapes import Design
from mimetic2.threshold.verdict import Verdict
from mimetic2.validation.bins import draw_counts

NOISE = assumed(Components(0.1, 0.05, 0.0, 0.3, "said"))
EVEN = np.round(np.geomspace(1, 10_000, 80))


@given(
    counts=st.lists(st.integers(0, 100_000), min_size=2, max_size=200),
    more=st.integers(0, 300),
    rise=st.sampled_from([None, 0.001, 0.3]),
)
def test_bins_hold_every_count_and_every_new_concept(counts, more, rise):
    values = np.array(sorted(counts), float)
    curves = without_pilot(values, rise) if rise and len(set(counts)) >= 5 else []
    bins = place(values, more, curves, NOISE, 20)
    assert sum(each.have for each in bins) == len(counts)
    assert sum(each.add for each in bins) == more
    assert all(each.low <= each.high for each in bins)
    assert all(first.high < second.low for first, second in pairwise(bins))
    assert (bins[0].low, bins[-1].high) == (min(counts), max(counts))
    new = added(bins)
    assert len(new) == more
    for each in bins:
        assert ((new >= each.low) & (new <= each.high)).sum() == each.add
    if more:
        assert min(counts) <= new.min()
        assert new.max() <= max(counts)


def test_without_a_rise_thin_bins_are_filled():
    dense = np.geomspace(10, 99, 100)
    bins = place(np.concatenate((dense, [1000.0])), 40, [], NOISE, 20)
    assert all(each.add == 0 for each in bins if each.low > 12 and each.high < 90)
    filled = [each.have + each.add for each in bins if each.low >= 100]
    assert max(filled) - min(filled) <= 1


def step_at(place_: float) -> Scenario:
    return Scenario("step", "", lambda counts: 0.3 * (counts >= place_))


def test_a_step_is_told_from_a_ramp_beside_it():
    bins = place(EVEN, 40, [step_at(300)], NOISE, 20)
    assert sum(each.add for each in bins if each.low >= 90 and each.high <= 1000) == 40


def test_a_line_is_told_from_a_step_at_both_ends():
    line = Scenario("linear", "", lambda counts: 0.1 * np.log10(1 + counts))
    bins = place(EVEN, 40, [line], NOISE, 20)
    # the nearest step leaves the line furthest at both ends and on both sides of its break
    assert min(sum(each.add for each in bins[:3]), sum(each.add for each in bins[-3:])) >= 6
    assert sum(each.add for each in bins if 20 <= each.low <= 800) >= 12


def test_the_pilot_decides_where():
    rng = np.random.default_rng(0)
    design = Design(EVEN)
    for true in (20, 2000):
        curves = after_pilot(design, 0.4 * (true <= EVEN) + rng.normal(0, 0.1, len(EVEN)), rng)
        assert len(curves) == DRAWS
        assert all(curve.mean(EVEN)[-1] > curve.mean(EVEN)[0] for curve in curves)
        near = [each for each in place(EVEN, 40, curves, NOISE, 20) if each.high >= true / 6 and each.low <= true * 6]
        assert sum(each.add for each in near) >= 30


def test_falling_scores_leave_no_rise_to_plan_for():
    assert after_pilot(Design(EVEN), -np.log10(1 + EVEN), np.random.default_rng(0)) == []


@pytest.mark.slow
def test_proposed_concepts_settle_more_studies_than_others():
    rng = np.random.default_rng(2)
    right = {"proposed": 0, "like the pilot's": 0}
    for _ in range(60):
        counts = draw_counts("classical artists", 60, rng)
        scores = 0.25 * (counts >= 300) + rng.normal(0, 0.12, 60)
        proposal = place(counts, 30, after_pilot(Design(counts), scores, rng), NOISE, 20)
        for name, new in (
            ("proposed", added(proposal)),
            ("like the pilot's", draw_counts("classical artists", 30, rng)),
        ):
            values = np.concatenate((scores, 0.25 * (new >= 300) + rng.normal(0, 0.12, 30)))
            order = np.argsort(np.concatenate((counts, new)), kind="stable")
            design = Design(np.concatenate((counts, new))[order])
            right[name] += judge_many(design, values[order][np.newaxis], rng, early=True)[0].verdict is Verdict.STEP
    assert right["proposed"] >= right["like the pilot's"] + 6
