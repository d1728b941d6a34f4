"""One cell of the study: the same world, noise, number of concepts and bin table, simulated many times.

Studies of a cell come in blocks of ten that share their counts; every block of a cell has its own. Cells that differ in
world or noise only meet the same counts, so that what differs between them is not the counts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from mimetic2.seeding import generator
from mimetic2.threshold.batch import DRAWS, Intervals, Judgement, judge_many
from mimetic2.threshold.intervals import ramp_midpoint
from mimetic2.threshold.paper import PENALTY
from mimetic2.threshold.segmentation import Floats, batched_change_points
from mimetic2.threshold.shapes import Design
from mimetic2.validation.bins import draw_counts
from mimetic2.validation.worlds import Truth, draw_noise, draw_truth, spread

BLOCK = 10
_NORMAL_QUANTILE = 1.6448536269514722  # of .95


@dataclass(frozen=True)
class Cell:
    """What is simulated, again and again: studies of ``n`` concepts."""

    world: str
    rise: float
    noise: str
    n: int
    table: str
    seed: int = 0
    level: float = 0.95
    draws: int = DRAWS


@dataclass
class Records:
    """What the studies of a cell gave, study by study; those about a true step only where there is one.

    ``decades`` is log10(high / low) of the interval; ``log_ratio`` and ``paper_log_ratio`` are log10 of the named count
    over the first observed count at or above the true step; ``paper`` is the count that the paper's rule names.
    ``midpoint_covered`` tells of the ramp's midpoint, None where its interval leaves the observed counts.
    ``attainable`` is :func:`attainable_power` of the first study of each block.
    """

    verdict: list[str] = field(default_factory=list)
    paper: list[float | None] = field(default_factory=list)
    covered: list[bool] = field(default_factory=list)
    decades: list[float] = field(default_factory=list)
    log_ratio: list[float] = field(default_factory=list)
    paper_log_ratio: list[float | None] = field(default_factory=list)
    midpoint_covered: list[bool | None] = field(default_factory=list)
    attainable: list[float] = field(default_factory=list)

    def extend(self, more: Records) -> None:
        """Append the studies of ``more``."""
        for name, values in vars(more).items():
            getattr(self, name).extend(values)

    def first(self, blocks: int) -> Records:
        """The studies of the first ``blocks`` blocks."""
        lengths = {name: blocks if name == "attainable" else blocks * BLOCK for name in vars(self)}
        return Records(**{name: values[: lengths[name]] for name, values in vars(self).items()})


def simulate(cell: Cell, blocks: range) -> Records:
    """Simulate and judge ``blocks`` of ``cell``; a block is the same whichever others are simulated with it."""
    records = Records()
    for block in blocks:
        _simulate_block(cell, block, records)
    return records


def _simulate_block(cell: Cell, block: int, records: Records) -> None:
    counts, design = _design(cell.table, cell.n, cell.seed, block)
    rng = generator(cell.seed, cell.world, str(cell.rise), cell.noise, cell.n, cell.table, block)
    truths = [draw_truth(cell.world, cell.rise, counts, rng) for _ in range(BLOCK)]
    scores = np.array([truth.mean + draw_noise(cell.noise, counts, rng) for truth in truths])
    intervals = Intervals.ALWAYS if cell.world == "step" else Intervals.NEVER
    judged = judge_many(design, scores, rng, draws=cell.draws, level=cell.level, intervals=intervals)
    breaks = batched_change_points(scores, PENALTY)
    for truth, values, found, cuts in zip(truths, scores, judged, breaks, strict=True):
        paper = float(counts[cuts[0]]) if cuts else None
        records.verdict.append(found.verdict.value)
        records.paper.append(paper)
        if truth.step is not None:
            _record_step(truth.step, found, paper, counts, records)
        if truth.midpoint is not None:
            interval = ramp_midpoint(design, values, design.fit(values)["ramp"], cell.level).interval
            records.midpoint_covered.append(None if interval is None else interval[0] <= truth.midpoint <= interval[1])
    if truths[0].step is not None:
        power = attainable_power(counts, truths[0], spread(cell.noise, counts))
        records.attainable.append(round(power, 4))


def _record_step(step: float, found: Judgement, paper: float | None, counts: Floats, records: Records) -> None:
    upper = float(counts[counts >= step][0])
    lower = float(counts[counts < step][-1])
    if found.interval is None:
        raise AssertionError("a step's interval is computed whatever the verdict")
    records.covered.append(found.interval.low <= upper and found.interval.high > lower)
    records.decades.append(round(math.log10(found.interval.high / found.interval.low), 4))
    records.log_ratio.append(round(math.log10(found.step / upper), 4))
    records.paper_log_ratio.append(None if paper is None else round(math.log10(max(paper, 1) / upper), 4))


def attainable_power(counts: Floats, truth: Truth, sd: Floats) -> float:
    """Power of the most powerful 5 % test of the nearest smooth curve against the true one, both fully known.

    By Neyman and Pearson no test of this level that holds for smooth curves finds the step more often, whatever it
    estimates from the data. The nearest curve is searched on the grid of the shapes; noise normal with known ``sd``.
    """
    weights = 1 / sd**2
    design = Design(counts, weights)
    distance = design.fit(truth.mean)["ramp"].rss * weights.mean()
    return 0.5 * math.erfc((_NORMAL_QUANTILE - math.sqrt(distance)) / math.sqrt(2))


@lru_cache(maxsize=128)
def _design(table: str, n: int, seed: int, block: int) -> tuple[Floats, Design]:
    counts = draw_counts(table, n, generator(seed, "counts", table, n, block))
    return counts, Design(counts)
