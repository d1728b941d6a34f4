"""What a study of a given size would conclude, by simulating it: verdicts, errors, intervals."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mimetic2.planning.allocation import Floats
from mimetic2.planning.scenarios import Scenario
from mimetic2.seeding import generator
from mimetic2.threshold.batch import Intervals, Judgement, judge_many
from mimetic2.threshold.intervals import ramp_midpoint
from mimetic2.threshold.shapes import Design
from mimetic2.threshold.verdict import AHEAD, Verdict

_BLOCK = 10  # studies judged between two signs of progress


@dataclass(frozen=True)
class Power:
    """Rates of the four verdicts over simulated studies of one truth, with their Monte Carlo ``errors``.

    ``factor``: median of high / low over the studies whose verdict names a threshold with an interval, with its error
    and quartiles; None where fewer than a tenth do. ``right`` is the rate of the right verdict, ``wrong`` of the wrong
    ones; the rest is undecided.
    """

    concepts: int
    truth: str
    words: str
    rates: dict[str, float]
    errors: dict[str, float]
    right: float
    right_error: float
    wrong: float
    factor: float | None
    factor_error: float | None
    factor_quartiles: tuple[float, float] | None
    runs: int


def simulate(
    counts: Floats,
    noise: Floats,
    scenario: Scenario,
    *,
    runs: int,
    seed: int,
    level: float,
    advance: Callable[[int], None] = lambda _: None,
) -> Power:
    """Judge ``runs`` studies with these ``counts`` (n,), whose scores have standard deviation ``noise`` (n,).

    ``advance`` is told how many studies are done, a few at a time.
    """
    order = np.argsort(counts, kind="stable")
    counts, noise = counts[order], noise[order]
    rng = generator(seed, "plan", scenario.shape, len(counts))
    design = Design(counts, 1 / noise**2)
    scores = scenario.mean(counts) + noise * rng.standard_normal((runs, len(counts)))
    judged: list[Judgement] = []
    for start in range(0, runs, _BLOCK):
        block = scores[start : start + _BLOCK]
        judged += judge_many(design, block, rng, level=level, intervals=Intervals.STEP, early=True)
        advance(len(block))
    factors = [_factor(design, own, found, level) for found, own in zip(judged, scores, strict=True)]
    return _summary(scenario, len(counts), [found.verdict for found in judged], factors)


def _summary(scenario: Scenario, concepts: int, verdicts: list[Verdict], factors: list[float | None]) -> Power:
    tally, runs = Counter(verdicts), len(verdicts)
    wrong = sum(tally[verdict] for verdict in Verdict if verdict not in (scenario.right, Verdict.UNDECIDED))
    known = np.sort([factor for factor in factors if factor is not None])
    enough = len(known) >= max(runs / 10, 1)
    return Power(
        concepts=concepts,
        truth=scenario.shape,
        words=scenario.words,
        rates={verdict.value: tally[verdict] / runs for verdict in Verdict},
        errors={verdict.value: rate_error(tally[verdict], runs) for verdict in Verdict},
        right=tally[scenario.right] / runs,
        right_error=rate_error(tally[scenario.right], runs),
        wrong=wrong / runs,
        factor=float(np.median(known)) if enough else None,
        factor_error=_median_error(known) if enough else None,
        factor_quartiles=(float(np.quantile(known, 0.25)), float(np.quantile(known, 0.75))) if enough else None,
        runs=runs,
    )


def rate_error(hits: int, runs: int) -> float:
    """Monte Carlo standard error of a rate, not 0 where all or none are hits (Agresti & Coull 1998)."""
    share, number = (hits + 2) / (runs + 4), runs + 4
    return math.sqrt(share * (1 - share) / number)


def _median_error(ordered: Floats) -> float:
    """Half the distance between the order statistics one standard error below and above the median."""
    n, half = len(ordered), math.sqrt(len(ordered)) / 2
    low, high = math.floor((n - 1) / 2 - half), math.ceil((n - 1) / 2 + half)
    return float(ordered[min(high, n - 1)] - ordered[max(low, 0)]) / 2


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
