"""Counts that are uncertain themselves: their intervals carried into the threshold, the onset and N50.

The true counts are drawn from their intervals (on log10(1 + count), normal with each side's own width), everything is
located anew, and the shifts are added to the interval that takes the counts as given: the two errors are independent,
so half-widths add in squares on the log scale. For onset, N50 and N90 the mean shift is inside that sum: blurring
recorded counts once more moves an estimate by about as much as the first blur did (Cook & Stefanski 1994), so it stands
for the bias. A threshold lies in the middle of its rise, and in simulations the second blur moved it, on average, where
the first had not: there only the shifts' spread counts (docs/validation has the coverage).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mimetic2.seeding import generator
from mimetic2.threshold.checks.setting import Setting
from mimetic2.threshold.conclusion import Conclusion
from mimetic2.threshold.curve import Curve, Onset, average
from mimetic2.threshold.identification import Crossing, Identification, crossings
from mimetic2.threshold.intervals import normal_quantile
from mimetic2.threshold.observations import Observations
from mimetic2.threshold.segmentation import Floats
from mimetic2.threshold.shapes import Design, variance_floor
from mimetic2.threshold.verdict import lowest

DRAWS = 40


@dataclass(frozen=True)
class Shifts:
    """How far the estimates move, in log10(1 + count), when counts are drawn from their intervals; (draws,) each.

    NaN where a draw has no such estimate. ``kept``: share of draws in which the same shape has the lowest BIC.
    """

    threshold: Floats
    onset: Floats
    n50: Floats
    n90: Floats
    kept: float
    shape: str

    @property
    def threshold_spread(self) -> Floats:
        """The threshold's shifts around their mean."""
        known = self.threshold[np.isfinite(self.threshold)]
        return self.threshold - (known.mean() if len(known) else 0.0)


def uncertain(observed: Observations) -> bool:
    """Whether any count has an interval wider than a point."""
    low, high = observed.beside.count_low, observed.beside.count_high
    return low is not None and high is not None and bool(np.any(high > low))


def drawn_counts(observed: Observations, level: float, rng: np.random.Generator, draws: int) -> Floats:
    """Counts (draws, n) drawn from their intervals at ``level``, inside which they lie; NaN ends: certain."""
    low, high = observed.beside.count_low, observed.beside.count_high
    if low is None or high is None:
        return np.repeat(observed.counts[np.newaxis, :], draws, axis=0)
    centre, quantile = np.log10(1 + observed.counts), normal_quantile(level)
    below = np.nan_to_num((centre - np.log10(1 + low)) / quantile)
    above = np.nan_to_num((np.log10(1 + high) - centre) / quantile)
    normal = rng.standard_normal((draws, len(centre)))
    x = centre + normal * np.where(normal < 0, np.maximum(below, 0), np.maximum(above, 0))
    return np.asarray(np.maximum(10**x - 1, 0.0))


def shifts(
    observed: Observations,
    found: Conclusion,
    curve: Curve,
    onset: Onset | None,
    ranked: Identification | None,
    setting: Setting,
) -> Shifts:
    """Locate everything anew at drawn counts; ``curve`` gives the depth of the band that an onset must clear."""
    counts = drawn_counts(observed, setting.level, generator(setting.seed, "uncertain counts"), DRAWS)
    top = np.inf
    if observed.null_score is not None and onset is not None:
        present = observed.null_score[np.isfinite(observed.null_score)]
        top = float(np.quantile(present, (1 + setting.level) / 2))
    locate = _Locator(found, curve, top, None if ranked is None else (ranked.floor, ranked.ceiling))
    start, _ = locate(observed)
    places, shapes = zip(*(locate(observed.with_counts(row)) for row in counts), strict=True)
    moved = np.array(places) - start
    best = lowest(found.fits)
    kept = float(np.mean([shape == best for shape in shapes]))
    return Shifts(moved[:, 0], moved[:, 1], moved[:, 2], moved[:, 3], kept, best)


@dataclass(frozen=True)
class _Locator:
    """Finds the places of one analysis at other counts: same weights, same depth of band, same floor and ceiling."""

    found: Conclusion
    curve: Curve
    top: float
    ends: tuple[float, float] | None

    def __call__(self, observed: Observations) -> tuple[Floats, str]:
        """Places (log10(1 + count)) of threshold, onset, N50, N90 (NaN: none), and the shape with the lowest BIC."""
        tau2, se = self.found.tau2, observed.score_se
        design = Design(observed.counts, None if tau2 is None or se is None else 1 / (se**2 + tau2))
        batch = design.fit_many(observed.scores[np.newaxis, :], variance_floor(observed.scores))
        kind = "ramp" if self.found.place.kind == "midpoint" else "step"
        column = int(batch.columns[kind][0])
        place = float(design.ramps.midpoints[column] if kind == "ramp" else design.x[column + 1])
        depth = np.interp(design.x, np.log10(1 + self.curve.count), self.curve.score - self.curve.low)
        above = np.flatnonzero(average(design, batch)[0] - depth > self.top)
        start = float(design.x[above[0]]) if len(above) else np.nan
        places = np.array([place, start, *self._crossings(observed)])
        places[np.isinf(places)] = np.nan
        return places, lowest(design.single(batch, 0))

    def _crossings(self, observed: Observations) -> tuple[float, float]:
        if self.ends is None or observed.identified is None:
            return np.nan, np.nan
        ranked = np.isfinite(observed.identified)
        return crossings(observed.counts[ranked], observed.identified[ranked], *self.ends)


def widened(count: int, interval: tuple[int, int] | None, moved: Floats, level: float) -> tuple[int, int] | None:
    """The interval with the shifts' share added; None where too many draws have no such estimate."""
    if interval is None:
        return None
    ends = widened_ends(count, interval, moved, level)
    return None if ends[0] is None or ends[1] is None else (ends[0], ends[1])


def widened_ends(
    count: int, bounds: tuple[int | None, int | None], moved: Floats, level: float
) -> tuple[int | None, int | None]:
    """Ends moved away from ``count``, each None that was None; both None where too many draws have no estimate."""
    known = moved[np.isfinite(moved)]
    if len(known) < level * len(moved):
        return None, None
    extra = (normal_quantile(level) ** 2) * float(np.mean(known**2))
    x = np.log10(1 + count)

    def end(value: int | None, side: int, rounded: Callable[[float], float]) -> int | None:
        if value is None:
            return None
        half = abs(np.log10(1 + value) - x)
        moved_to = 10 ** (x + side * np.sqrt(half**2 + extra)) - 1
        return int(rounded(max(0.0, round(float(moved_to), 6))))

    return end(bounds[0], -1, np.floor), end(bounds[1], 1, np.ceil)


def widen_conclusion(found: Conclusion, moved: Shifts, level: float) -> Conclusion:
    """The conclusion with its interval widened; the interval at the given counts stays in the details."""
    place = found.place
    if place.threshold is None:
        return found
    interval = widened(place.threshold, place.interval, moved.threshold_spread, level)
    given = None if place.interval is None else list(place.interval)
    details = dict(place.details) | {"interval_at_given_counts": given}
    return replace(found, place=replace(place, interval=interval, details=details))


def widen_onset(onset: Onset | None, moved: Shifts, level: float) -> Onset | None:
    """The onset with its interval widened."""
    return onset and Onset(onset.count, widened(onset.count, onset.interval, moved.onset, level))


def widen_identification(ranked: Identification | None, moved: Shifts, level: float) -> Identification | None:
    """N50 and N90 with widened bounds."""
    if ranked is None:
        return None
    return replace(ranked, half=_widen(ranked.half, moved.n50, level), most=_widen(ranked.most, moved.n90, level))


def _widen(crossing: Crossing, moved: Floats, level: float) -> Crossing:
    if crossing.count is None:
        return crossing
    bounds = widened_ends(crossing.count, crossing.bounds, moved, level)
    lost = "counts are too uncertain for an interval" if bounds == (None, None) != crossing.bounds else ""
    return replace(crossing, bounds=bounds, note="; ".join(part for part in (crossing.note, lost) if part))


def summary(moved: Shifts) -> dict[str, Any]:
    """What the details of threshold.json say about the counts' uncertainty."""
    known = moved.threshold[np.isfinite(moved.threshold)]
    spread = float(np.sqrt(np.mean(known**2))) if len(known) else None
    return {
        "count_draws": DRAWS,
        "count_shift_decades": None if spread is None else round(spread, 6),
        "count_shape_kept": round(moved.kept, 6),
    }
