"""Exact intervals against scipy, their definition, and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import gammaln

from mimetic2.counting.exact import (
    binomial_interval,
    binomial_upper,
    hypergeometric_cdf,
    hypergeometric_interval,
    log_factorial,
)


def test_log_factorials_agree_with_scipy() -> None:
    n = np.array([0, 1, 2, 10, 1022, 1023, 1024, 1025, 10**5, 2 * 10**9])
    np.testing.assert_allclose(log_factorial(n), gammaln(n + 1), rtol=1e-13, atol=1e-12)


@st.composite
def samples(draw: st.DrawFn, most: int = 3000) -> tuple[int, int, int]:
    population = draw(st.integers(1, most))
    draws = draw(st.integers(1, min(population, 150)))
    return draw(st.integers(0, draws)), draws, population


@given(samples(), st.data())
def test_cdf_agrees_with_scipy(sample: tuple[int, int, int], data: st.DataObject) -> None:
    x, draws, population = sample
    successes = data.draw(st.integers(0, population))
    expected = stats.hypergeom.cdf(x, population, successes, draws)
    assert hypergeometric_cdf(x, population, successes, draws) == pytest.approx(expected, abs=1e-10)


@given(samples(most=120), st.sampled_from([0.8, 0.95, 0.99]))
@settings(max_examples=60)
def test_interval_is_the_set_of_accepted_values(sample: tuple[int, int, int], level: float) -> None:
    found, draws, population = sample
    tail = (1 - level) / 2
    accepted = [
        m
        for m in range(found, population - (draws - found) + 1)
        if stats.hypergeom.cdf(found, population, m, draws) > tail + 1e-9
        and stats.hypergeom.sf(found - 1, population, m, draws) > tail + 1e-9
    ]
    low, high = hypergeometric_interval(found, draws, population, level)
    assert (low, high) == (accepted[0], accepted[-1])


@given(samples())
def test_interval_holds_the_estimate_and_what_is_known(sample: tuple[int, int, int]) -> None:
    found, draws, population = sample
    low, high = hypergeometric_interval(found, draws, population)
    assert found <= low <= population * found / draws <= high <= population - (draws - found)


@given(st.integers(0, 50), st.integers(0, 50))
def test_everything_drawn_is_a_point(found: int, missed: int) -> None:
    assert hypergeometric_interval(found, found + missed, found + missed) == (found, found)


@pytest.mark.parametrize("population", [60, 2000])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_coverage_is_at_least_the_level(population: int, share: float) -> None:
    draws, true = 40, round(population * share)
    x = np.arange(draws + 1)
    probability = stats.hypergeom.pmf(x, population, true, draws)
    intervals = [
        hypergeometric_interval(int(k), draws, population) if p > 0 else (1, 0)
        for k, p in zip(x, probability, strict=True)
    ]
    covered = sum(p for (low, high), p in zip(intervals, probability, strict=True) if low <= true <= high)
    assert covered >= 0.95 - 1e-9


@given(st.integers(1, 5000), st.data())
@settings(max_examples=50)
def test_binomial_interval_agrees_with_scipy(draws: int, data: st.DataObject) -> None:
    found = data.draw(st.integers(0, draws))
    expected = stats.binomtest(found, draws).proportion_ci(0.95, "exact")
    np.testing.assert_allclose(binomial_interval(found, draws), (expected.low, expected.high), atol=1e-9)


def test_no_hit_in_many_still_allows_some() -> None:
    assert binomial_upper(0, 100_000, 0.05) == pytest.approx(1 - 0.05 ** (1 / 100_000))


def test_impossible_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="impossible"):
        hypergeometric_interval(3, 2, 10)
