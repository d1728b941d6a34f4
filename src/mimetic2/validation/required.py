"""What the statistics must achieve, and which cells of a study miss it.

A cell misses a limit when its rate is beyond it by more than two Monte Carlo standard errors (taken at the limit).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SMOOTH_WORLDS = ("flat", "linear", "hinge", "ramp", "narrow ramp")
ERRORS = 2.0  # Monte Carlo standard errors allowed beyond a limit

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Requirement:
    """A limit on one rate: ``column`` at most (or, if ``least``, at least) ``limit`` in the cells that ``applies``."""

    name: str
    column: str
    limit: float
    least: bool
    applies: Callable[[Row], bool]

    def misses(self, row: Row) -> bool:
        """Whether a cell is beyond the limit and its Monte Carlo error."""
        slack = ERRORS * math.sqrt(self.limit * (1 - self.limit) / row["runs"])
        rate = float(row[self.column])
        return rate < self.limit - slack if self.least else rate > self.limit + slack


REQUIREMENTS = (
    Requirement(
        "false step, flat and smooth worlds, n ≥ 120: at most 5 %",
        "step",
        0.05,
        False,
        lambda row: row["world"] in SMOOTH_WORLDS and row["n"] >= 120,
    ),
    Requirement(
        "false step, flat and smooth worlds, n < 120: at most 10 %",
        "step",
        0.10,
        False,
        lambda row: row["world"] in SMOOTH_WORLDS and row["n"] < 120,
    ),
    Requirement(
        "interval whatever the verdict covers the step, n ≥ 44: at least 93 %",
        "coverage",
        0.93,
        True,
        lambda row: row["world"] == "step" and row["n"] >= 44,
    ),
    Requirement(
        "true step found, n ≥ 418: at least 95 %",
        "step",
        0.95,
        True,
        lambda row: row["world"] == "step" and row["n"] >= 418,
    ),
)


def required(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """For each requirement: how many cells it concerns, which miss it, the worst rate, and whether all hold.

    ``unattainable`` counts the misses in cells where no test of the same level could find the step often enough (see
    :func:`mimetic2.validation.cells.attainable_power`): they lack concepts, not a better rule.
    """
    found = []
    for requirement in REQUIREMENTS:
        concerned = [row for row in rows if requirement.applies(row)]
        missing = [row for row in concerned if requirement.misses(row)]
        rates = [float(row[requirement.column]) for row in concerned]
        beyond = [
            row for row in missing if requirement.name.startswith("true step") and _unattainable(row, requirement)
        ]
        found.append(
            {
                "requirement": requirement.name,
                "cells": len(concerned),
                "misses": len(missing),
                "unattainable": len(beyond),
                "worst": (min(rates) if requirement.least else max(rates)) if rates else None,
                "holds": not missing if concerned else None,
                "missing": [_name(row, requirement.column) for row in missing],
            }
        )
    return found


def _unattainable(row: Row, requirement: Requirement) -> bool:
    return row["attainable"] is not None and row["attainable"] < requirement.limit


def _name(row: Row, column: str) -> str:
    rise = f" {row['rise']:g}" if row["rise"] else ""
    return f"{row['world']}{rise}, {row['noise']}, n = {row['n']}, {row['table']}: {float(row[column]):.3f}"
