"""Krippendorff's alpha against the published worked example and brute force; pairs and tables."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimetic2.errors import InputError
from mimetic2.ratings import design_pairs, krippendorff_alpha, rating_matrix

# The worked example of Krippendorff (2011), "Computing Krippendorff's alpha-reliability", four observers, twelve units.
NA = np.nan
EXAMPLE = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, NA, NA, NA],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NA, 3],
    [NA, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NA],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NA],
]


@pytest.mark.parametrize(("level", "value"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_published_example(level: str, value: float) -> None:
    assert krippendorff_alpha(EXAMPLE, level) == pytest.approx(value, abs=5e-4)  # type: ignore[arg-type]


def brute_force_interval(matrix: np.ndarray) -> float | None:
    """Mean squared difference within units over the mean squared difference of all pairable ratings."""
    units = [column[np.isfinite(column)] for column in matrix.T]
    units = [unit for unit in units if len(unit) > 1]
    pooled = [value for unit in units for value in unit]
    if len(pooled) < 2 or len(set(pooled)) == 1:
        return None
    within = sum(
        sum((a - b) ** 2 for a, b in itertools.permutations(unit, 2)) / (len(unit) - 1) for unit in units
    ) / len(pooled)
    total = sum((a - b) ** 2 for a, b in itertools.permutations(pooled, 2)) / (len(pooled) * (len(pooled) - 1))
    return 1 - within / total


cells = st.one_of(st.just(np.nan), st.integers(1, 5).map(float))


@given(st.integers(2, 4).flatmap(lambda k: st.lists(st.lists(cells, min_size=6, max_size=6), min_size=k, max_size=k)))
def test_equals_brute_force(rows: list[list[float]]) -> None:
    expected = brute_force_interval(np.array(rows))
    alpha = krippendorff_alpha(rows, "interval")
    assert alpha == (None if expected is None else pytest.approx(expected, abs=1e-9))


def test_table_of_ratings(tmp_path: Path) -> None:
    table = tmp_path / "ratings.csv"
    table.write_text("pair,rater,rating\np1,a,1\np1,b,2\np2,a,4\n")
    matrix = rating_matrix(table)
    assert matrix.shape == (2, 2)
    assert np.isnan(matrix[1, 1])
    table.write_text("pair,rater,rating\np1,a,1\np1,a,2\n")
    with pytest.raises(InputError, match="row 3: rater 'a' rated pair 'p1' in row 2 already"):
        rating_matrix(table)


def test_pairs_do_not_depend_on_row_order() -> None:
    images = pl.DataFrame({"concept": list("aabbcc"), "path": [f"{c}/{i}.png" for i, c in enumerate("aabbcc")]})
    pairs = design_pairs(images, images, per_concept=3, foils=2, seed=1)
    assert design_pairs(images.reverse(), images.reverse(), per_concept=3, foils=2, seed=1).equals(pairs)
    assert len(pairs) == 15
    assert pairs["foil"].sum() == 6
    assert (pairs["foil"] == (pairs["concept"] != pairs["reference_concept"])).all()


def test_one_concept_is_refused() -> None:
    images = pl.DataFrame({"concept": ["a"], "path": ["a/0.png"]})
    with pytest.raises(InputError, match="at least 2"):
        design_pairs(images, images)
