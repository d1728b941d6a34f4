"""Agreement of raters: Krippendorff's alpha, which allows missing ratings and any number of raters.

Source: K. Krippendorff, *Content Analysis* (4th ed., 2018), chapter 12; alpha = 1 − observed / expected disagreement,
both from the coincidence matrix of the values that raters gave to the same unit.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from mimetic2.errors import InputError
from mimetic2.tables import numbers, read_table

Level = Literal["nominal", "ordinal", "interval"]
LEVELS: tuple[Level, ...] = ("nominal", "ordinal", "interval")


def krippendorff_alpha(ratings: ArrayLike, level: Level = "ordinal") -> float | None:
    """Krippendorff's alpha of a matrix (raters, units) of ratings, NaN where a rater gave none.

    1 is perfect agreement, 0 what chance gives. None when nothing can be said: no unit was rated twice, or all
    ratings that count are equal. Raises :class:`InputError` for an unknown level or a matrix of other shape.
    """
    matrix = np.asarray(ratings, dtype=float)
    if matrix.ndim != 2:
        raise InputError(f"ratings have {matrix.ndim} dimensions", accepted="a matrix (raters, units)")
    if level not in LEVELS:
        raise InputError(f"unknown level '{level}'", accepted=", ".join(LEVELS))
    values = np.unique(matrix[np.isfinite(matrix)])
    coincidences = _coincidences(matrix, values)
    totals = coincidences.sum(axis=0)
    n = totals.sum()
    distance = _squared_distances(values, totals, level)
    expected = float(totals @ distance @ totals) / (n - 1) if n > 1 else 0.0
    if expected == 0.0:
        return None
    return 1.0 - float((coincidences * distance).sum()) / expected


def _coincidences(matrix: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """How often two raters gave values (v, w) to one unit, each unit weighted by 1 / (its ratings − 1)."""
    counts = (matrix[:, :, None] == values[None, None, :]).sum(axis=0).astype(float)
    per_unit = counts.sum(axis=1)
    paired = counts[per_unit >= 2]
    weights = 1.0 / (per_unit[per_unit >= 2] - 1.0)
    pairs: NDArray[np.float64] = (paired * weights[:, None]).T @ paired
    return pairs - np.diag((paired * weights[:, None]).sum(axis=0))


def _squared_distances(values: NDArray[np.float64], totals: NDArray[np.float64], level: Level) -> NDArray[np.float64]:
    if level == "nominal":
        return 1.0 - np.eye(len(values))
    if level == "interval":
        return np.subtract.outer(values, values) ** 2
    # Ordinal: all ratings between the two values, the two themselves counting half.
    cumulative = np.cumsum(totals) - totals / 2
    return np.subtract.outer(cumulative, cumulative) ** 2


def rating_matrix(path: str | Path) -> NDArray[np.float64]:
    """Read ratings from a table with the columns pair, rater, rating; the matrix is (raters, pairs), NaN where absent.

    Raises :class:`InputError` for a second rating of one pair by one rater, naming its row.
    """
    frame = read_table(path, ["pair", "rater", "rating"])
    ratings = numbers(frame, "rating", file=path, missing=True)
    frame = frame.with_columns(pl.col("pair").cast(pl.String), pl.col("rater").cast(pl.String))
    pairs = {name: index for index, name in enumerate(sorted(set(frame["pair"])))}
    raters = {name: index for index, name in enumerate(sorted(set(frame["rater"])))}
    matrix = np.full((len(raters), len(pairs)), np.nan)
    seen: dict[tuple[str, str], int] = {}
    for row, (pair, rater, rating) in enumerate(zip(frame["pair"], frame["rater"], ratings, strict=True), 2):
        if (pair, rater) in seen:
            problem = f"rater '{rater}' rated pair '{pair}' in row {seen[pair, rater]} already"
            raise InputError(problem, file=path, row=row)
        seen[pair, rater] = row
        matrix[raters[rater], pairs[pair]] = np.nan if rating is None else rating
    return matrix
