"""The geometry of the page's charts; the templates draw it as SVG.

Drawn by hand rather than by a plotting library, because the page forbids `eval`, takes its colours from the reader's
light or dark setting, and lets a keyboard walk through the points. Every chart exists in two sizes, so that its text
stays readable on a phone; the style sheet shows one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from mimetic2.report.numerals import count_ticks, position, short_count


@dataclass(frozen=True)
class Size:
    """Outer size of a chart in its own units, which are CSS pixels at full width."""

    name: str
    width: int
    height: int
    left: int = 52
    right: int = 14
    top: int = 46
    bottom: int = 46


SIZES = (Size("wide", 860, 440), Size("narrow", 360, 340, left=46, right=10, bottom=44))


@dataclass(frozen=True)
class Tick:
    """A tick's place along its axis, and its label."""

    at: float
    label: str


@dataclass(frozen=True)
class Path:
    """A line or an area: its style's name and its SVG path."""

    style: str
    d: str


@dataclass(frozen=True)
class Band:
    """A rectangle behind the data."""

    style: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Marker:
    """A vertical line at a count, with a label above the plot."""

    style: str
    x: float
    label: str
    label_y: float
    anchor: str


@dataclass(frozen=True)
class Point:
    """A concept's place, and the text that names it."""

    style: str
    x: float
    y: float
    title: str


@dataclass(frozen=True)
class Whisker:
    """A vertical interval with its estimate."""

    x: float
    y: float
    low: float
    high: float
    title: str


@dataclass
class Chart:
    """Everything of one chart in one size, in SVG units."""

    size: Size
    highest: float
    y_low: float
    y_high: float
    x_label: str
    y_label: str
    x_ticks: list[Tick] = field(default_factory=list)
    y_ticks: list[Tick] = field(default_factory=list)
    bands: list[Band] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)
    markers: list[Marker] = field(default_factory=list)
    whiskers: list[Whisker] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.x_ticks = [Tick(self.x(tick), short_count(tick)) for tick in count_ticks(self.highest, dense=False)]

    @property
    def plot(self) -> tuple[float, float, float, float]:
        """Left, top, width and height of the plot's area."""
        size = self.size
        return size.left, size.top, size.width - size.left - size.right, size.height - size.top - size.bottom

    def x(self, count: float) -> float:
        """Where a count stands."""
        left, _, width, _ = self.plot
        # Half a step of air on both sides keeps the points at 0 and at the end off the frame.
        return round(left + 10 + (width - 20) * position(count) / max(position(self.highest), 1e-9), 1)

    def y(self, value: float) -> float:
        """Where a value stands; values outside the axis are drawn on its edge."""
        _, top, _, height = self.plot
        share = (min(max(value, self.y_low), self.y_high) - self.y_low) / (self.y_high - self.y_low)
        return round(top + height * (1 - share), 1)

    def set_y_ticks(self, values: Iterable[float], label: Callable[[float], str]) -> None:
        """Label the vertical axis."""
        self.y_ticks = [Tick(self.y(value), label(value)) for value in values]

    def line(self, style: str, points: Sequence[tuple[float, float | None]]) -> None:
        """A line through (count, value); a missing value interrupts it."""
        pieces, pen = [], "M"
        for count, value in points:
            if value is None:
                pen = "M"
                continue
            pieces.append(f"{pen}{self.x(count)} {self.y(value)}")
            pen = "L"
        if len(pieces) > 1:
            self.paths.append(Path(style, "".join(pieces)))

    def area(self, style: str, points: Sequence[tuple[float, float | None, float | None]]) -> None:
        """The area between two curves of (count, low, high), where both exist."""
        whole = [(count, low, high) for count, low, high in points if low is not None and high is not None]
        if len(whole) < 2:
            return
        upper = [f"{self.x(count)} {self.y(high)}" for count, _, high in whole]
        lower = [f"{self.x(count)} {self.y(low)}" for count, low, _ in reversed(whole)]
        self.paths.append(Path(style, "M" + "L".join(upper + lower) + "Z"))

    def span(self, style: str, low: float, high: float) -> None:
        """A vertical band over an interval of counts."""
        _, top, _, height = self.plot
        left, right = self.x(low), self.x(min(high, self.highest))
        self.bands.append(Band(style, left, top, max(round(right - left, 1), 2.0), height))

    def shelf(self, style: str, low: float, high: float) -> None:
        """A horizontal band over an interval of values."""
        left, _, width, _ = self.plot
        upper, lower = self.y(high), self.y(low)
        self.bands.append(Band(style, left, upper, width, max(round(lower - upper, 1), 1.0)))

    def mark(self, style: str, count: float, label: str) -> None:
        """A vertical line at ``count`` with a label above the plot, away from the other marker's line if it fits."""
        x, row = self.x(count), len(self.markers)
        side = "middle"
        if self.markers:
            other = self.markers[0]
            side = "start" if x >= other.x else "end"
            opposite = "end" if x >= other.x else "start"
            self.markers[0] = replace(other, anchor=self._fitting(opposite, other.x, other.label))
        self.markers.append(Marker(style, x, label, 16.0 + 17 * row, self._fitting(side, x, label)))

    def _fitting(self, side: str, x: float, label: str) -> str:
        """The wanted side of a label, or the other one if the label would leave the drawing there."""
        length = 8.0 * len(label) * (0.5 if side == "middle" else 1) + 6
        if side in ("start", "middle") and x + length > self.size.width:
            return "end"
        return "start" if side in ("end", "middle") and x - length < 0 else side
