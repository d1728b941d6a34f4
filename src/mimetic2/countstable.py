"""The table of counts, checked where it enters: a wrong cell is named before the first image is opened.

`run`, `score`, `plan` and `concepts sample` read the user's table here; `threshold` checks the same columns of its own
by :func:`check_counts`. What the columns mean stands in docs/running.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from mimetic2.errors import InputError
from mimetic2.tables import LARGEST_WHOLE, SHORTEST, booleans, names, numbers, read_table

LARGEST_COUNT = LARGEST_WHOLE  # no data set has as many rows
STATUSES = ("ok", "zero", "missing")
COVARIATE = "covariate_"
DECIMALS = dict.fromkeys(("count", "count_low", "count_high"), SHORTEST)
"""How counts are written: whole ones as whole numbers, also beside others (the paper's counts may be fractions)."""

_ENDS = ("count_low", "count_high")
_BESIDE = ("mentions", "sampled", "alive", "verified", "bound_low", "bound_high", "distinct")
_FLAGS = ("control", "minor")
_OF_SCORES = (
    *("score", "score_se", "null_score", "identified", "n_generated", "n_reference", "excluded", "rivals_better"),
    *("rivals", "not_separated", "control_score", "fits_best", "prompt_sd", "prompts_at_zero", "compared_with"),
)
Cells = list[float | None]


def read_counts(path: str | Path, *, paper: bool = False) -> pl.DataFrame:
    """The user's table: concept (distinct names, outer white space removed), count, and its other columns as they are.

    A count is a number from 0, or empty where ``status`` is ``missing``; by the ``paper``'s procedure that status may
    also stand beside 0. Raises :class:`InputError` naming file, row and column of the first cell that is wrong, and for
    columns that scoring makes: what they say of another scoring would be taken for this one's.
    """
    frame = read_table(path, ["concept", "count"])
    for column in _OF_SCORES:
        if column in frame.columns:
            problem = "belongs to a table of scores, this is one of counts"
            raise InputError(problem, file=path, row=1, column=column, accepted="the table without this column")
    frame = frame.with_columns(pl.Series("concept", names(frame, file=path), pl.String))
    counts = check_counts(frame, file=path, paper=paper)
    statuses = _statuses(frame)
    for row, (count, status) in enumerate(zip(counts, statuses, strict=True), 2):
        if count is None and status != "missing":
            accepted = "a number, or the status 'missing' beside it"
            raise InputError("is empty", file=path, row=row, column="count", accepted=accepted)
    for column in (name for name in _BESIDE if name in frame.columns):
        numbers(frame, column, file=path, minimum=0, maximum=LARGEST_COUNT, missing=True)
    for column in (name for name in _FLAGS if name in frame.columns):
        booleans(frame, column, file=path)
    _check_complete(frame, path, counts)
    return frame


def check_counts(frame: pl.DataFrame, *, file: str | Path | None = None, paper: bool = False) -> Cells:
    """The column ``count``, None where empty; it, its interval and its status must agree. Raises `InputError`."""
    counts = numbers(frame, "count", file=file, minimum=0, maximum=LARGEST_COUNT, missing=True)
    low, high = (_optional(frame, column, file) for column in _ENDS)
    for row, (count, status, a, b) in enumerate(zip(counts, _statuses(frame), low, high, strict=True), 2):
        if status and status not in STATUSES:
            accepted = f"{', '.join(STATUSES)}, or empty"
            raise InputError(f"is '{status}'", file=file, row=row, column="status", accepted=accepted)
        _check_status(status, count, paper, file, row)
        if a is not None and b is not None and a > b:
            problem = f"is greater than count_high ({a:.15g} > {b:.15g})"
            raise InputError(problem, file=file, row=row, column="count_low", accepted="an interval around the count")
        if count is not None and ((a is not None and a > count) or (b is not None and b < count)):
            column = "count_low" if a is not None and a > count else "count_high"
            end = a if column == "count_low" else b
            problem = f"leaves the count outside ({end:.15g}, the count is {count:.15g})"
            raise InputError(problem, file=file, row=row, column=column, accepted="an interval around the count")
        if (a is None) != (b is None):
            lacks, has = _ENDS if a is None else reversed(_ENDS)
            raise InputError(f"is missing beside a {has}", file=file, row=row, column=lacks, accepted="both or neither")
    return counts


def check_covariates(frame: pl.DataFrame, *, file: str | Path) -> None:
    """Raise `InputError` for a cell of a column ``covariate_…`` that is no number."""
    for column in (name for name in frame.columns if name.startswith(COVARIATE)):
        numbers(frame, column, file=file, missing=True)


def _check_status(status: str, count: float | None, paper: bool, file: str | Path | None, row: int) -> None:
    """A status other than the count's own: the concept would be fitted as if it had been counted, or not at all."""
    if status == "missing" and count is not None and not (paper and count == 0):
        accepted = "an empty count (nothing of the concept could be looked at), or the status 'ok'"
        raise InputError(
            f"is 'missing' beside a count of {count:.15g}", file=file, row=row, column="status", accepted=accepted
        )
    if status == "zero" and count:
        problem = f"is 'zero' beside a count of {count:.15g}"
        raise InputError(problem, file=file, row=row, column="status", accepted="a count of 0, or the status 'ok'")


def _check_complete(frame: pl.DataFrame, path: str | Path, counts: Sequence[float | None]) -> None:
    """Weighted counts and covariates are given for every concept with a count or for none."""
    check_covariates(frame, file=path)
    if "weighted_count" in frame.columns:
        numbers(frame, "weighted_count", file=path, minimum=0, missing=True)
    for column in frame.columns:
        if column != "weighted_count" and not column.startswith(COVARIATE):
            continue
        given = [cell is not None and cell != "" for cell in frame[column].to_list()]
        for row, (has, count) in enumerate(zip(given, counts, strict=True), 2):
            if any(given) and not has and count is not None:
                problem = "is empty though other rows have it"
                raise InputError(problem, file=path, row=row, column=column, accepted="numbers in every row")


def _optional(frame: pl.DataFrame, column: str, file: str | Path | None) -> Cells:
    if column not in frame.columns:
        return [None] * frame.height
    return numbers(frame, column, file=file, minimum=0, maximum=LARGEST_COUNT, missing=True)


def _statuses(frame: pl.DataFrame) -> list[str]:
    if "status" not in frame.columns:
        return [""] * frame.height
    return [str(cell or "").strip() for cell in frame["status"].to_list()]
