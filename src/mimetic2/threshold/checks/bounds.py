"""One-sided statements: a number below or above which the threshold does not lie, and where imitation surely holds.

A pointwise one-sided band of a rising curve bounds the count where the curve crosses a level: with N* the crossing, a
lower band that is already above the level at N says N* < N, and it errs only where the band errs at N* itself.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mimetic2.seeding import generator
from mimetic2.threshold.checks.setting import Setting
from mimetic2.threshold.checks.uncertain import Shifts, widened_ends
from mimetic2.threshold.conclusion import Conclusion
from mimetic2.threshold.intervals import ramp_midpoint, step_interval
from mimetic2.threshold.segmentation import Floats


@dataclass(frozen=True)
class Bounds:
    """Each at the one-sided ``level``, each None where the data do not allow it.

    ``threshold_at_least`` and ``threshold_at_most`` belong to the verdict's threshold. ``imitated_from``: from this
    count on the expected score lies above the null band. ``not_imitated_up_to``: up to this count it lies below the top
    of the null band.
    """

    level: float
    threshold_at_least: int | None
    threshold_at_most: int | None
    imitated_from: int | None
    not_imitated_up_to: int | None

    def to_dict(self) -> dict[str, Any]:
        """The ``bounds`` part of threshold.json."""
        return asdict(self)


def one_sided(
    found: Conclusion, drawn: Floats, null_score: Floats | None, moved: Shifts | None, setting: Setting
) -> Bounds:
    """Bounds of a conclusion.

    ``drawn`` (draws, levels): curves of the bootstrap; ``null_score`` (n,); ``moved``: what uncertain counts change.
    """
    level, seed = setting.level, setting.seed
    least, most = _of_threshold(found, level, seed, len(drawn))
    start, end = None, None
    if null_score is not None:
        start, end = _of_curve(found.design.counts, drawn, null_score, level, generator(seed, "bounds"))
    if moved is not None:
        twice = 2 * level - 1
        if found.place.threshold is not None:
            least, most = widened_ends(found.place.threshold, (least, most), moved.threshold_spread, twice)
        start = None if start is None else widened_ends(start, (None, start), moved.onset, twice)[1]
        end = None if end is None else widened_ends(end, (end, None), moved.onset, twice)[0]
    return Bounds(level, least, most, start, end)


def _of_threshold(found: Conclusion, level: float, seed: int, draws: int) -> tuple[int | None, int | None]:
    """Ends of the two-sided interval at 2·level − 1: each end is a one-sided bound at ``level``."""
    twice = 2 * level - 1
    if found.place.kind == "step":
        rng = generator(seed, "interval")
        interval = step_interval(found.design, found.scores, found.fits["step"], twice, rng, draws)
        return interval.low, interval.high
    if found.place.kind == "midpoint":
        pair = ramp_midpoint(found.design, found.scores, found.fits["ramp"], twice).interval
        return pair or (None, None)
    return None, None


def _of_curve(
    counts: Floats, drawn: Floats, null_score: Floats, level: float, rng: np.random.Generator
) -> tuple[int | None, int | None]:
    """First count surely above the null band and last count surely below its top (band at ``level``, resampled)."""
    present = null_score[np.isfinite(null_score)]
    resampled = rng.choice(present, (len(drawn), len(present)))
    tops = np.quantile(resampled, (1 + level) / 2, axis=1)
    above = drawn - tops[:, np.newaxis]
    surely_above = np.flatnonzero(np.quantile(above, 1 - level, axis=0) > 0)
    surely_below = np.flatnonzero(np.quantile(above, level, axis=0) < 0)
    start = int(np.ceil(counts[surely_above[0]])) if len(surely_above) else None
    end = int(np.floor(counts[surely_below[-1]])) if len(surely_below) else None
    return start, end
