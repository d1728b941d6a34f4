"""The page of an audit: who is over the limit, what the run expects at their counts, how many rows would have to go."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mimetic2.errors import InputError
from mimetic2.files import write_text
from mimetic2.report.labels import printable
from mimetic2.report.numerals import percent
from mimetic2.report.page import render
from mimetic2.report.wording import FIXED_SENTENCE
from mimetic2.tables import numbers, read_table

SHOWN = 2500
_ORDER = {"over": 0, "possibly over": 1, "under": 2}
_NUMBERS = ("mentions", "count", "count_low", "count_high", "rows_to_drop", "mentions_after")
_SHARES = ("identified", "identified_low", "identified_high")


def write_audit_page(folder: Path) -> Path:
    """Write ``audit.html`` from an audit's ``audit.json`` and ``audit.csv``; return its path.

    Raises :class:`InputError` where ``folder`` holds no audit.
    """
    summary = folder / "audit.json"
    if not summary.is_file():
        raise InputError("no such file; `mimetic2 audit` writes it", file=summary)
    document = json.loads(summary.read_text(encoding="utf-8"))
    rows = sorted(_rows(folder / "audit.csv"), key=lambda row: (_ORDER[row["status"]], -row["count"], row["name"]))
    values = {"audit": document, "rows": rows[:SHOWN], "hidden": max(0, len(rows) - SHOWN)}
    target = folder / "audit.html"
    write_text(target, render("audit.html.j2", values | {"limits": FIXED_SENTENCE}))
    return target


def _rows(path: Path) -> list[dict[str, Any]]:
    frame = read_table(path, ["concept", "basis", "status", *_NUMBERS, *_SHARES])
    columns: dict[str, list[Any]] = {
        name: list(numbers(frame, name, file=path, missing=True)) for name in (*_NUMBERS, *_SHARES)
    }
    columns |= {"status": frame["status"].to_list(), "basis": frame["basis"].to_list()}
    names = [printable(name) for name in frame["concept"].to_list()]
    rows = [{"name": name, **{key: cells[i] for key, cells in columns.items()}} for i, name in enumerate(names)]
    for row in rows:
        row["chance"] = _chance(row)
    return rows


def _chance(row: dict[str, Any]) -> str:
    if row["identified"] is None:
        return "–"
    ends = (row["identified_low"], row["identified_high"])
    shown = f" ({percent(ends[0])} to {percent(ends[1])})" if None not in ends else ""
    return percent(row["identified"]) + shown
