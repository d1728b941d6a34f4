"""How captions became counts: the steps from mentions to verified images, and what was lost on the way and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mimetic2.report.contents import Contents, Row, read_object
from mimetic2.report.labels import Labels
from mimetic2.report.numerals import percent

STEPS = (
    ("mentions", "Mentions", "caption rows that name a listed concept"),
    ("sampled", "Sampled", "drawn at random to be looked at"),
    ("alive", "Alive", "could still be fetched and read"),
    ("verified", "Verified", "show the concept that their caption names"),
)
FUNNEL = "verify/funnel.json"
MOST_REASONS = 12
"""Folders that other tools fetched may give a reason of its own for every link."""


@dataclass(frozen=True)
class Step:
    """A step of the funnel; ``width`` is its bar, in percent of the step before."""

    name: str
    meaning: str
    number: int
    width: float
    share: str


@dataclass(frozen=True)
class CountingAccount:
    """Steps in rows; ``dead`` and ``unjudged`` (reason, rows), most frequent first; concepts of count 0 and without.

    ``copies`` are the verified rows that repeat another one, exactly or nearly; None where nobody looked.
    """

    steps: list[Step]
    dead: list[tuple[str, int]]
    unjudged: list[tuple[str, int]]
    never_mentioned: int
    without_image: int
    copies: tuple[int, int] | None


def counting_account(contents: Contents, labels: Labels) -> CountingAccount | None:
    """None where the run was not counted from captions; reasons are those of the run's ``verify/funnel.json``."""
    steps = funnel(contents.rows)
    if not steps:
        return None
    path = contents.run / FUNNEL
    said = read_object(path) if path.is_file() else {}
    status = [row.status for row in contents.rows]
    exact = [row.exact_duplicates for row in contents.rows if row.exact_duplicates is not None]
    near = [row.near_duplicates for row in contents.rows if row.near_duplicates is not None]
    if isinstance(passed := said.get("of_kind"), int):
        steps = _with_kind(steps, passed)
    return CountingAccount(
        steps=steps,
        dead=_by_number(said.get("dead"), labels),
        unjudged=_by_number(said.get("unjudged"), labels),
        never_mentioned=status.count("zero"),
        without_image=status.count("missing"),
        copies=(round(sum(exact)), round(sum(near))) if exact and near else None,
    )


def funnel(rows: Sequence[Row]) -> list[Step]:
    """Totals over concepts from mentions to verified images; empty where the run was not counted from captions."""
    steps: list[Step] = []
    for column, name, meaning in STEPS:
        values = [value for row in rows if (value := getattr(row, column)) is not None]
        if not values:
            continue
        number, before = round(sum(values)), steps[-1].number if steps else None
        steps.append(_step(name, meaning, number, before))
    return steps if len(steps) > 1 else []


def _step(name: str, meaning: str, number: int, before: int | None) -> Step:
    part = None if before is None else number / before if before else 0.0
    share = f"{percent(part)} of the step before" if part is not None else ""
    return Step(name, meaning, number, round(100 * (1.0 if part is None else part), 2), share)


def _with_kind(steps: Sequence[Step], passed: int) -> list[Step]:
    """The steps with the filter's before the last one, whose share is then of those that passed."""
    *first, last = steps
    kind = _step("Of the kind", "passed the domain's filter", passed, first[-1].number)
    return [*first, kind, _step(last.name, last.meaning, last.number, passed)]


def _by_number(reasons: Any, labels: Labels) -> list[tuple[str, int]]:
    found: Mapping[str, Any] = reasons if isinstance(reasons, dict) else {}
    numbers = [(labels.mask(reason), int(number)) for reason, number in found.items()]
    numbers.sort(key=lambda item: (-item[1], item[0]))
    rest = numbers[MOST_REASONS:]
    others = [(f"{len(rest)} other reasons", sum(number for _, number in rest))] if rest else []
    return numbers[:MOST_REASONS] + others
