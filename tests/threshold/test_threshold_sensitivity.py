"""Sensitivity rows: each alteration against another definition, each row where its column is there and where not."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mimetic2.threshold import SideColumns, find_threshold
from mimetic2.threshold.checks.altered import normal_scores, pulled_in
from mimetic2.threshold.checks.covariates import adjusted, chi_square_tail, pair_differences
from mimetic2.threshold.checks.two_steps import _Pairs, fit_two_steps
from mimetic2.threshold.conclusion import conclude
from mimetic2.threshold.shapes import Design


def study(n: int = 120, sd: float = 0.05, seed: int = 0, second: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    counts = np.sort(np.round(10 ** rng.uniform(0, 4.5, n) - 1))
    return counts, 0.3 * (counts >= 150) + second * (counts >= 3000) + rng.normal(0, sd, n)


def rows_of(counts: np.ndarray, scores: np.ndarray, **columns: object) -> dict[str, dict[str, object]]:
    options = {"score_se": columns.pop("score_se")} if "score_se" in columns else {}
    result = find_threshold(counts, scores, beside=SideColumns(**columns), draws=99, **options)  # type: ignore[arg-type]
    return {str(row["name"]): dict(row) for row in result.sensitivity}


@given(st.integers(0, 10_000), st.integers(4, 14))
@settings(max_examples=40, deadline=None)
def test_two_steps_are_the_best_by_brute_force(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    counts = np.sort(rng.integers(0, 12, n)).astype(float)
    if len(np.unique(counts)) < 3:
        return
    weights, scores = rng.uniform(0.3, 2, n), rng.normal(size=n) + 0.5 * (counts > 5)
    design = Design(counts, weights)
    found = float(_Pairs(design).fit(scores[np.newaxis])[0][0])
    assert found == pytest.approx(_brute_force(design, scores), abs=1e-9)


def _brute_force(design: Design, scores: np.ndarray) -> float:
    """Least weighted squares over one, two or three rising levels."""

    def rss(bounds: tuple[int, ...]) -> float:
        total, last = 0.0, -np.inf
        for low, high in itertools.pairwise((0, *bounds, len(scores))):
            part, weight = scores[low:high], design.weights[low:high]
            mean = float(np.average(part, weights=weight))
            if mean < last:
                return np.inf
            total, last = total + float(weight @ (part - mean) ** 2), mean
        return total

    starts = [int(start) for start in design.starts[1:]]
    choices = [(), *((a,) for a in starts), *itertools.combinations(starts, 2)]
    return min(rss(choice) for choice in choices)


def test_a_second_rise_is_established_where_there_is_one_and_not_on_one_step() -> None:
    for second, holds in ((0.25, True), (0.0, False)):
        counts, scores = study(200, second=second, seed=3)
        found = conclude(counts, scores, None, level=0.95, seed=0, draws=99)
        two = fit_two_steps(found.design, scores, found.fits, np.random.default_rng(0), 99)
        assert two is not None
        assert two.holds is holds
    counts, scores = study(200, second=0.25, seed=3)
    row = rows_of(counts, scores)["two steps"]
    assert row["verdict"] == "step"
    assert row["outcome"] == "changed"
    assert "two rises are established" in str(row["note"])


def test_normal_scores_are_those_of_scipy_and_forget_the_scale() -> None:
    scores = np.random.default_rng(1).normal(size=50).round(1)
    expected = stats.norm.ppf(stats.rankdata(scores) / 51)
    np.testing.assert_allclose(normal_scores(scores), expected)
    np.testing.assert_allclose(normal_scores(np.exp(scores)), expected)


def test_outliers_are_pulled_in_and_equal_counts_stay_exchangeable() -> None:
    counts, scores = study(seed=5)
    wild = scores.copy()
    wild[[10, 60]] += (4, -4)
    drawn = pulled_in(counts, wild)
    assert np.abs(drawn - scores).max() < 0.5
    assert np.ptp(drawn) < 1
    tied = np.repeat([0.0, 5.0, 60.0], 12)
    values = np.random.default_rng(2).normal(size=36)
    order = np.concatenate([np.random.default_rng(k).permutation(12) + 12 * k for k in range(3)])
    np.testing.assert_allclose(pulled_in(tied, values)[order], pulled_in(tied, values[order]))
    np.testing.assert_array_equal(pulled_in(tied, np.ones(36)), np.ones(36))


def test_outliers_that_hide_a_step_hide_it_no_longer() -> None:
    counts, scores = study(120, seed=1)
    scores[np.random.default_rng(0).choice(120, 12, replace=False)] += 2.5
    rows = rows_of(counts, scores)
    assert rows["outliers pulled in"]["verdict"] == "step"
    low, high = rows["outliers pulled in"]["interval"]  # type: ignore[misc]
    assert 100 < low <= high < 200


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("equal weights", "no score_se"),
        ("without concepts that the embedder does not separate", "'not_separated'"),
        ("without controls", "'control'"),
        ("adjusted for covariates", "'covariate_'"),
        ("distinct images", "every mention looked at"),
        ("weighted images", "'weighted_count'"),
        ("counts drawn from their intervals", "count_low and count_high"),
    ],
)
def test_a_row_that_the_table_does_not_allow_says_what_it_lacks(name: str, reason: str) -> None:
    row = rows_of(*study(60))[name]
    assert row["outcome"] == "not testable"
    assert reason in str(row["note"])
    assert row["verdict"] is None


def test_every_row_is_drawn_where_its_column_is_there() -> None:
    counts, scores = study(120)
    flags = np.arange(120) % 30 == 0
    rows = rows_of(
        counts, scores, score_se=np.full(120, 0.02), control=flags, not_separated=~flags & (np.arange(120) % 7 == 0),
        distinct=np.floor(counts / 2), weighted_count=counts * 3,
        covariates={"age": np.random.default_rng(0).normal(size=120)}, count_low=counts * 0.9, count_high=counts * 1.1,
    )  # fmt: skip
    assert {row["verdict"] for row in rows.values()} == {"step"}
    assert {row["outcome"] for row in rows.values()} == {"same"}
    assert rows["without controls"]["note"] == "4 left out"
    assert rows["weighted images"]["threshold"] == pytest.approx(3 * int(rows["equal weights"]["threshold"]))  # type: ignore[call-overload]


def test_too_few_concepts_left_are_not_testable() -> None:
    counts, scores = study(12)
    row = rows_of(counts, scores, control=np.arange(12) < 6)["without controls"]
    assert row["outcome"] == "not testable"
    assert "would be left" in str(row["note"])


def test_covariates_are_taken_out_as_least_squares_does() -> None:
    rng = np.random.default_rng(4)
    counts = np.sort(np.round(10 ** rng.uniform(0, 4, 150)))
    x, age = np.log10(1 + counts), rng.normal(size=150)
    scores = 0.05 * x + 0.08 * age + rng.normal(0, 0.02, 150)
    found = conclude(counts, scores, None, level=0.95, seed=0, draws=19)
    altered, effects = adjusted(found, age[:, np.newaxis])
    standard = (age - age.mean()) / age.std()
    expected = np.linalg.lstsq(np.column_stack([np.ones(150), x, standard]), scores, rcond=None)[0][2]
    assert effects[0] == pytest.approx(expected, abs=0.002)
    np.testing.assert_allclose(altered, scores - effects[0] * standard)


def test_a_confounder_that_makes_the_rise_changes_the_verdict() -> None:
    rng = np.random.default_rng(6)
    counts = np.sort(np.round(10 ** rng.uniform(0, 4, 150)))
    quality = np.log10(1 + counts) + rng.normal(0, 0.3, 150)
    scores = 0.1 * quality + rng.normal(0, 0.01, 150)
    result = find_threshold(counts, scores, beside=SideColumns(covariates={"quality": quality}), draws=99)
    rows = {row["name"]: row for row in result.sensitivity}
    assert result.verdict == "gradual"
    assert rows["adjusted for covariates"]["outcome"] == "changed"
    assumed = {row["name"]: row for row in result.assumptions}["no confounding"]
    assert assumed["outcome"] == "doubtful"
    assert "quality goes with the count" in assumed["finding"]


def test_pairs_of_equal_count_differ_by_size_not_by_sign() -> None:
    counts = np.array([0, 0, 0, 0, 100, 105, 5000, 5400, 90_000], dtype=float)
    scores = np.array([0.1, 0.3, 0.1, 0.3, 0.5, 0.4, 0.2, 0.6, 0.9])
    pairs = pair_differences(counts, scores, np.full(9, 0.1), np.arange(9.0))
    assert pairs is not None
    differences = np.array([-0.2, -0.2, 0.1, -0.4])
    assert pairs.n == 4
    assert pairs.signed == pytest.approx(differences.mean())
    assert pairs.absolute == pytest.approx(np.abs(differences).mean())
    assert pairs.rms == pytest.approx(np.sqrt((differences**2).mean()))
    assert pairs.p == pytest.approx(stats.chi2.sf((differences**2).sum() / 0.02, 4))
    assert pair_differences(np.array([1.0, 100, 10_000]), np.zeros(3), None, np.arange(3.0)) is None


@given(st.floats(0, 200), st.integers(1, 100))
def test_chi_square_tail_is_scipys(value: float, freedom: int) -> None:
    assert chi_square_tail(value, freedom) == pytest.approx(stats.chi2.sf(value, freedom), abs=1e-9)


@pytest.mark.slow
def test_two_steps_are_rarely_seen_on_one_step_or_on_a_smooth_rise() -> None:
    seen = {"step": 0, "ramp": 0}
    for seed in range(200):
        rng = np.random.default_rng(seed)
        counts = np.sort(np.round(10 ** rng.uniform(0, 4.5, 120) - 1))
        x = np.log10(1 + counts)
        for name, mean in (("step", 0.3 * (counts >= 150)), ("ramp", 0.3 / (1 + np.exp(-(x - 2.2) / 0.3)))):
            scores = mean + rng.normal(0, 0.1, 120)
            design = Design(counts)
            two = fit_two_steps(design, scores, design.fit(scores), rng, 99)
            seen[name] += bool(two and two.holds)
    assert max(seen.values()) <= 18  # 5 % of 200 is 10; P(more than 18) < 1 %
