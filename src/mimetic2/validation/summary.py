"""One line of the study's table: rates, coverage, width and bias of a cell, with Monte Carlo errors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from mimetic2.threshold.verdict import Verdict
from mimetic2.validation.cells import Cell, Records

LEAST_GIVEN = 200  # coverage given the right verdict is said from this many studies on

# in the order of table.csv; coverage and what follows it exist where the truth is one step
COLUMNS = (
    "world", "rise", "noise", "n", "table", "runs", "seed",
    *(verdict.value for verdict in Verdict), *(f"{verdict.value}_error" for verdict in Verdict),
    "coverage", "coverage_error", "coverage_given_step", "coverage_given_step_error", "given_step",
    "coverage_or_miss", "coverage_or_miss_error", "decades", "decades_given_step", "bias_decades",
    "bias_decades_given_step", "attainable", "paper", "paper_error", "paper_median", "paper_bias_decades",
    "paper_within_factor_2", "within_factor_2",
    "midpoint_coverage", "midpoint_coverage_error", "midpoint_given",
)  # fmt: skip


def summarise(cell: Cell, records: Records) -> dict[str, Any]:
    """The columns of :data:`COLUMNS`; None where a number does not exist.

    Coverage three ways: of intervals computed whatever the verdict; of studies with the verdict step (from
    ``LEAST_GIVEN`` on); over all studies, where a study without an interval counts as a miss. Widths are medians of
    log10(high / low), biases medians of log10(named / true), ``within_factor_2`` shares of all studies. The midpoint's
    interval is computed whatever the verdict; ``midpoint_given`` is the share of studies in which it has two ends.
    """
    row: dict[str, Any] = dict.fromkeys(COLUMNS)
    row |= {name: value for name, value in asdict(cell).items() if name in COLUMNS}
    row["runs"] = len(records.verdict)
    verdicts = np.array(records.verdict)
    for verdict in Verdict:
        row[verdict.value], row[f"{verdict.value}_error"] = _share(verdicts == verdict.value)
    named = [count for count in records.paper if count is not None]
    row["paper"], row["paper_error"] = _share(np.array([count is not None for count in records.paper]))
    row["paper_median"] = round(float(np.median(named))) if named else None
    if records.covered:
        row |= _about_the_step(verdicts == Verdict.STEP.value, records)
    if records.midpoint_covered:
        given = np.array([covered for covered in records.midpoint_covered if covered is not None], dtype=bool)
        row["midpoint_given"] = round(len(given) / len(verdicts), 4)
        if len(given) >= LEAST_GIVEN:
            row["midpoint_coverage"], row["midpoint_coverage_error"] = _share(given)
    return row


def _about_the_step(stepped: np.ndarray[Any, np.dtype[np.bool_]], records: Records) -> dict[str, Any]:
    covered, decades, bias = np.array(records.covered), np.array(records.decades), np.array(records.log_ratio)
    row: dict[str, Any] = {"given_step": int(stepped.sum())}
    row["coverage"], row["coverage_error"] = _share(covered)
    row["coverage_or_miss"], row["coverage_or_miss_error"] = _share(covered & stepped)
    row["decades"], row["bias_decades"] = _median(decades), _median(bias)
    if stepped.sum() >= LEAST_GIVEN:
        row["coverage_given_step"], row["coverage_given_step_error"] = _share(covered[stepped])
        row["decades_given_step"], row["bias_decades_given_step"] = _median(decades[stepped]), _median(bias[stepped])
    row["within_factor_2"] = round(float(((np.abs(bias) <= math.log10(2)) & stepped).mean()), 4)
    paper = np.array([ratio for ratio in records.paper_log_ratio if ratio is not None])
    row["paper_bias_decades"] = _median(paper)
    row["paper_within_factor_2"] = round(float((np.abs(paper) <= math.log10(2)).sum() / len(covered)), 4)
    row["attainable"] = round(float(np.mean(records.attainable)), 4)
    return row


def _share(values: np.ndarray[Any, np.dtype[np.bool_]]) -> tuple[float, float]:
    """Share of true values and its binomial standard error."""
    share = float(values.mean())
    return round(share, 4), round(math.sqrt(share * (1 - share) / len(values)), 4)


def _median(values: Sequence[float] | np.ndarray[Any, np.dtype[np.float64]]) -> float | None:
    return round(float(np.median(values)), 4) if len(values) else None
