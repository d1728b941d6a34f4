"""Rates of events with their Monte Carlo errors, and which of them miss what is required."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mimetic2.validation.estimates.cases import Case, Kind
from mimetic2.validation.estimates.topics import TOPICS
from mimetic2.validation.required import ERRORS

COLUMNS = (
    "topic", "world", "n", "noise", "condition", "event", "kind", "studies", "given", "value", "error", "limit",
    "missed", "seed",
)  # fmt: skip
LEAST_GIVEN = 50  # a rate among the studies that have the event is said from so many on

Row = Mapping[str, Any]


def summarise(case: Case, studies: Sequence[Mapping[str, bool | float | None]]) -> list[dict[str, Any]]:
    """One row an event, columns :data:`COLUMNS`.

    ``given``: studies in which there was something to see; ``value``: the rate among them, or the median of a number;
    ``error``: Monte Carlo standard error of a rate; both None for fewer than ``LEAST_GIVEN``.
    """
    rows = []
    for name, event in TOPICS[case.topic].events.items():
        if not any(name in study for study in studies):
            continue
        values = np.array([value for study in studies if (value := study.get(name)) is not None], dtype=np.float64)
        row = dict.fromkeys(COLUMNS) | {"topic": case.topic, "event": name, "kind": event.kind.value}
        row |= {"world": case.world, "n": case.n, "noise": case.noise, "condition": case.condition, "seed": case.seed}
        row |= {"studies": len(studies), "given": len(values)}
        row["limit"] = event.limit if case.n >= event.least_n else None
        if len(values) >= min(LEAST_GIVEN, len(studies)) > 0:
            rate = event.kind is not Kind.MEDIAN
            value = float(values.mean() if rate else np.median(values))
            row["value"] = round(value, 4)
            row["error"] = round(math.sqrt(value * (1 - value) / len(values)), 4) if rate else None
            row["missed"] = None if row["limit"] is None else _misses(row)
        rows.append(row)
    return rows


def _misses(row: Row) -> bool:
    """Whether a rate is beyond its limit by more than two Monte Carlo standard errors, taken at the limit."""
    slack = ERRORS * math.sqrt(row["limit"] * (1 - row["limit"]) / row["given"])
    if row["kind"] == Kind.COVERS.value:
        return bool(row["value"] < row["limit"] - slack)
    return bool(row["value"] > row["limit"] + slack)


def required(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """For each required event: limit, cases concerned, the worst rate, and the cases that miss it."""
    found = []
    for topic, name in dict.fromkeys((row["topic"], row["event"]) for row in rows if row["missed"] is not None):
        here = [row for row in rows if (row["topic"], row["event"]) == (topic, name) and row["missed"] is not None]
        covers = here[0]["kind"] == Kind.COVERS.value
        values = [row["value"] for row in here]
        bound = "at least" if covers else "at most"
        found.append(
            {
                "requirement": f"{topic}: {name}: {bound} {100 * here[0]['limit']:g} %",
                "cells": len(here),
                "misses": sum(row["missed"] for row in here),
                "worst": min(values) if covers else max(values),
                "holds": not any(row["missed"] for row in here),
                "missing": [f"{_case_name(row)}: {row['value']:.3f}" for row in here if row["missed"]],
            }
        )
    return found


def _case_name(row: Row) -> str:
    return ", ".join(part for part in (row["world"], row["noise"], row["condition"], f"n = {row['n']}") if part)
