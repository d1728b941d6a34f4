"""Exact segmentation against brute force, ruptures and the published fixtures."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mimetic2.errors import InputError
from mimetic2.threshold import batched_change_points, change_points, paper_threshold
from mimetic2.threshold.paper import orders_tried
from mimetic2.threshold.pruning import possible_cuts
from mimetic2.threshold.segmentation import objective

FIXTURES = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "paper-mode-fixtures.json"

values = st.one_of(st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.floats(-2, 2, width=32))
signals = st.lists(values, min_size=1, max_size=60)
penalties = st.one_of(st.sampled_from([0.0, 0.9, 1e9]), st.floats(0, 3))


@given(signal=st.lists(values, min_size=1, max_size=9), penalty=penalties)
@settings(max_examples=300, deadline=None)
def test_no_segmentation_is_better(signal: list[float], penalty: float) -> None:
    every = (list(b) for k in range(len(signal)) for b in itertools.combinations(range(1, len(signal)), k))
    best = min(objective(signal, breaks, penalty) for breaks in every)
    assert objective(signal, change_points(signal, penalty), penalty) == pytest.approx(best, abs=1e-9)


@given(signal=signals, penalty=penalties)
@settings(max_examples=300, deadline=None)
def test_as_good_as_ruptures(signal: list[float], penalty: float) -> None:
    ruptures = pytest.importorskip("ruptures")
    theirs = ruptures.Pelt(model="l2", min_size=1, jump=1).fit(np.array(signal)).predict(pen=penalty)[:-1]
    ours = change_points(signal, penalty)
    assert objective(signal, ours, penalty) == pytest.approx(objective(signal, theirs, penalty), abs=1e-9)


@pytest.mark.parametrize("n", [1, 2, 17, 120, 500])
@pytest.mark.parametrize("penalty", [0.02, 0.3, 0.9, 50.0])
def test_equals_ruptures_on_continuous_scores(n: int, penalty: float) -> None:
    ruptures = pytest.importorskip("ruptures")
    rng = np.random.default_rng(n)
    signal = rng.normal(0, 0.15, n) + 0.5 * (np.arange(n) > n / 2) + 0.3 * (np.arange(n) > n / 1.4)
    theirs = ruptures.Pelt(model="l2", min_size=1, jump=1).fit(signal).predict(pen=penalty)[:-1]
    assert change_points(signal, penalty) == theirs


@st.composite
def long_signals(draw: st.DrawFn) -> tuple[np.ndarray, float]:
    """Up to 500 scores: continuous, with ties, constant, in steps, or of a wild scale; penalties from none to huge."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n = draw(st.integers(1, 500))
    kind = draw(st.sampled_from(["continuous", "tied", "constant", "steps", "ramp", "wild"]))
    signal = {
        "continuous": rng.normal(0, 0.2, n),
        "tied": rng.integers(0, 4, n) / 4,
        "constant": np.full(n, rng.normal()),
        "steps": np.repeat(rng.normal(0, 1, n), rng.integers(1, 50, n))[:n] + rng.normal(0, 0.05, n),
        "ramp": np.linspace(0, 1, n) + rng.normal(0, 0.1, n),
        "wild": rng.standard_t(1.5, n) * 10.0 ** rng.integers(-4, 5),
    }[kind]
    return signal, draw(st.one_of(st.sampled_from([0.0, 0.9, 1e12]), st.floats(1e-6, 10)))


def brute_force(signal: np.ndarray, penalty: float) -> float:
    """The least objective, by optimal partitioning over the cost of every piece."""
    n = len(signal)
    centred = signal - signal.mean()
    sums, squares = np.concatenate(([0], np.cumsum(centred))), np.concatenate(([0], np.cumsum(centred**2)))
    length = np.maximum(np.arange(n + 1) - np.arange(n + 1)[:, np.newaxis], 1)
    cost = squares - squares[:, np.newaxis] - (sums - sums[:, np.newaxis]) ** 2 / length
    best = np.zeros(n + 1)
    for end in range(1, n + 1):
        best[end] = (best[:end] + cost[:end, end]).min() + penalty
    return float(best[n])


def check_against_oracles(signal: np.ndarray, penalty: float) -> None:
    ruptures = pytest.importorskip("ruptures")
    ours = change_points(signal, penalty)
    assert ours == sorted(set(ours))
    assert all(0 < place < len(signal) for place in ours)
    reached = objective(signal, ours, penalty)
    allowed = 1e-9 * max(1.0, ((signal - signal.mean()) ** 2).sum())
    assert reached <= brute_force(signal, penalty) + allowed
    if len(signal) > 1:
        theirs = ruptures.KernelCPD("linear", min_size=1).fit(signal[:, np.newaxis]).predict(pen=penalty or 1e-300)
        assert reached <= objective(signal, theirs[:-1], penalty) + allowed


@given(case=long_signals())
@settings(max_examples=400, deadline=None)
def test_nothing_better_is_found_in_up_to_500_scores(case: tuple[np.ndarray, float]) -> None:
    check_against_oracles(*case)


@pytest.mark.slow
@given(case=long_signals())
@settings(max_examples=5000, deadline=None)
def test_nothing_better_is_found_in_thousands_of_cases(case: tuple[np.ndarray, float]) -> None:
    check_against_oracles(*case)


@pytest.mark.slow
@given(case=long_signals())
@settings(max_examples=300, deadline=None)
def test_nothing_better_is_found_by_the_papers_own_call(case: tuple[np.ndarray, float]) -> None:
    signal, penalty = case
    ruptures = pytest.importorskip("ruptures")
    theirs = ruptures.Pelt(model="l2", min_size=1, jump=1).fit(signal).predict(pen=penalty)[:-1]
    difference = objective(signal, change_points(signal, penalty), penalty) - objective(signal, theirs, penalty)
    assert abs(difference) <= 1e-9 * max(1.0, ((signal - signal.mean()) ** 2).sum())


@given(case=long_signals(), copies=st.integers(2, 20))
@settings(max_examples=60, deadline=None)
def test_a_portion_gives_what_single_signals_give(case: tuple[np.ndarray, float], copies: int) -> None:
    signal, penalty = case
    rolled = np.array([np.roll(signal, shift) for shift in range(copies)])
    assert batched_change_points(rolled, penalty) == [change_points(row, penalty) for row in rolled]


@given(rows=st.lists(st.lists(values, min_size=7, max_size=7), min_size=1, max_size=5), penalty=penalties)
@settings(max_examples=100, deadline=None)
def test_batches_equal_single_rows(rows: list[list[float]], penalty: float) -> None:
    assert batched_change_points(rows, penalty) == [change_points(row, penalty) for row in rows]


@given(case=long_signals(), width=st.integers(2, 9))
@settings(max_examples=100, deadline=None)
def test_leaving_out_impossible_cuts_changes_nothing(case: tuple[np.ndarray, float], width: int) -> None:
    signal, penalty = case
    rows = np.array([signal, signal[::-1], np.sort(signal)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mimetic2.threshold.segmentation.LEAST", 10**9)
        everywhere = batched_change_points(rows, penalty)
        patch.setattr("mimetic2.threshold.segmentation.LEAST", 2)
        patch.setattr("mimetic2.threshold.pruning._LEAST_WIDTH", width)
        assert batched_change_points(rows, penalty) == everywhere
        assert [change_points(row, penalty) for row in rows] == everywhere


def test_few_cuts_are_possible_where_one_step_is() -> None:
    rng = np.random.default_rng(0)
    step = 0.3 * (np.arange(5000) >= 2000) + rng.normal(0, 0.1, 5000)
    kept = possible_cuts((step - step.mean())[:, np.newaxis], 0.9)
    assert kept[0] == 0
    assert kept[-1] == 5000
    assert len(kept) < 200
    assert change_points(step, 0.9)[0] in kept


def test_fewer_tie_orders_are_tried_among_thousands_and_their_number_is_given() -> None:
    assert [orders_tried(n) for n in (2, 2000, 4000, 100_000)] == [200, 200, 50, 20]
    rng = np.random.default_rng(1)
    counts = np.round(10 ** rng.uniform(0, 4, 4000))
    found = paper_threshold(counts, 0.3 * (counts >= 90) + rng.normal(0, 0.1, 4000))
    assert found.to_dict()["n_orders"] == 50
    assert found.tie_range is not None
    untied = paper_threshold(np.arange(50), np.arange(50) >= 20)
    assert (untied.n_orders, untied.tie_range, set(untied.tie_orders.values())) == (1, (20, 20), {20})


def test_equality_keeps_one_piece_and_ties_start_early() -> None:
    assert change_points([0.0, 1.0], 0.5) == []
    assert change_points([0.0, 0.0, 0.0], 0.0) == []


@pytest.mark.parametrize(
    ("signal", "penalty"),
    [([], 0.9), ([0.0, math.nan], 0.9), ([0.0, math.inf], 0.9), ([0.0, 1.0], -0.1), ([0.0, 1.0], math.nan)],
)
def test_bad_input_is_an_error(signal: list[float], penalty: float) -> None:
    with pytest.raises(InputError):
        change_points(signal, penalty)


def _fixtures() -> list[dict]:  # type: ignore[type-arg]
    if not FIXTURES.exists():
        return []
    cases = []
    for case in json.loads(FIXTURES.read_text()):
        if case["id"] == "F10_nan":
            continue
        if case["id"].startswith("F3"):
            for name in ("case_low_first", "case_high_first"):
                part = case[name]
                cases.append({**case, "id": name, "scores": part["scores_in_sorted_order"], "expect": part["expect"]})
        else:
            cases.append(case)
    return cases


@pytest.mark.skipif(not FIXTURES.exists(), reason="the shared fixtures are not beside this checkout")
@pytest.mark.parametrize("case", _fixtures(), ids=lambda case: case["id"])
def test_fixtures(case: dict) -> None:  # type: ignore[type-arg]
    counts, scores, n = case["counts"], case["scores"], case.get("n")
    if counts == "25*i, i=0..39" or (isinstance(counts, str) and counts.startswith("25*i")):
        counts, scores = [25 * i for i in range(n)], [round(i / 39, 6) for i in range(n)]
    elif isinstance(counts, str):
        counts, scores = list(range(n)), [0.05 + 0.45 * i / 399 for i in range(n)]
    expect = case["expect"]
    assert change_points(scores, 0.9) == expect["breaks"]
    result = paper_threshold(counts, scores)
    assert result.threshold == expect.get("threshold", result.threshold)
    assert result.mean_before == pytest.approx(expect.get("mean_before", result.mean_before))
    assert result.mean_after == pytest.approx(expect.get("mean_after", result.mean_after))
    if "outliers" in expect:
        assert list(result.outliers) == expect["outliers"]


def test_tied_counts_give_a_range() -> None:
    counts = [0, 0, 0, 0, 3, 40, 40, 250, 250, 300, 900, 2000]
    result = paper_threshold(counts, [0, 0, 0, 0, 0, 0, 0.6, 0.9, 0.9, 0.9, 0.9, 0.9])
    assert result.threshold == 40
    assert result.tie_range == (40, 250)
    assert result.tie_orders == {"given": 40, "reversed": 250, "score_ascending": 40, "score_descending": 250}


def test_paper_mode_takes_two_rows_and_rejects_one() -> None:
    assert paper_threshold([0, 10], [0.0, 2.0]).threshold == 10
    with pytest.raises(InputError, match="2 or more"):
        paper_threshold([0], [0.0])
