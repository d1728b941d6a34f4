"""How often the checks beside the verdict err, in simulated worlds whose truth is known: the table of docs/checks.md.

python benchmarks/check_rates.py [--runs 200]

Counts are log-uniform from 0 to 30 000, noise is normal with sd .08, the rise is .3 at 150 images. Every rate has the
Monte Carlo standard error of its runs beside it. Deterministic.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator

import numpy as np

from mimetic2.threshold import SideColumns, find_threshold
from mimetic2.threshold.checks.monotone import monotone_test
from mimetic2.threshold.checks.places import curve_test, group_curves, place_test
from mimetic2.threshold.checks.pooling import pool
from mimetic2.threshold.checks.two_steps import fit_two_steps
from mimetic2.threshold.conclusion import conclude
from mimetic2.threshold.segmentation import Floats

PLACE, HEIGHT, NOISE, DRAWS = 150.0, 0.3, 0.08, 99
X = float(np.log10(1 + PLACE))
Hits = dict[str, list[bool]]


def world(rng: np.random.Generator, n: int, kind: str, floors: Floats | float = 0.0) -> tuple[Floats, Floats]:
    """Counts ascending, and scores: flat, step, or ramp (80 % within 1.3 decades), from ``floors`` to the same top."""
    counts = np.sort(np.round(10 ** rng.uniform(0, 4.5, n) - 1))
    x = np.log10(1 + counts)
    mean = {"flat": 0 * x, "step": 1.0 * (x >= X), "ramp": 1 / (1 + np.exp(-(x - X) / 0.3))}[kind]
    return counts, np.asarray(floors + (HEIGHT - floors) * mean + rng.normal(0, NOISE, n))


def two_steps(rng: np.random.Generator, hits: Hits) -> None:
    """A second rise seen where there is none."""
    for kind in ("step", "ramp"):
        counts, scores = world(rng, 120, kind)
        found = conclude(counts, scores, None, level=0.95, seed=0, draws=19)
        two = fit_two_steps(found.design, scores, found.fits, rng, DRAWS)
        hits.setdefault(f"two steps established on one {kind}", []).append(bool(two and two.holds))


def falls(rng: np.random.Generator, hits: Hits) -> None:
    """A fall seen where the score only rises."""
    for kind in ("flat", "ramp"):
        counts, scores = world(rng, 80, kind)
        found = conclude(counts, scores, None, level=0.95, seed=0, draws=19)
        tested = monotone_test(found, rng, DRAWS)
        hits.setdefault(f"monotone doubtful on a {kind} world", []).append(bool(tested and tested.p <= 0.05))


def groups(rng: np.random.Generator, hits: Hits) -> None:
    """Differences seen between groups of 60, 60 and 9 with the same place; how often the pooled interval covers."""
    for kind, rise in (("step", 0.0), ("ramp", 0.6 * np.log(9))):
        counts, scores = world(rng, 129, kind)
        label = rng.permutation(np.repeat([0, 1, 2], [60, 60, 9]))
        found = conclude(counts, scores, None, level=0.95, seed=0, draws=19)
        members = [np.flatnonzero(label == k) for k in range(3)]
        curves = group_curves(found, members, rise)
        everyone = group_curves(found, [np.arange(129)], rise)
        hits.setdefault(f"one curve rejected, equal groups, {kind}", []).append(
            curve_test(everyone, curves, scores, rng, DRAWS) <= 0.05
        )
        hits.setdefault(f"one place rejected, equal groups, {kind}", []).append(
            place_test(curves, scores, rng, DRAWS) <= 0.05
        )
        others, unequal = world(rng, 129, kind, 0.05 * label)
        apart = group_curves(conclude(others, unequal, None, level=0.95, seed=0, draws=19), members, rise)
        hits.setdefault(f"one place rejected, floors differ, {kind}", []).append(
            place_test(apart, unequal, rng, DRAWS) <= 0.05
        )
        for size, place in zip(("60", "60", "9"), pool(curves, scores, 0.95).places, strict=True):
            hits.setdefault(f"pooled 95 % interval covers, group of {size}, {kind}", []).append(
                place.low <= X <= place.high
            )


def uncertain_counts(rng: np.random.Generator, hits: Hits) -> None:
    """Counts recorded with an error of .1 decades: the interval at given counts, and the widened one."""
    true, scores = world(rng, 150, "step")
    x = np.log10(1 + true) + rng.normal(0, 0.1, len(true))
    counts = np.round(10**x - 1).clip(0)
    low, high = (((1 + counts) * 10 ** (sign * 0.196) - 1).clip(0) for sign in (-1, 1))
    result = find_threshold(counts, scores, beside=SideColumns(count_low=low, count_high=high), draws=DRAWS)
    if result.interval is None or result.verdict != "step":
        return
    given = result.details["interval_at_given_counts"]
    hits.setdefault("step interval at given counts covers", []).append(given[0] <= PLACE <= given[1])
    hits.setdefault("the same, widened by the counts' intervals", []).append(
        result.interval[0] <= PLACE <= result.interval[1]
    )


def one_sided(rng: np.random.Generator, hits: Hits) -> None:
    """Bounds on the count where the curve crosses the null band's top, here the middle of a ramp."""
    counts, scores = world(rng, 120, "ramp")
    bounds = find_threshold(counts, scores, null_score=np.full(120, HEIGHT / 2), draws=DRAWS).bounds
    if bounds is None:
        return
    start, end = bounds.imitated_from, bounds.not_imitated_up_to
    hits.setdefault("'imitated from' too early", []).append(start is not None and start < PLACE)
    hits.setdefault("'not imitated up to' too late", []).append(end is not None and end > PLACE)


STUDIES: tuple[Callable[[np.random.Generator, Hits], None], ...] = (
    two_steps,
    falls,
    groups,
    uncertain_counts,
    one_sided,
)


def rates(runs: int) -> Iterator[tuple[str, int, float, float]]:
    """Name, runs, rate and Monte Carlo standard error of every rate."""
    for study in STUDIES:
        hits: Hits = {}
        for seed in range(runs):
            study(np.random.default_rng(seed), hits)
        for name, values in hits.items():
            rate = float(np.mean(values))
            yield name, len(values), rate, float(np.sqrt(rate * (1 - rate) / len(values)))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200)
    print("| event | runs | rate |\n|---|---|---|")
    for name, runs, rate, error in rates(parser.parse_args().runs):
        print(f"| {name} | {runs} | {100 * rate:.1f} % ± {100 * error:.1f} |", flush=True)


if __name__ == "__main__":
    main()
