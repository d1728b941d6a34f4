"""The two charts of the report: score by count, and identification by count."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mimetic2.report.charts import SIZES, Chart, Point, Size, Whisker
from mimetic2.report.contents import Row
from mimetic2.report.labels import Labels, isolated
from mimetic2.report.numerals import as_pair, count, decimal, even_ticks, interval, percent, position
from mimetic2.report.vocabulary import Vocabulary as Words

Z95 = 1.959964
SHOWN = 2500


@dataclass(frozen=True)
class Fitted:
    """A curve on a grid of counts, with its band; None where the analysis gives no value."""

    counts: list[float]
    values: list[float | None]
    lows: list[float | None]
    highs: list[float | None]

    def line(self) -> list[tuple[float, float | None]]:
        """(count, value) along the grid."""
        return list(zip(self.counts, self.values, strict=True))

    def band(self) -> list[tuple[float, float | None, float | None]]:
        """(count, low, high) along the grid."""
        return list(zip(self.counts, self.lows, self.highs, strict=True))


def fitted(document: Any, value: str) -> Fitted | None:
    """A curve of threshold.json: lists ``count``, ``value``, ``low`` and ``high``; None where it has none."""
    if not isinstance(document, dict):
        return None
    counts, values = document.get("count"), document.get(value)
    if not counts or not values or len(counts) != len(values) or all(item is None for item in values):
        return None
    absent: list[float | None] = [None] * len(counts)
    return Fitted(counts, values, document.get("low") or absent, document.get("high") or absent)


def evenly(rows: Sequence[Row], most: int = SHOWN) -> list[Row]:
    """At most ``most`` rows, evenly over their order, so that the page keeps its size for any number of concepts."""
    if len(rows) <= most:
        return list(rows)
    return [rows[round(i * (len(rows) - 1) / (most - 1))] for i in range(most)]


def scored(rows: Sequence[Row]) -> list[Row]:
    """The rows that enter the analysis, by count."""
    usable = [row for row in rows if row.score is not None and row.count is not None and not row.excluded]
    return sorted(usable, key=lambda row: (row.count or 0.0, row.name))


def score_charts(threshold: dict[str, Any], rows: Sequence[Row], labels: Labels, words: Words) -> list[Chart]:
    """Score by count in every size; empty where nothing can be drawn."""
    usable = scored(rows)
    curve = fitted(threshold.get("curve"), "score")
    if not usable and curve is None:
        return []
    return [_score_chart(size, threshold, usable, curve, labels, words) for size in SIZES]


def _score_chart(
    size: Size, threshold: dict[str, Any], rows: list[Row], curve: Fitted | None, labels: Labels, words: Words
) -> Chart:
    band = null_band(threshold, rows)
    values = [row.score for row in rows if row.score is not None]
    if curve is not None:
        values += [value for value in (*curve.values, *curve.lows, *curve.highs) if value is not None]
    values += list(band) if band else []
    low, high = min(values), max(values)
    air = 0.06 * (high - low) or 0.05
    highest = max([row.count or 0.0 for row in rows] + (curve.counts if curve else []) + [1.0])
    chart = Chart(
        size,
        highest,
        low - air,
        high + air,
        f"{words.training_image}s of the {words.concept} (log scale)",
        "imitation score",
    )
    ticks = even_ticks(chart.y_low, chart.y_high)
    places = max(1, -math.floor(math.log10(ticks[1] - ticks[0]) + 1e-9)) if len(ticks) > 1 else 2
    places += 1 if any(abs(round(tick, places) - tick) > 1e-9 for tick in ticks) else 0
    chart.set_y_ticks(ticks, lambda value: decimal(value, places))
    if band:
        chart.shelf("null", *band)
    mark_answers(chart, threshold)
    if curve is not None:
        chart.area("band", curve.band())
        chart.line("fit", curve.line())
    chart.points = [_point(chart, row, labels) for row in evenly(rows)]
    return chart


def mark_answers(chart: Chart, threshold: dict[str, Any]) -> None:
    """The threshold with its interval, and the paper's number."""
    ends = as_pair(threshold.get("interval"))
    if ends and ends[0] is not None and ends[1] is not None:
        chart.span("interval", ends[0], ends[1])
    paper = (threshold.get("paper") or {}).get("threshold")
    ours = threshold.get("threshold") if threshold.get("method") != "paper" else None
    if ours is not None:
        name = "midpoint" if threshold.get("threshold_kind") == "midpoint" else "threshold"
        chart.mark("ours", ours, f"{name} {count(ours)}")
    if paper is not None:
        chart.mark("paper", paper, f"paper’s rule {count(paper)}")


def null_band(threshold: dict[str, Any], rows: Sequence[Row]) -> tuple[float, float] | None:
    """The band of null scores: the analysis's own, else the central 95 % of the concepts' null scores."""
    band = threshold.get("null_band")
    if isinstance(band, dict) and band.get("low") is not None and band.get("high") is not None:
        return band["low"], band["high"]
    values = sorted(row.null_score for row in rows if row.null_score is not None)
    if len(values) < 2:
        return None
    return quantile(values, 0.025), quantile(values, 0.975)


def quantile(values: Sequence[float], share: float) -> float:
    """The quantile of sorted values, linearly between neighbours."""
    place = share * (len(values) - 1)
    below = math.floor(place)
    above = min(below + 1, len(values) - 1)
    return values[below] + (place - below) * (values[above] - values[below])


def _point(chart: Chart, row: Row, labels: Labels) -> Point:
    style = "yes" if row.identified else "no" if row.identified is False else "some"
    return Point(style, chart.x(row.count or 0.0), chart.y(row.score or 0.0), describe(row, labels))


def describe(row: Row, labels: Labels) -> str:
    """What hovering over a concept says: its name on the first line, its figures on the second."""
    known = f"{count(row.count)} training image{'' if row.count == 1 else 's'}"
    ends = interval([row.count_low, row.count_high])
    parts = [known + (f" ({ends})" if ends and row.count_low != row.count_high else "")]
    if row.score is not None:
        error = f" ± {decimal(row.score_se)}" if row.score_se is not None else ""
        parts.append(f"score {decimal(row.score)}{error}")
    if row.identified is not None:
        parts.append("identified" if row.identified else "not identified")
    return f"{isolated(labels[row.name])}\n{', '.join(parts)}"


def identification_charts(threshold: dict[str, Any], rows: Sequence[Row], labels: Labels, words: Words) -> list[Chart]:
    """Share identified by count in every size; empty where no concept was ranked."""
    ranked = sorted(
        (row for row in rows if row.identified is not None and row.count is not None and not row.excluded),
        key=lambda row: (row.count or 0.0, row.name),
    )
    if not ranked:
        return []
    return [_identification_chart(size, threshold, ranked, labels, words) for size in SIZES]


def _identification_chart(
    size: Size, threshold: dict[str, Any], rows: list[Row], labels: Labels, words: Words
) -> Chart:
    facts = threshold.get("identification") or {}
    curve = fitted(facts.get("curve"), "p")
    highest = max([row.count or 0.0 for row in rows] + [1.0])
    chart = Chart(
        size, highest, -0.08, 1.08, f"{words.training_image}s of the {words.concept} (log scale)", "identified"
    )
    chart.set_y_ticks([0, 0.25, 0.5, 0.75, 1], lambda value: percent(value))
    if facts.get("chance") is not None:
        chart.line("chance", [(0, facts["chance"]), (highest, facts["chance"])])
    if curve is not None:
        chart.area("band", curve.band())
        chart.line("fit", curve.line())
    for key in ("n50", "n90"):
        if facts.get(key) is not None:
            chart.mark("ours", facts[key], f"{key.upper()} {count(facts[key])}")
    chart.whiskers = [_whisker(chart, group) for group in by_count(rows)]
    for row in evenly(rows):
        style, y = ("yes", chart.y(1.05)) if row.identified else ("no", chart.y(-0.05))
        chart.points.append(Point(style, chart.x(row.count or 0.0), y, describe(row, labels)))
    return chart


def by_count(rows: Sequence[Row]) -> list[list[Row]]:
    """Groups of concepts of similar count: 0 alone, then about two groups a factor of ten, each of one or more."""
    groups: dict[int, list[Row]] = {}
    for row in rows:
        number = row.count or 0.0
        groups.setdefault(-1 if number < 0.5 else math.floor(2 * math.log10(max(number, 1.0))), []).append(row)
    return [groups[key] for key in sorted(groups)]


def _whisker(chart: Chart, group: list[Row]) -> Whisker:
    hits, total = sum(bool(row.identified) for row in group), len(group)
    low, high = wilson(hits, total)
    counts = [row.count or 0.0 for row in group]
    middle = 10 ** (sum(position(value) for value in counts) / total) - 1
    around = interval([min(counts), max(counts)])
    title = f"{around} training images\n{hits} of {total} identified ({percent(low)} to {percent(high)})"
    return Whisker(chart.x(middle), chart.y(hits / total), chart.y(low), chart.y(high), title)


def wilson(hits: int, total: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a proportion (Wilson 1927)."""
    share, z = hits / total, Z95**2 / total
    middle = (share + z / 2) / (1 + z)
    half = math.sqrt(share * (1 - share) * Z95**2 / total + Z95**4 / (4 * total**2)) / (1 + z)
    return (0.0 if hits == 0 else middle - half), (1.0 if hits == total else middle + half)
