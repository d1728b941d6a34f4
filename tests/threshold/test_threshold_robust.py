"""Robust mode: fits against scipy, the interval against brute force, verdicts in clear worlds, invariances."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mimetic2.errors import InputError
from mimetic2.threshold import find_threshold, threshold_table
from mimetic2.threshold.identification import fit_identification
from mimetic2.threshold.intervals import hansen_critical, step_rss
from mimetic2.threshold.shapes import Design
from mimetic2.threshold.weights import reml

ARTISTS = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "classical-artists-counts.csv"


def world(name: str, n: int = 120, sd: float = 0.05, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    counts = np.round(10 ** rng.uniform(0, 5, n) - 1)
    x = np.log10(1 + counts)
    means = {"flat": 0 * x, "linear": 0.06 * x, "step": 0.3 * (counts >= 150), "fall": -0.06 * x}
    means["ramp"] = 0.3 / (1 + np.exp(-(x - 2.5) / 0.3))
    return counts, means[name] + rng.normal(0, sd, n)


@pytest.mark.parametrize(
    ("name", "verdict"), [("step", "step"), ("linear", "gradual"), ("ramp", "gradual"), ("fall", "none")]
)
def test_clear_worlds_have_their_verdict(name: str, verdict: str) -> None:
    result = find_threshold(*world(name), draws=199)
    assert result.verdict == verdict
    assert str(120) in result.sentence


def test_a_flat_world_has_no_threshold() -> None:
    result = find_threshold(*world("flat", seed=1), draws=199)
    assert result.verdict == "none"
    assert result.threshold is None
    assert "excluded" in result.sentence


def test_a_step_is_found_where_it_is() -> None:
    counts, scores = world("step")
    result = find_threshold(counts, scores, draws=199)
    assert result.threshold == min(counts[counts >= 150])
    low, high = result.interval
    assert low <= 150 <= high
    assert low == max(counts[counts < result.threshold]) + 1 or low < result.threshold
    assert result.change_points == (result.threshold,)


def test_best_fits_equal_least_squares_by_scipy() -> None:
    optimize = pytest.importorskip("scipy.optimize")
    counts, scores = world("ramp", sd=0.08)
    order = np.argsort(counts, kind="stable")
    counts, scores = counts[order], scores[order]
    design = Design(counts)
    fits = design.fit(scores)
    x = np.log10(1 + counts)
    assert fits["linear"].rss == pytest.approx(np.polyfit(x, scores, 1, full=True)[1][0])
    by_hand = min(
        sum(((part - part.mean()) ** 2).sum() for part in (scores[:k], scores[k:]))
        for k in range(1, len(x))
        if counts[k] > counts[k - 1] and scores[k:].mean() >= scores[:k].mean()
    )
    assert fits["step"].rss == pytest.approx(by_hand)

    def residuals(p: np.ndarray) -> np.ndarray:
        return p[0] + p[1] / (1 + np.exp(-(x - p[2]) / p[3])) - scores

    narrow = 0.5 / (2 * math.log(9))
    best = optimize.least_squares(residuals, [0, 0.3, 2.5, 0.3], bounds=([-2, 0, x[0], narrow], [2, 2, x[-1], 5]))
    exact = 2 * best.cost
    assert exact - 1e-9 <= fits["ramp"].rss
    assert len(x) * math.log(fits["ramp"].rss / exact) < 0.5  # what the grid costs in BIC


def test_batched_fits_equal_single_ones_with_weights() -> None:
    counts, _ = world("ramp", n=40)
    counts = np.sort(counts)
    rng = np.random.default_rng(0)
    design = Design(counts, rng.uniform(0.2, 3, 40))
    draws = rng.normal(size=(5, 40))
    batch = design.fit_many(draws, 1e-12)
    for row, scores in enumerate(draws):
        for shape, fit in design.fit(scores).items():
            assert batch.rss[shape][row] == pytest.approx(fit.rss)
            direct = design.weights @ (scores - design.at_rows(fit.levels)) ** 2
            assert direct == pytest.approx(fit.rss)


def test_step_likelihood_ratio_equals_brute_force() -> None:
    counts, scores = world("step", n=30)
    order = np.argsort(counts, kind="stable")
    counts, scores = counts[order], scores[order]
    design = Design(counts)
    rss = step_rss(design, scores[np.newaxis])[0]
    for column, start in enumerate(design.starts[1:]):
        low, high = scores[:start], scores[start:]
        split = ((low - low.mean()) ** 2).sum() + ((high - high.mean()) ** 2).sum()
        flat = ((scores - scores.mean()) ** 2).sum()
        assert rss[column] == pytest.approx(split if high.mean() > low.mean() else flat)


def test_hansens_critical_values() -> None:
    assert hansen_critical(0.95) == pytest.approx(7.35, abs=0.005)
    assert hansen_critical(0.90) == pytest.approx(5.94, abs=0.005)


def test_reml_of_equal_errors_is_the_closed_form() -> None:
    scores = np.random.default_rng(0).normal(0, 1, 50)
    estimate = reml(scores, np.ones((50, 1)), np.full(50, 0.09))
    assert estimate == pytest.approx(scores.var(ddof=1) - 0.09, rel=1e-3)


@given(seed=st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_order_of_rows_and_repetition_change_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    counts, scores = world("step", n=20, sd=0.1, seed=seed)
    counts = np.minimum(counts, 5000)
    shuffled = rng.permutation(20)
    first = find_threshold(counts, scores, draws=99).to_dict()
    second = find_threshold(counts[shuffled], scores[shuffled], draws=99).to_dict()
    for document in (first, second):
        document.pop("paper")  # keeps the order given among ties, as the reference
    assert json.dumps(first) == json.dumps(second)


def test_scale_and_shift_leave_the_verdict() -> None:
    counts, scores = world("step", sd=0.1)
    first, second = find_threshold(counts, scores, draws=199), find_threshold(counts, 7 + 100 * scores, draws=199)
    assert (first.verdict, first.threshold, first.interval) == (second.verdict, second.threshold, second.interval)


def test_constant_scores_are_none() -> None:
    result = find_threshold(range(20), [0.5] * 20, draws=99)
    assert result.verdict == "none"
    assert "all scores are equal" in result.warnings
    json.dumps(result.to_dict(), allow_nan=False)


def test_small_samples_are_warned_of() -> None:
    assert any("fewer than 30" in warning for warning in find_threshold(*world("step", n=29), draws=99).warnings)


@pytest.mark.parametrize(
    ("counts", "scores", "options", "message"),
    [
        (range(7), [0.0] * 7, {}, "7 concepts"),
        ([1, 2, 3, 4] * 3, [0.0] * 12, {}, "4 distinct counts"),
        ([-1, *range(9)], [0.0] * 10, {}, "negative"),
        (range(10), [math.inf] * 10, {}, "not finite"),
        (range(10), [0.0] * 9, {}, "do not match"),
        (range(10), [0.0] * 10, {"method": "best"}, "unknown method"),
        (range(10), [0.0] * 10, {"level": 95}, "level is 95"),
        (range(10), [0.0] * 10, {"penalty": -1.0}, "penalty is -1"),
        (range(10), [0.0] * 10, {"score_se": [0.0] * 10}, "score_se"),
    ],
)
def test_bad_input(counts: object, scores: object, options: dict, message: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(InputError, match=message):
        find_threshold(list(counts), scores, **options)  # type: ignore[call-overload]


def test_rows_with_a_reason_are_counted_and_empty_scores_without_are_errors() -> None:
    frame = pl.DataFrame({"concept": ["a", "b"], "count": ["1", "2"], "score": ["0.5", ""], "excluded": ["", "dead"]})
    table = threshold_table(frame)
    assert table.excluded == {"dead": 1}
    assert table.concepts == ("a",)
    with pytest.raises(InputError, match="row 3: column 'score'"):
        threshold_table(frame.with_columns(excluded=pl.lit("")))


def test_prediction_stays_inside_the_data() -> None:
    counts, scores = world("ramp")
    result = find_threshold(counts, scores, identified=list(scores > 0.15), null_score=scores * 0, draws=199)
    rising = [p.score for p in result.curve(np.unique(counts))]
    assert all(b >= a - 1e-6 for a, b in itertools.pairwise(rising))
    assert scores.min() <= rising[0] <= rising[-1] <= scores.max()
    assert result.predict(1e9).score is None
    assert "no statement" in result.predict(1e9).note
    assert result.onset is not None
    assert result.identification.n50 < result.identification.n90


def test_separation_is_finite_and_placed_between() -> None:
    counts = np.array([0, 1, 3, 5, 10, 20, 100, 200, 300, 1000, 2000, 5000], dtype=float)
    found = fit_identification(counts, (counts >= 100).astype(float), 0.95)
    assert found is not None
    assert 20 <= found.n50 <= 100
    assert found.ceiling == 1.0


def test_nobody_identified_has_no_n50() -> None:
    found = fit_identification(np.arange(40.0), np.zeros(40), 0.95)
    assert found is not None
    assert found.n50 is None
    assert found.half.interval is None
    assert "nowhere within the observed counts" in found.half.note


@pytest.mark.skipif(not ARTISTS.exists(), reason="the shared counts are not beside this checkout")
def test_the_papers_rule_names_a_threshold_on_a_smooth_rise_where_ours_does_not() -> None:
    counts = pl.read_csv(ARTISTS)["count_this_artist_artworks_in_laion_images"].to_numpy().astype(float)
    assert (len(counts), int((counts == 0).sum()), len(np.unique(counts))) == (418, 19, 332)
    scores = 0.1 * np.log10(1 + counts) + np.random.default_rng(0).normal(0, 0.1, len(counts))
    result = find_threshold(counts, scores, draws=199)
    assert result.paper.threshold is not None
    assert result.verdict == "gradual"
    assert result.threshold is None
