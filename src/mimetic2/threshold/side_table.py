"""The optional columns of a table of scores, read and checked; see :class:`SideColumns`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mimetic2.countstable import COVARIATE
from mimetic2.errors import InputError
from mimetic2.tables import booleans, numbers
from mimetic2.threshold.identification import rank1_among
from mimetic2.threshold.observations import SideColumns
from mimetic2.threshold.segmentation import Floats


def side_columns(
    frame: pl.DataFrame, concepts: Sequence[str], keep: Sequence[int], file: str | Path | None
) -> SideColumns:
    """The optional columns of ``frame`` for the rows ``keep``; ``concepts`` are the names of all rows.

    Raises :class:`InputError` naming file, row and column of a bad cell; counts and covariates must be given for every
    concept or for none.
    """
    reader = _Reader(frame, keep, file)
    covariates = {name: reader.complete(name, None) for name in frame.columns if name.startswith(COVARIATE)}
    return SideColumns(
        concepts=[concepts[row] for row in keep],
        count_low=reader.numbers("count_low", 0.0),
        count_high=reader.numbers("count_high", 0.0),
        distinct=reader.distinct(),
        weighted_count=reader.complete("weighted_count", 0.0),
        group=reader.texts("group"),
        control=reader.flags("control"),
        not_separated=reader.flags("not_separated"),
        rank1_among_20=reader.among_twenty(),
        control_score=reader.numbers("control_score", None),
        fits_best=_fits_best(frame, concepts),
        covariates={name.removeprefix(COVARIATE): column for name, column in covariates.items() if column is not None},
    )


def _fits_best(frame: pl.DataFrame, concepts: Sequence[str]) -> dict[str, str]:
    """Of every row that names one, the concept whose references its images fit best."""
    if "fits_best" not in frame.columns:
        return {}
    cells = [str(cell or "").strip() for cell in frame["fits_best"].to_list()]
    return {name: cell for name, cell in zip(concepts, cells, strict=True) if cell}


class _Reader:
    """Columns of a table at the rows that are kept."""

    def __init__(self, frame: pl.DataFrame, keep: Sequence[int], file: str | Path | None) -> None:
        self.frame, self.keep, self.file = frame, keep, file

    def numbers(self, column: str, minimum: float | None, *, whole: bool = False) -> Floats | None:
        """Numbers with NaN for empty cells; None if absent or empty throughout."""
        if column not in self.frame.columns:
            return None
        every = numbers(self.frame, column, file=self.file, minimum=minimum, whole=whole, missing=True)
        values = [every[row] for row in self.keep]
        if all(value is None for value in values):
            return None
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)

    def complete(self, column: str, minimum: float | None) -> Floats | None:
        """Numbers, given in every row that is kept or in none."""
        values = self.numbers(column, minimum)
        if values is None:
            return None
        for row, value in zip(self.keep, values, strict=True):
            if np.isnan(value):
                problem = "is empty though other rows have it"
                raise InputError(problem, file=self.file, row=row + 2, column=column, accepted="numbers in every row")
        return values

    def flags(self, column: str) -> NDArray[np.bool_] | None:
        """Booleans, empty cells false; None if absent."""
        if column not in self.frame.columns:
            return None
        every = booleans(self.frame, column, file=self.file)
        return np.array([bool(every[row]) for row in self.keep])

    def texts(self, column: str) -> NDArray[np.str_] | None:
        """Texts, empty cells ''; None if absent or empty throughout."""
        if column not in self.frame.columns:
            return None
        cells = [str(cell or "").strip() for cell in self.frame[column].to_list()]
        values = np.array([cells[row] for row in self.keep], dtype=np.str_)
        return values if len(values) and (values != "").any() else None

    def among_twenty(self) -> Floats | None:
        """Chance of rank 1 among 20, from how many of how many rivals fit better."""
        better, rivals = self.numbers("rivals_better", 0.0, whole=True), self.numbers("rivals", 0.0, whole=True)
        if better is None or rivals is None:
            return None
        shares = np.full(len(self.keep), np.nan)
        for place, (row, a, b) in enumerate(zip(self.keep, better, rivals, strict=True)):
            if np.isnan(a + b):
                continue
            if a > b:
                problem = f"is greater than rivals ({a:g} > {b:g})"
                raise InputError(problem, file=self.file, row=row + 2, column="rivals_better", accepted="0 to rivals")
            share = rank1_among(int(a), int(b))
            shares[place] = np.nan if share is None else share
        return shares

    def distinct(self) -> Floats | None:
        """Distinct pictures, only where every mention of every concept was alive and looked at (else a lower bound)."""
        if not {"distinct", "mentions", "alive"} <= set(self.frame.columns):
            return None
        mentions, alive = self.numbers("mentions", 0.0), self.numbers("alive", 0.0)
        if mentions is None or alive is None or not np.array_equal(mentions, alive):
            return None
        return self.complete("distinct", 0.0)
