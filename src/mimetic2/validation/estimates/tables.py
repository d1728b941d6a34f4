"""The second study as Markdown: a table of requirements, then one a topic with its events as columns."""

from __future__ import annotations

from collections.abc import Sequence

from mimetic2.validation.estimates.cases import Kind
from mimetic2.validation.estimates.rates import Row
from mimetic2.validation.estimates.topics import TOPICS
from mimetic2.validation.tables import markdown_table


def as_markdown(rows: Sequence[Row], required: Sequence[Row]) -> str:
    """Percentages with the share of studies that they are of, where that is not all; numbers as they are."""
    parts = [
        "Percentages; in brackets the share of studies in which there was something to see, where that is not all of "
        "them, and ± the Monte Carlo standard error. Where fewer than 50 studies have it: n/a.",
        "### Required beside the verdict",
        _requirements(required),
    ]
    for name, topic in TOPICS.items():
        here = [row for row in rows if row["topic"] == name]
        if here:
            studies = max(row["studies"] for row in here)
            parts += [f"### {topic.title}", f"{topic.about} {studies:,} studies a line.", _table(here)]
    return "\n\n".join(parts) + "\n"


def _requirements(required: Sequence[Row]) -> str:
    lines = [
        (
            row["requirement"],
            str(row["cells"]),
            f"{100 * row['worst']:.1f}",
            "holds" if row["holds"] else f"missed in {row['misses']}",
        )
        for row in required
    ]
    return markdown_table(("requirement", "cases", "worst", "result"), lines)


def _table(rows: Sequence[Row]) -> str:
    """One line a case; columns that say nothing in this topic are left out."""
    names = [name for name in ("world", "noise", "condition", "n") if name == "n" or _differ(rows, name)]
    events = list(dict.fromkeys(row["event"] for row in rows))
    lines: dict[tuple[str, ...], dict[str, str]] = {}
    for row in rows:
        key = tuple(str(row[name]) for name in ("world", "noise", "condition", "n"))
        shown = lines.setdefault(key, {name: str(row[name]) for name in names} | dict.fromkeys(events, ""))
        shown[row["event"]] = _shown(row)
    return markdown_table((*names, *events), [tuple(line.values()) for line in lines.values()])


def _differ(rows: Sequence[Row], name: str) -> bool:
    return len({row[name] for row in rows}) > 1


def _shown(row: Row) -> str:
    if row["value"] is None:
        return "n/a"
    if row["kind"] == Kind.MEDIAN.value:
        return f"{row['value']:.3g}"
    part = f" (of {100 * row['given'] / row['studies']:.0f})" if row["given"] < row["studies"] else ""
    missed = " **missed**" if row["missed"] else ""
    return f"{100 * row['value']:.1f} ± {100 * row['error']:.1f}{part}{missed}"
