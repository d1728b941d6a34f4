"""Families of curves: every projection against curves written down one by one, with ties and weights."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mimetic2.threshold.families import NARROWEST
from mimetic2.threshold.shapes import SHAPES, Design, variance_floors


def design_of(seed: int, n: int, weighted: bool) -> tuple[Design, np.random.Generator]:
    rng = np.random.default_rng(seed)
    counts = np.sort(np.round(10 ** rng.uniform(0, rng.uniform(1, 6), n) - 1))
    return Design(counts, rng.uniform(0.2, 3, n) if weighted else None), rng


def written_down(design: Design, shape: str) -> np.ndarray:
    """The family's curves at the rows (curves, n), from their definition."""
    x = design.x[design.level_of]
    if shape == "linear":
        return x[np.newaxis]
    if shape == "step":
        return np.array([x >= level for level in design.x[1:]], dtype=float)
    if shape == "hinge":
        rising = len(design.kinks._from)
        kinks = design.kinks.kinks
        return np.array([np.maximum(x, k) if i < rising else np.minimum(x, k) for i, k in enumerate(kinks)])
    ramps = zip(design.ramps.midpoints, design.ramps.widths, strict=True)
    return np.array([1 / (1 + np.exp(-(x - m) * 2 * math.log(9) / width)) for m, width in ramps])


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape != "flat"])
@given(seed=st.integers(0, 10**6), n=st.integers(8, 150), weighted=st.booleans())
@settings(max_examples=12, deadline=None)
def test_projections_equal_weighted_regression_on_each_curve(shape: str, seed: int, n: int, weighted: bool) -> None:
    design, rng = design_of(seed, n, weighted)
    if len(design.x) < 3:
        return
    scores = rng.normal(size=(2, n))
    raw = written_down(design, shape)
    means = scores @ design.weights / design.weights.sum()
    centred = raw - (raw @ design.weights)[:, np.newaxis] / design.weights.sum()
    norms = np.sqrt((centred**2) @ design.weights)
    expected = ((scores - means[:, np.newaxis]) * design.weights) @ centred.T / norms
    family = design.families[shape]
    _, sums, total = design.centred_sums(scores)
    assert np.allclose(family.projections(sums), expected, rtol=0, atol=1e-6 * np.sqrt(total.max()))
    curves = design.at_rows(family.curves(np.arange(family.size)))
    assert np.allclose(curves, centred / norms[:, np.newaxis], rtol=0, atol=1e-6)


@given(seed=st.integers(0, 10**6), n=st.integers(8, 120), weighted=st.booleans())
@settings(max_examples=20, deadline=None)
def test_every_row_of_a_batch_is_the_single_fit(seed: int, n: int, weighted: bool) -> None:
    design, rng = design_of(seed, n, weighted)
    if len(design.x) < 3:
        return
    scores = rng.normal(size=(5, n)) + rng.uniform(0, 2) * design.x[design.level_of]
    batch = design.fit_many(scores, variance_floors(scores))
    for row in range(5):
        for shape, single in design.fit(scores[row]).items():
            assert batch.rss[shape][row] == pytest.approx(single.rss, rel=1e-7)
            assert batch.bic[shape][row] == pytest.approx(single.bic, abs=1e-5)
            residuals = scores[row] - design.at_rows(single.levels)
            assert design.weights @ residuals**2 == pytest.approx(single.rss, rel=1e-6)
            assert single.gain >= 0


def test_no_smooth_curve_rises_within_less_than_half_a_decade() -> None:
    design, _ = design_of(3, 100, False)
    x, kinks, rising = design.x, design.kinks.kinks, len(design.kinks._from)
    assert (0.8 * (x[-1] - kinks[:rising]) >= NARROWEST).all()
    assert (0.8 * (kinks[rising:] - x[0]) >= NARROWEST).all()
    assert design.ramps.widths.min() == NARROWEST
