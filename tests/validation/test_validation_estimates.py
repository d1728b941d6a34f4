"""The second study: every topic runs and notes only what it declares, resuming, rates, limits, tables."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from mimetic2.validation.estimates import estimate_cases, validate_estimates
from mimetic2.validation.estimates import study as study_module
from mimetic2.validation.estimates.cases import RISE, Case, Kind, draw_sample, holds_step
from mimetic2.validation.estimates.curves import NULL_TOP, _crossing
from mimetic2.validation.estimates.identified import _first_among, normal_cdf
from mimetic2.validation.estimates.rates import required, summarise
from mimetic2.validation.estimates.study import case_digest
from mimetic2.validation.estimates.topics import TOPICS


def smallest(topic: str) -> list[Case]:
    """One case of every world and condition of a topic, with the fewest concepts."""
    cases = {(case.world, case.condition): case for case in reversed(TOPICS[topic].cases)}
    return list(cases.values())


@pytest.mark.parametrize("topic", TOPICS)
def test_every_topic_notes_what_it_declares_and_nothing_else(topic: str) -> None:
    seen: set[str] = set()
    for case in smallest(topic):
        for run in range(3):
            outcome = TOPICS[topic].study(case, case.rng(run))
            seen |= set(outcome)
            for event, value in outcome.items():
                number = TOPICS[topic].events[event].kind is Kind.MEDIAN
                assert value is None or isinstance(value, float if number else (bool, np.bool_)), event
    rare = {"N50 among 20 covered", "N50 among 20 has two ends"}
    assert {name for name, event in TOPICS[topic].events.items() if event.limit} - rare <= seen | {"interval covers"}


def test_cases_are_different_studies_and_quick_ones_are_among_the_topics() -> None:
    cases = estimate_cases(0, quick=False)
    assert len(cases) == len({case_digest(case) for case in cases}) > 100
    assert all(case.seed == 7 for case in estimate_cases(7, quick=True))
    assert {case.topic for case in cases} == set(TOPICS)


def test_a_study_resumes_with_more_runs_and_other_revisions_are_other_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = [Case("association", "flat", 20), Case("null band", "–", 20, "normal")]
    validate_estimates(cases, 30, tmp_path / "both", workers=1)
    monkeypatch.setattr(study_module, "PORTION", 7)
    assert validate_estimates(cases, 60, tmp_path / "both", workers=1)["studies"] == 120
    validate_estimates(cases, 60, tmp_path / "once", workers=2)
    for name in ("estimates.csv", "estimates.md", "estimates.json"):
        assert (tmp_path / "both" / name).read_bytes() == (tmp_path / "once" / name).read_bytes()
    before = case_digest(cases[0])
    revised = dataclasses.replace(TOPICS["association"], revision=99)
    monkeypatch.setitem(TOPICS, "association", revised)
    assert case_digest(cases[0]) != before


@pytest.mark.parametrize(
    ("event", "rate", "missed"),
    [
        ("interval covers", 0.92, False),  # 93 % less two Monte Carlo errors is 91.4 %
        ("interval covers", 0.91, True),
        ("false step", 0.062, False),
        ("false step", 0.066, True),
        ("step found", 0.01, None),
    ],
)
def test_limits_are_held_within_the_monte_carlo_error(event: str, rate: float, missed: bool | None) -> None:
    hits = round(rate * 1000)
    studies = [{event: place < hits} for place in range(1000)]
    (row,) = summarise(Case("weights", "step", 44, "se", "known"), studies)
    assert (row["value"], row["missed"]) == (rate, missed)
    assert row["error"] == pytest.approx(np.sqrt(rate * (1 - rate) / 1000), abs=1e-4)
    assert [found["misses"] for found in required([row])] == ([] if missed is None else [int(missed)])


def test_rates_of_too_few_studies_are_not_said() -> None:
    studies = [{"interval covers": True}] * 49 + [{"interval covers": None}] * 51
    (row,) = summarise(Case("weights", "step", 44, "se", "known"), studies)
    assert (row["given"], row["value"], row["missed"]) == (49, None, None)


def test_a_step_is_held_when_the_interval_meets_its_gap() -> None:
    sample = draw_sample(Case("curve", "step", 44), np.random.default_rng(3))
    below, above = sample.counts[sample.counts < sample.place][-1], sample.counts[sample.counts >= sample.place][0]
    assert holds_step(int(below) + 1, int(above), sample)
    assert not holds_step(0, int(below), sample)
    assert not holds_step(int(above) + 1, int(above) + 9, sample)


@pytest.mark.parametrize("world", ["linear", "hinge", "ramp", "step"])
def test_the_crossing_is_where_the_mean_passes_the_top(world: str) -> None:
    sample = draw_sample(Case("onset", world, 44), np.random.default_rng(5))
    crossing = _crossing(sample)
    before, after = (float(sample.truth.curve(np.array([crossing * share]))[0]) for share in (0.98, 1.001))
    assert before <= NULL_TOP < after <= RISE


def test_the_chance_to_beat_all_rivals_is_what_simulation_gives() -> None:
    assert normal_cdf(np.array([-1.96, 0.0, 1.0])) == pytest.approx([0.0249979, 0.5, 0.8413447], abs=1e-6)
    rng = np.random.default_rng(0)
    own = 0.15 + 0.08 * rng.standard_normal(200_000)  # in the middle of the ramp
    best = (0.05 * rng.standard_normal((200_000, 19))).max(axis=1)
    assert _first_among(19, 2.5)[250] == pytest.approx(float((own > best).mean()), abs=0.005)
