"""Assumptions: each check against brute force or scipy, passing where it should and failing where it should."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from mimetic2.threshold import SideColumns, find_threshold
from mimetic2.threshold.checks.influence import leave_one_out
from mimetic2.threshold.checks.monotone import isotonic, monotone_test
from mimetic2.threshold.conclusion import Conclusion, conclude
from mimetic2.threshold.intervals import koenker_p
from mimetic2.threshold.shapes import SHAPES, Design


def study(n: int = 100, seed: int = 0, sd: float = 0.05) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    counts = np.sort(np.round(10 ** rng.uniform(0, 4.5, n) - 1))
    return counts, 0.3 * (counts >= 150) + rng.normal(0, sd, n)


def concluded(counts: np.ndarray, scores: np.ndarray, score_se: np.ndarray | None = None) -> Conclusion:
    return conclude(counts, scores, score_se, level=0.95, seed=0, draws=19)


def outcomes(counts: np.ndarray, scores: np.ndarray, **columns: object) -> dict[str, dict[str, object]]:
    result = find_threshold(counts, scores, beside=SideColumns(**columns), draws=99)  # type: ignore[arg-type]
    return {str(row["name"]): dict(row) for row in result.assumptions}


@given(st.lists(st.tuples(st.floats(-5, 5), st.floats(0.1, 5)), min_size=1, max_size=12))
def test_isotonic_is_scipys(pairs: list[tuple[float, float]]) -> None:
    means, weights = np.array(pairs).T
    expected = optimize.isotonic_regression(means, weights=weights).x
    np.testing.assert_allclose(isotonic(means, weights), expected, atol=1e-9)


def test_leaving_out_is_refitting_without_with_ties_and_weights() -> None:
    rng = np.random.default_rng(1)
    counts = np.sort(np.concatenate([np.zeros(4), np.round(10 ** rng.uniform(0, 4, 26))]))
    scores = 0.2 * (counts > 80) + rng.normal(0, 0.1, 30)
    found = concluded(counts, scores, rng.uniform(0.02, 0.2, 30))
    left_out = leave_one_out(found)
    parameters = {"flat": 1, "linear": 2, "step": 3, "hinge": 3, "ramp": 4}
    for row in (1, 2, 10, 20):
        keep = np.arange(30) != row
        without = Design(counts[keep], found.design.weights[keep]).fit(scores[keep])
        # The grids of hinges and ramps follow the observed counts: only without one of several ties are they the same.
        shapes = SHAPES if row in (1, 2) else ("flat", "linear", "step")
        for shape in shapes:
            rss = without[shape].rss * found.design.weights[keep].mean()
            expected = 29 * np.log(rss / 29) + parameters[shape] * np.log(29)
            assert left_out.bic[row, SHAPES.index(shape)] == pytest.approx(expected, abs=1e-6)


def test_one_concept_that_decides_is_found_and_named() -> None:
    counts, scores = study(40, seed=2)
    scores = 0 * scores + np.random.default_rng(0).normal(0, 0.01, 40)
    scores[-1] = 0.2
    names = [f"c{i}" for i in range(40)]
    result = outcomes(counts, scores, concepts=names)["no single concept decides"]
    assert result["outcome"] == "doubtful"
    assert "(c39)" in str(result["finding"])
    assert outcomes(*study(150))["no single concept decides"]["outcome"] == "pass"


def test_a_hump_is_doubtful_and_a_rise_is_not() -> None:
    counts, scores = study(150)
    x = np.log10(1 + counts)
    hump = 0.3 * np.exp(-((x - 2) ** 2)) + np.random.default_rng(0).normal(0, 0.05, 150)
    found = outcomes(counts, hump)["monotone"]
    assert found["outcome"] == "doubtful"
    assert float(found["p"]) <= 0.05  # type: ignore[arg-type]
    assert outcomes(counts, scores)["monotone"]["outcome"] == "pass"


def test_classes_never_part_equal_counts() -> None:
    counts = np.repeat([0.0, 3.0, 50.0, 1000.0, 9000.0], 8)
    found = concluded(counts, np.random.default_rng(0).normal(size=40))
    assert monotone_test(found, np.random.default_rng(0), 19) is not None


def test_koenker_is_an_auxiliary_regression() -> None:
    counts, _ = study(80)
    design = Design(counts)
    residuals = np.random.default_rng(1).normal(size=80) * (0.3 + design.x[design.level_of])
    x = design.x[design.level_of]
    r_squared = stats.pearsonr(x, residuals**2).statistic ** 2
    assert koenker_p(design, residuals) == pytest.approx(stats.chi2.sf(80 * r_squared, 1))
    assert outcomes(counts, residuals)["equal variance"]["outcome"] == "doubtful"
    assert koenker_p(design, np.ones(80)) is None


def test_counts_near_the_threshold_are_counted() -> None:
    counts, scores = study(150)
    found = outcomes(counts, scores)["counts near the threshold"]
    threshold = find_threshold(counts, scores, draws=99).threshold
    x = np.log10(1 + counts) - np.log10(1 + float(threshold or 0))
    below, above = int(((x < 0) & (x >= -0.5)).sum()), int(((x >= 0) & (x <= 0.5)).sum())
    assert f"{below} concepts below and {above} from it on" in str(found["finding"])
    near = np.flatnonzero(np.abs(x) <= 0.5)
    sparse = np.setdiff1d(np.arange(150), near[np.arange(len(near)) % 5 > 0])
    assert outcomes(counts[sparse], scores[sparse])["counts near the threshold"]["outcome"] == "doubtful"


def test_invariance_is_judged_by_size_against_the_standard_errors() -> None:
    counts, scores = study(150, sd=0.05)
    for error, outcome in ((0.05, "pass"), (0.01, "doubtful")):
        result = find_threshold(counts, scores, score_se=np.full(150, error), draws=99)
        found = {row["name"]: row for row in result.assumptions}["concepts alike"]
        assert found["outcome"] == outcome
        assert "root mean square" in found["finding"]
    assert outcomes(counts, scores)["concepts alike"]["outcome"] == "not testable"


def test_clusters_of_neighbours_are_doubted_and_unequal_scatter_is_not() -> None:
    counts, scores = study(150)
    assert outcomes(counts, scores)["concepts independent"]["outcome"] == "pass"
    shared = np.random.default_rng(3).normal(0, 0.1, 38)[np.argsort(np.argsort(counts)) // 4]
    found = outcomes(counts, scores + shared)["concepts independent"]
    assert found["outcome"] == "doubtful"
    assert "come in clusters" in str(found["finding"])
    x = np.log10(1 + counts)
    growing = 0.1 + 0.2 * np.random.default_rng(4).standard_normal(150) * (x / x.max()) ** 3
    assert outcomes(counts, growing)["concepts independent"]["outcome"] == "pass"


def test_few_concepts_cannot_show_clusters() -> None:
    assert outcomes(*study(19))["concepts independent"]["outcome"] == "not testable"


@pytest.mark.parametrize(
    ("name", "lacks"),
    [
        ("groups alike", "group"),
        ("no confounding", "covariate_"),
        ("images count equally", "weighted_count"),
        ("counts known", "intervals"),
    ],
)
def test_what_a_table_lacks_is_not_testable(name: str, lacks: str) -> None:
    found = outcomes(*study(60))[name]
    assert found["outcome"] == "not testable"
    assert lacks in str(found["finding"])


def test_images_that_weigh_unequally_may_change_the_answer() -> None:
    counts, scores = study(120)
    shuffled = np.random.default_rng(0).permutation(counts)
    assert outcomes(counts, scores, weighted_count=counts)["images count equally"]["outcome"] == "pass"
    assert outcomes(counts, scores, weighted_count=shuffled)["images count equally"]["outcome"] == "doubtful"


def test_constant_scores_have_assumptions_too() -> None:
    found = outcomes(np.arange(20.0), np.full(20, 0.5))
    assert found["no single concept decides"]["outcome"] == "not testable"
    assert found["monotone"]["outcome"] == "not testable"


@pytest.mark.slow
def test_size_of_the_monotone_test() -> None:
    rejected = {"flat": 0, "ramp": 0}
    for seed in range(300):
        rng = np.random.default_rng(seed)
        counts = np.sort(np.round(10 ** rng.uniform(0, 4.5, 80) - 1))
        x = np.log10(1 + counts)
        for name, mean in (("flat", 0 * x), ("ramp", 0.3 / (1 + np.exp(-(x - 2.2) / 0.3)))):
            found = concluded(counts, mean + rng.normal(0, 0.1, 80))
            tested = monotone_test(found, rng, 99)
            assert tested is not None
            rejected[name] += tested.p <= 0.05
    assert max(rejected.values()) <= 27  # 5 % of 300 is 15; P(more than 27) < .2 %
