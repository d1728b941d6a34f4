"""The numbers on the page, each with its interval and, where there is none, the reason; the paper's beside ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mimetic2.report.contents import Row
from mimetic2.report.numerals import as_pair, confidence, count, count_ticks, decimal, interval, position, short_count

NO_THRESHOLD = {
    "gradual": "not named: the rise is gradual",
    "none": "not named: no rise was found",
    "undecided": "not named: the data do not decide",
    None: "the paper’s rule finds no break",
}
OPEN_INTERVAL = "interval leaves the observed counts"
TESTS = {
    "flat_against_step": "no rise, against a step",
    "flat_against_smooth": "no rise, against a smooth rise",
    "flat_against_any": "no rise, against any rise",
    "smooth_against_step": "a smooth rise, against a step",
}
SHAPE_WORDS = {
    "flat": "no rise with the count",
    "linear": "rises steadily with the logarithm of the count",
    "hinge": "level up to a count, then rises steadily",
    "step": "jumps once, level on both sides",
    "ramp": "rises smoothly from a floor to a ceiling",
}


@dataclass(frozen=True)
class Figure:
    """A key figure: its value in counts, its interval, and what it means; ``style`` tells ours from the paper's."""

    name: str
    meaning: str
    value: float | None
    ends: list[float | None] | None
    note: str
    style: str = "ours"

    @property
    def shown_interval(self) -> str:
        """The interval as text."""
        return confidence(self.ends)


@dataclass(frozen=True)
class Figures:
    """All key figures and the axis of counts on which their intervals are drawn (in percent of its width)."""

    figures: list[Figure]
    highest: float
    level: float

    def at(self, value: float) -> float:
        """Where a count stands, in percent."""
        return round(2 + 96 * position(min(value, self.highest)) / position(self.highest), 2)

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Places and labels of the axis."""
        return [(self.at(tick), short_count(tick)) for tick in count_ticks(self.highest, dense=False)]


def key_figures(threshold: dict[str, Any]) -> Figures:
    """Threshold, onset, N50, N90 and the paper's number, as far as the run has them."""
    robust = threshold.get("method") != "paper"
    figures = []
    if robust:
        verdict, value = threshold.get("verdict"), threshold.get("threshold")
        middle = threshold.get("threshold_kind") == "midpoint"
        note = "" if value is not None else NO_THRESHOLD.get(verdict, "not named")
        ends = as_pair(threshold.get("interval"))
        if value is not None and ends is None:
            note = OPEN_INTERVAL
        figures.append(
            Figure("Threshold", "midpoint of the rise" if middle else "where the score jumps", value, ends, note)
        )
    onset = threshold.get("onset")
    if onset or robust:
        facts = onset or {}
        note = "" if facts else "no count from which the curve clears the null band, or no null scores"
        meaning = "from here on scores clear the null band"
        figures.append(Figure("Onset", meaning, facts.get("count"), as_pair(facts.get("interval")), note))
    identification = threshold.get("identification")
    for key, share in (("n50", "half"), ("n90", "nine in ten")):
        if identification:
            value = identification.get(key)
            ends = as_pair(identification.get(f"{key}_bounds") or identification.get(f"{key}_interval"))
            note = identification.get(f"{key}_note") or ""
            if not note and value is None:
                note = "not reached within the observed counts"
            figures.append(Figure(key.upper(), f"{share} of the concepts are identified", value, ends, note))
    paper = threshold.get("paper")
    if paper:
        note = "" if paper.get("threshold") is not None else NO_THRESHOLD[None]
        meaning = "first break, absolute penalty; the range is over orders of tied counts"
        ends = as_pair(paper.get("tie_range"))
        ends = None if ends and ends[0] == ends[1] else ends
        figures.append(Figure("Paper’s rule", meaning, paper.get("threshold"), ends, note, "paper"))
    numbers = [figure.value for figure in figures] + [end for figure in figures for end in figure.ends or []]
    numbers += (threshold.get("curve") or {}).get("count") or []
    highest = max([number for number in numbers if number is not None] + [9.0])
    return Figures(figures, highest, threshold.get("level") or 0.95)


def paper_beside_ours(threshold: dict[str, Any], rows: Sequence[Row]) -> dict[str, Any] | None:
    """The two numbers and the reasons why they differ; None where the run has no paper's number at all."""
    paper = threshold.get("paper")
    if not isinstance(paper, dict):
        return None
    ours = threshold.get("threshold") if threshold.get("method") != "paper" else None
    theirs = paper.get("threshold")
    return {
        "ours": ours,
        "ours_interval": confidence(as_pair(threshold.get("interval"))),
        "ours_note": "" if ours is not None else _why_none(threshold),
        "theirs": theirs,
        "breaks": [count(value) for value in paper.get("change_points") or []],
        "ties": interval(as_pair(paper.get("tie_range"))),
        "penalty": paper.get("penalty"),
        "reasons": _reasons(threshold, paper, ours, theirs, rows),
    }


def _why_none(threshold: dict[str, Any]) -> str:
    if threshold.get("method") == "paper":
        return "not asked for: this run follows the paper"
    return NO_THRESHOLD.get(threshold.get("verdict"), "not named")


def _reasons(
    threshold: dict[str, Any], paper: dict[str, Any], ours: float | None, theirs: float | None, rows: Sequence[Row]
) -> list[str]:
    if threshold.get("method") == "paper":
        return ["This run used the paper’s procedure only, so there is no tested number to set beside it."]
    scores = [row.score for row in rows if row.score is not None and not row.excluded]
    reasons = []
    if theirs is None:
        spread = f" The scores here span {decimal(max(scores) - min(scores), 2)}." if scores else ""
        reasons.append(
            "The paper’s rule cuts only where the squared error falls by more than a fixed amount "
            f"({paper.get('penalty', 0.9):g}), whatever the scale of the scores.{spread} Small scores or few concepts "
            "leave it without a break, which is not evidence that nothing rises."
        )
    elif ours is None:
        reasons.append(
            "The paper’s rule describes any rise as flat pieces, so it names a number on a smooth rise too. Ours names "
            "one only where a jump describes the scores better than smooth rises do, tested by simulation."
        )
    elif threshold.get("threshold_kind") == "midpoint":
        reasons.append(
            "The paper’s rule describes any rise as flat pieces and names the first edge. Here a smooth rise describes "
            "the scores better than a jump; ours is the middle of that rise, not a count below which nothing happens."
        )
    elif ours == theirs:
        reasons.append("The two rules name the same count here. Only ours comes with a test against smooth rises.")
    else:
        reasons.append(
            "The paper’s rule takes the first of possibly several breaks along the order of the counts, with a fixed "
            "penalty; ours places one break on the logarithm of the count and tests it against smooth rises."
        )
    if len(paper.get("change_points") or []) > 1:
        reasons.append("It found several breaks and keeps the first; several breaks are what a smooth rise gives.")
    ties = as_pair(paper.get("tie_range"))
    if ties and ties[0] != ties[1]:
        reasons.append(
            f"Its number depends on the order of concepts with equal counts: {interval(ties)} over random orders. "
            "Ours puts breaks only between different counts."
        )
    return reasons


def shape_rows(threshold: dict[str, Any]) -> list[dict[str, Any]]:
    """The shapes, best first, with the distance of their BIC to the best."""
    shapes = threshold.get("shapes") or {}
    values = {name: facts["bic"] for name, facts in shapes.items() if facts and facts.get("bic") is not None}
    if not values:
        return []
    best = min(values.values())
    worst = max(max(values.values()) - best, 1e-9)
    return [
        {
            "name": name,
            "words": SHAPE_WORDS.get(name, ""),
            "behind": decimal(bic - best, 1),
            "bar": round(100 * (bic - best) / worst, 1),
        }
        for name, bic in sorted(values.items(), key=lambda item: item[1])
    ]


def tested(threshold: dict[str, Any]) -> list[tuple[str, str]]:
    """The bootstrap tests behind the verdict: what was tested against what, and the p-value."""
    tests = threshold.get("tests") or {}
    return [(TESTS.get(name, name), f"{p:.3f}") for name, p in tests.items() if p is not None]


def lookup(threshold: dict[str, Any]) -> dict[str, Any] | None:
    """The curves by which the page answers for a count that the reader types in; None without them."""
    curve, ranked = threshold.get("curve"), (threshold.get("identification") or {}).get("curve")
    if not isinstance(curve, dict) or not {"count", "score", "low", "high"} <= curve.keys():
        return None
    found = {"score": [curve[name] for name in ("count", "score", "low", "high")]}
    if isinstance(ranked, dict) and {"count", "p", "low", "high"} <= ranked.keys():
        found["identified"] = [ranked[name] for name in ("count", "p", "low", "high")]
    return found
