"""What a study of a given size would conclude, by simulating it: verdicts, errors, intervals."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from mimetic2.planning.allocation import Floats
from mimetic2.planning.scenarios import Scenario
from mimetic2.seeding import generator
from mimetic2.threshold.batch import Intervals, Judgement, judge_many
from mimetic2.threshold.intervals import ramp_midpoint
from mimetic2.threshold.shapes import Design
from mimetic2.threshold.verdict import AHEAD, Verdict


@dataclass(frozen=True)
class Power:
    """Rates of the four verdicts over simulated studies of one truth.

    ``factor``: median of high / low over the studies whose verdict names a threshold with an interval, None where fewer
    than a tenth do. ``right`` is the rate of the right verdict, ``wrong`` of the wrong ones; the rest is undecided.
    """

    concepts: int
    truth: str
    words: str
    rates: dict[str, float]
    right: float
    wrong: float
    factor: float | None
    runs: int


def simulate(counts: Floats, noise: Floats, scenario: Scenario, *, runs: int, seed: int, level: float) -> Power:
    """Judge ``runs`` studies with these ``counts`` (n,), whose scores have standard deviation ``noise`` (n,)."""
    order = np.argsort(counts, kind="stable")
    counts, noise = counts[order], noise[order]
    rng = generator(seed, "plan", scenario.shape, len(counts))
    design = Design(counts, 1 / noise**2)
    scores = scenario.mean(counts) + noise * rng.standard_normal((runs, len(counts)))
    judged = judge_many(design, scores, rng, level=level, intervals=Intervals.STEP)
    tally = Counter(found.verdict for found in judged)
    rates = {verdict.value: tally[verdict] / runs for verdict in Verdict}
    wrong = sum(tally[verdict] for verdict in Verdict if verdict not in (scenario.right, Verdict.UNDECIDED))
    factors = [
        factor
        for found, own in zip(judged, scores, strict=True)
        if (factor := _factor(design, own, found, level)) is not None
    ]
    return Power(
        concepts=len(counts),
        truth=scenario.shape,
        words=scenario.words,
        rates=rates,
        right=rates[scenario.right.value],
        wrong=wrong / runs,
        factor=float(np.median(factors)) if len(factors) >= max(runs / 10, 1) else None,
        runs=runs,
    )


def _factor(design: Design, scores: Floats, found: Judgement, level: float) -> float | None:
    """High / low of the interval that belongs to the verdict; counts from 1, so that 0 has a ratio."""
    if found.interval is not None:
        return (1 + found.interval.high) / (1 + found.interval.low)
    if found.verdict is not Verdict.GRADUAL:
        return None
    fits = design.fit(scores)
    if fits["linear"].bic - fits["ramp"].bic <= AHEAD:
        return None
    pair = ramp_midpoint(design, scores, fits["ramp"], level).interval
    return None if pair is None else (1 + pair[1]) / (1 + pair[0])
