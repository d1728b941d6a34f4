"""Calibration: ROC against brute force, the split, and error rates that hold on concepts that did not choose."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimetic2.counting.calibration import area, calibrate, roc_curve
from mimetic2.errors import InputError

values = st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=2, max_size=30).filter(
    lambda pairs: len({same for _, same in pairs}) == 2
)


@given(values)
def test_roc_and_area_agree_with_their_definitions(pairs: list[tuple[int, bool]]) -> None:
    x, same = np.array([float(v) for v, _ in pairs]), np.array([s for _, s in pairs])
    for cutoff, sensitivity, specificity in roc_curve(x, same).iter_rows():
        assert sensitivity == pytest.approx((x[same] > cutoff).mean())
        assert specificity == pytest.approx((x[~same] <= cutoff).mean())
    differences = x[same][:, None] - x[~same][None]
    assert area(x, same) == pytest.approx(((differences > 0) + 0.5 * (differences == 0)).mean())


def pairs(concepts: int, images: int = 30, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    rows = []
    for concept in range(concepts):
        shift = rng.normal() * 0.3
        rows += [(f"c{concept}", f"c{concept}", float(v)) for v in rng.normal(2 + shift, 1, images)]
        rows += [(f"c{concept}", f"s{concept}-{i}", float(v)) for i, v in enumerate(rng.normal(0, 1, images))]
        rows.append((f"c{concept}", f"c{(concept + 1) % concepts}", 9.0))
    return pl.DataFrame(rows, schema=["concept", "shown", "similarity"], orient="row")


def test_the_halves_are_disjoint_and_pairs_across_are_not_used() -> None:
    table = pairs(20)
    result = calibrate(table)
    assert not set(result.choosing) & set(result.measuring)
    assert result.rates.positives == 300
    inside = table.filter(
        pl.col("concept").is_in(list(result.measuring)) & ~pl.col("shown").is_in(list(result.choosing))
    )
    assert result.rates.negatives == inside.height - 300


def test_the_measuring_half_does_not_move_the_cut_off() -> None:
    table = pairs(20)
    result = calibrate(table)
    changed = table.with_columns(
        pl.when(pl.col("concept").is_in(list(result.measuring))).then(0.0).otherwise("similarity").alias("similarity")
    )
    assert calibrate(changed).cutoff == result.cutoff


def test_the_best_cut_off_of_two_normals_is_found_and_its_errors_lie_in_their_intervals() -> None:
    clean = pairs(200).filter(pl.col("similarity") != 9.0)
    result = calibrate(clean)
    assert result.cutoff == pytest.approx(1.0, abs=0.25)
    for (low, high), true in ((result.sensitivity_interval, 0.83), (result.specificity_interval, 0.84)):
        assert low - 0.04 < true < high + 0.04
        assert low < high


def test_the_order_of_pairs_does_not_matter() -> None:
    table = pairs(8)
    assert calibrate(table.sample(fraction=1, shuffle=True, seed=1)).rates == calibrate(table).rates


@pytest.mark.parametrize(
    ("problem", "table"),
    [
        ("is missing", pl.DataFrame({"concept": ["a"]})),
        ("too few", pairs(3)),
        ("not finite", pairs(4).with_columns(similarity=pl.lit(float("nan")))),
        ("lacks pairs", pairs(6).filter(pl.col("concept") == pl.col("shown"))),
    ],
)
def test_unusable_pairs_are_refused(problem: str, table: pl.DataFrame) -> None:
    with pytest.raises(InputError, match=problem):
        calibrate(table)
