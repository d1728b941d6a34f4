"""The answer of a run in a few lines: the sentence, the numbers that exist, and where the page is."""

from __future__ import annotations

from typing import Any

from mimetic2.runs.running import RunResult

_OUTSIDE = " (no interval within the observed counts)"


def answer_lines(result: RunResult) -> list[str]:
    """The verdict's sentence; threshold, onset and N50 as far as they exist, with intervals; what the study makes every
    output say; the report's path."""
    document = result.threshold
    onset = document.get("onset") or {}
    identification = document.get("identification") or {}
    level = document.get("level")
    none = " (the paper's rule gives no interval)" if document.get("method") == "paper" else _OUTSIDE
    found = [
        ("threshold", document.get("threshold"), document.get("interval")),
        ("onset", onset.get("count"), onset.get("interval")),
        ("N50 (half of the concepts identified)", identification.get("n50"), identification.get("n50_interval")),
    ]
    lines = [
        f"{name}: {_number(value)}{_interval(ends, level, none)}" for name, value, ends in found if value is not None
    ]
    if identification.get("n50") is not None and identification.get("n50_note"):
        lines[-1] += f"; {identification['n50_note']}"
    said = [f"warning: {text}" for text in result.study_warnings]
    return [result.sentence, *lines, *said, f"report: {result.report}"]


def _number(value: float) -> str:
    return f"{value:,.0f} images"


def _interval(ends: list[Any] | None, level: float | None, none: str) -> str:
    if not ends or any(end is None for end in ends):
        return none
    share = f"{100 * level:g} % " if level is not None else ""
    return f" ({share}interval {ends[0]:,.0f} to {ends[1]:,.0f})"
