"""Adaptive numbers of images: optimal where theory says what is optimal, blind to a concept's own score, on budget."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimetic2.errors import InputError
from mimetic2.planning.allocation import Spread, allocate, estimate_spread, useful_images


def spread(within, between=0.15, reference=0.0):
    within = np.asarray(within, float)
    return Spread(between, within, np.full(len(within), reference))


@given(
    seed=st.integers(0, 10_000),
    n=st.integers(2, 60),
    prompts=st.integers(1, 5),
    first=st.integers(1, 5),
    extra=st.integers(0, 40),
    budget=st.integers(1, 5_000) | st.none(),
)
def test_every_bound_holds_and_the_budget_is_spent(seed, n, prompts, first, extra, budget):
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 3000, n).astype(float)
    given_spread = spread(rng.uniform(0.01, 0.3, n), rng.uniform(0.01, 0.3))
    images = allocate(counts, given_spread, prompts=prompts, first=first, most=first + extra, budget=budget)
    free = allocate(counts, given_spread, prompts=prompts, first=first, most=first + extra)
    assert images.dtype == np.int64
    assert (images >= first).all()
    assert (images <= free).all()
    if budget is not None:
        floor = first * n * prompts
        assert images.sum() * prompts <= max(budget, floor)
        if free.sum() * prompts > budget >= floor:
            assert images.sum() == budget // prompts


def test_without_budget_each_concept_has_what_is_useful():
    given_spread = spread([0.05, 0.1, 0.2, 0.4], between=0.2)
    images = allocate(np.arange(4.0), given_spread, prompts=1, first=1, most=1000)
    assert images.tolist() == [2, 5, 20, 80]
    # by hand: beyond m, sigma^2 / m <= 5 % of tau^2
    assert useful_images(given_spread).tolist() == pytest.approx([1.25, 5, 20, 80])
    assert np.isinf(useful_images(spread([0.1], between=0.0))).all()
    assert (allocate(np.arange(4.0), spread([0.1] * 4, 0.0), prompts=5, first=2, most=200) == 200).all()
    assert (allocate(np.arange(4.0), spread([0.0] * 4, 0.0), prompts=5, first=2, most=200) == 2).all()


def test_a_budget_is_split_as_brute_force_would():
    counts = 10 ** np.array([0.0, 2.0, 4.0]) - 1  # so far apart that each has the density of one
    given_spread = spread([0.1, 0.2, 0.3], between=0.05)
    images = allocate(counts, given_spread, prompts=1, first=1, most=100, budget=24)

    def width(numbers):
        return (given_spread.noise(np.array(numbers)) ** 2).sum()

    options = [m for m in product(range(1, 23), repeat=3) if sum(m) == 24]
    assert width(images) == pytest.approx(min(width(m) for m in options))


def test_sparse_counts_get_more():
    counts = np.concatenate((np.geomspace(1, 30, 40), [1000.0, 3000.0]))
    images = allocate(counts, spread([0.2] * 42, 0.05), prompts=1, first=2, most=100, budget=400)
    assert images[-2:].min() > 2 * images[:40].max()


def test_components_are_recovered():
    rng = np.random.default_rng(1)
    n, m = 400, 10
    counts = np.round(10 ** rng.uniform(0, 3.3, n))
    x = np.log10(1 + counts)
    sigma = np.where(x < 1.5, 0.2, 0.05)
    between = 0.12
    pictures = (0.2 * x + rng.normal(0, between, n))[:, None] + rng.normal(0, 1, (n, m)) * sigma[:, None]
    found = estimate_spread(
        counts,
        pictures.mean(1),
        np.full(n, m),
        pictures.var(1, ddof=1),
        np.full(n, m - 1),
        np.zeros(n),
    )
    assert found.between == pytest.approx(between, rel=0.1)
    assert found.within[x < 0.9] == pytest.approx(0.2, rel=0.1)
    assert found.within[x > 2.3] == pytest.approx(0.05, rel=0.15)
    assert found.noise(m)[x > 2.3] == pytest.approx(np.hypot(between, 0.05 / np.sqrt(m)), rel=0.1)


def test_a_concept_s_own_luck_changes_nothing():
    """Moving one concept's score without changing variances moves no image to or from it."""
    rng = np.random.default_rng(2)
    n = 200
    counts = np.round(10 ** rng.uniform(0, 3, n))
    scores = 0.2 * np.log10(1 + counts) + rng.normal(0, 0.1, n)
    fixed = (np.full(n, 10), np.full(n, 0.02), np.full(n, 9), np.zeros(n))
    before = estimate_spread(counts, scores, *fixed)
    scores[7] += 0.05
    after = estimate_spread(counts, scores, *fixed)
    assert after.within.tolist() == before.within.tolist()
    assert after.between == pytest.approx(before.between, rel=0.02)


def test_too_little_to_learn_from():
    n = 20
    counts = np.arange(n, dtype=float)
    rest = (np.full(n, 1), np.full(n, np.nan), np.zeros(n, int), np.zeros(n))
    with pytest.raises(InputError, match="two images of a prompt"):
        estimate_spread(counts, counts, *rest)
    with pytest.raises(InputError, match="8 concepts and 5 distinct counts"):
        estimate_spread(np.repeat([1.0, 2.0], 10), counts, *rest)
    with pytest.raises(InputError, match="7 concepts"):
        estimate_spread(counts[:7], counts[:7], *(value[:7] for value in rest))
