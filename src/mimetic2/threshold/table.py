"""The table that the threshold is found in: its columns read and checked, rows with a reason set aside and counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from mimetic2.countstable import check_counts
from mimetic2.errors import InputError
from mimetic2.tables import booleans, names, numbers, read_table
from mimetic2.threshold.observations import SideColumns
from mimetic2.threshold.segmentation import Floats
from mimetic2.threshold.side_table import side_columns


@dataclass(frozen=True)
class ThresholdTable:
    """Concepts with a count and a score, in the table's order; ``excluded`` counts the others by reason.

    Arrays have shape (n,); optional columns are None when the table lacks them or leaves them empty. In
    ``identified`` a concept that was not ranked is None.
    """

    concepts: tuple[str, ...]
    counts: Floats
    scores: Floats
    score_se: Floats | None = None
    null_score: Floats | None = None
    identified: tuple[bool | None, ...] | None = None
    excluded: dict[str, int] = field(default_factory=dict)
    beside: SideColumns = field(default_factory=SideColumns)


def read_threshold_table(path: str | Path) -> ThresholdTable:
    """Read concept, count, score and, where present, score_se, null_score, identified, excluded (scores.csv as it is),
    and the columns of :class:`SideColumns`.

    Raises :class:`InputError` naming file, row and column of whatever is wrong.
    """
    return threshold_table(read_table(path, ("concept", "count", "score")), file=path)


def threshold_table(frame: pl.DataFrame, *, file: str | Path | None = None) -> ThresholdTable:
    """:func:`read_threshold_table` of a table in memory."""
    concepts = names(frame, file=file)
    counts = check_counts(frame, file=file, paper=True)  # the paper's rule counts 0 where nothing could be looked at
    scores = numbers(frame, "score", file=file, missing=True)
    reasons = _reasons(frame)
    if concepts and all(count is None for count in counts):
        accepted = "a count for each concept (`mimetic2 score --counts FILE` puts them there)"
        raise InputError("is empty in every row", file=file, column="count", accepted=accepted)
    keep = []
    for row, reason in enumerate(reasons):
        if reason:
            continue
        for column, values in (("count", counts), ("score", scores)):
            if values[row] is None:
                problem = f"is empty and column 'excluded' gives no reason ({concepts[row]})"
                raise InputError(problem, file=file, row=row + 2, column=column, accepted="a number")
        keep.append(row)
    ranked = booleans(frame, "identified", file=file) if "identified" in frame.columns else None
    identified = tuple(ranked[row] for row in keep) if ranked is not None else None
    return ThresholdTable(
        concepts=tuple(concepts[row] for row in keep),
        counts=np.array([counts[row] for row in keep], dtype=np.float64),
        scores=np.array([scores[row] for row in keep], dtype=np.float64),
        score_se=_optional(frame, "score_se", keep, file, complete=True),
        null_score=_optional(frame, "null_score", keep, file, complete=False),
        identified=identified if identified and any(value is not None for value in identified) else None,
        excluded=dict(sorted(Counter(reason for reason in reasons if reason).items())),
        beside=side_columns(frame, concepts, keep, file),
    )


def _reasons(frame: pl.DataFrame) -> list[str]:
    if "excluded" not in frame.columns:
        return [""] * len(frame)
    return ["" if cell is None else str(cell).strip() for cell in frame["excluded"].to_list()]


def _optional(
    frame: pl.DataFrame, column: str, keep: list[int], file: str | Path | None, complete: bool
) -> Floats | None:
    if column not in frame.columns:
        return None
    minimum = 0.0 if column == "score_se" else None
    every = numbers(frame, column, file=file, minimum=minimum, missing=True)
    values = [every[row] for row in keep]
    if all(value is None for value in values):
        return None
    if complete:
        for row, value in zip(keep, values, strict=True):
            if value is None:
                problem = "is empty though other rows have it"
                raise InputError(problem, file=file, row=row + 2, column=column, accepted="numbers from 0 in every row")
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
