"""The study as files: every cell as CSV, the condensed tables as Markdown."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from mimetic2.validation.worlds import NOISES, WORLDS

Row = Mapping[str, Any]


def as_csv(rows: Sequence[Row], columns: Sequence[str]) -> str:
    """All columns of all cells; absent numbers are empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(["" if row[name] is None else row[name] for name in columns] for row in rows)
    return out.getvalue()


def as_markdown(rows: Sequence[Row], required: Sequence[Row]) -> str:
    """Requirements, verdicts by n and world, and what is known of true steps by n, noise and rise."""
    runs = sorted({row["runs"] for row in rows})
    said = " to ".join(f"{number:,}" for number in dict.fromkeys((runs[0], runs[-1])))
    error = 100 * float(np.sqrt(0.05 * 0.95 / runs[0]))
    parts = [
        f"{len(rows):,} cells of {said} studies each. Monte Carlo standard error of a rate of 5 % in one cell: "
        f"{error:.1f} points. Percentages.",
        "### Required",
        _requirements(required),
        "### Verdicts",
        "Means over the cells of a world (rises, noises, bin tables); in brackets the lowest and highest cell.",
        _verdicts(rows),
        "### True steps",
        "`attainable`: power of the most powerful 5 % test between the true step and the nearest ramp, both fully "
        "known; no rule that holds its level for ramps can find more. Intervals whatever the verdict, lowest cell in "
        "brackets; width is the median of high/low; bias the median of named/true.",
        _steps(rows),
        "### Midpoints of ramps",
        "Intervals whatever the verdict: share with two ends inside the observed counts, and of those the share that "
        "holds the midpoint.",
        _midpoints(rows),
    ]
    return "\n\n".join(parts) + "\n"


def _requirements(required: Sequence[Row]) -> str:
    lines = []
    for row in required:
        if row["holds"] is None:
            continue
        held = "holds" if row["holds"] else f"missed in {row['misses']:,}"
        if row["unattainable"]:
            held += f", {row['unattainable']:,} of them unattainable"
        lines.append((row["requirement"], f"{row['cells']:,}", f"{100 * row['worst']:.1f}", held))
    return markdown_table(("requirement", "cells", "worst cell", "result"), lines)


def _verdicts(rows: Sequence[Row]) -> str:
    lines = []
    for n, world in _keys(rows, ("n", "world"), WORLDS):
        here = [row for row in rows if row["n"] == n and row["world"] == world]
        verdicts = [_spread(here, name) for name in ("step", "gradual", "none", "undecided")]
        lines.append((str(n), world, *verdicts, _spread(here, "paper")))
    heads = ("n", "world", "step", "gradual", "none", "undecided", "paper's rule names a threshold")
    return markdown_table(heads, lines)


def _steps(rows: Sequence[Row]) -> str:
    lines = []
    steps = [row for row in rows if row["world"] == "step"]
    for n, noise in _keys(steps, ("n", "noise"), NOISES):
        for rise in sorted({row["rise"] for row in steps}):
            here = [row for row in steps if row["n"] == n and row["noise"] == noise and row["rise"] == rise]
            found = [_spread(here, name) for name in ("step", "attainable", "coverage")]
            given = [_percent(here, "coverage_given_step"), _percent(here, "coverage_or_miss")]
            width, bias = _ratio(here, "decades"), _ratio(here, "bias_decades")
            factor = [_percent(here, "within_factor_2"), _percent(here, "paper_within_factor_2")]
            lines.append((str(n), noise, f"{rise:g}", *found, *given, width, bias, *factor))
    heads = (
        "n", "noise", "rise", "found", "attainable", "covered", "covered, given step", "covered, none is a miss",
        "width", "bias", "named within a factor of 2", "paper's rule within a factor of 2",
    )  # fmt: skip
    return markdown_table(heads, lines)


def _midpoints(rows: Sequence[Row]) -> str:
    lines = []
    ramps = [row for row in rows if row["midpoint_given"] is not None]
    for n, world in _keys(ramps, ("n", "world"), WORLDS):
        here = [row for row in ramps if row["n"] == n and row["world"] == world]
        lines.append((str(n), world, _spread(here, "midpoint_given"), _spread(here, "midpoint_coverage")))
    return markdown_table(("n", "world", "two ends", "covered"), lines)


def _keys(rows: Sequence[Row], names: tuple[str, str], order: Sequence[str]) -> list[tuple[Any, Any]]:
    return sorted({(row[names[0]], row[names[1]]) for row in rows}, key=lambda key: (key[0], order.index(key[1])))


def _values(rows: Iterable[Row], name: str) -> list[float]:
    return [float(row[name]) for row in rows if row[name] is not None]


def _percent(rows: Sequence[Row], name: str) -> str:
    values = _values(rows, name)
    return f"{100 * float(np.mean(values)):.1f}" if values else "n/a"


def _spread(rows: Sequence[Row], name: str) -> str:
    values = _values(rows, name)
    if len(values) == 1:
        return f"{100 * values[0]:.1f}"
    return f"{100 * float(np.mean(values)):.1f} ({100 * min(values):.0f}–{100 * max(values):.0f})" if values else "n/a"


def _ratio(rows: Sequence[Row], name: str) -> str:
    values = _values(rows, name)
    return f"{10 ** float(np.mean(values)):.2f}" if values else "n/a"


def markdown_table(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A Markdown table of cells that are text already."""
    line: Callable[[Sequence[str]], str] = lambda cells: "| " + " | ".join(cells) + " |"  # noqa: E731
    return "\n".join([line(heads), line(["---"] * len(heads)), *(line(cells) for cells in lines)])
