"""Two choices of the verdict and the bound on a rise not seen, in simulated worlds: the figures of docs/statistics.md.

python benchmarks/verdict_choices.py [--runs 400] [--only hinge|residuals|narrow|bound]

The rise is .25 (of the bound's worlds .2) and its seeds belong to no other study here; counts are log-uniform from 1 to
100 000 and new in every study, places from 100 to 1 000. Every rate has its Monte Carlo standard error. Deterministic.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

import numpy as np

from mimetic2.threshold import verdict
from mimetic2.threshold.batch import Intervals, judge_many
from mimetic2.threshold.rise_bound import rise_bound
from mimetic2.threshold.segmentation import Floats
from mimetic2.threshold.shapes import Design
from mimetic2.validation.worlds import draw_noise, draw_truth

RISE, SMALL = 0.25, 0.2
NOISES = ("sd .05", "sd .10", "rising", "heavy tails")
ENDS: dict[str, Callable[[Floats], Floats]] = {
    "few high counts": lambda x: x > 4.8,
    "few low counts": lambda x: x > 0.3,
    "middle": lambda x: x > 2.5,
}
Row = tuple[str, list[bool]]


@contextmanager
def instead(**replaced: Any) -> Iterator[None]:
    """Other choices in the rules of the verdict, for a while."""
    kept = {name: getattr(verdict, name) for name in replaced}
    for name, value in replaced.items():
        setattr(verdict, name, value)
    try:
        yield
    finally:
        for name, value in kept.items():
            setattr(verdict, name, value)


def _seeded(*words: str | int) -> np.random.Generator:
    return np.random.default_rng([word if isinstance(word, int) else int.from_bytes(word.encode()) for word in words])


def _counts(n: int, rng: np.random.Generator) -> Floats:
    return np.sort(np.round(10 ** rng.uniform(0, 5, n)))


def _word(design: Design, scores: Floats, rng: np.random.Generator) -> str:
    return judge_many(design, scores[np.newaxis], rng, intervals=Intervals.NEVER)[0].verdict.value


def steps(world: str, noise: str, n: int, runs: int) -> list[bool]:
    """Whether each study of a world ends in `step`."""
    found = []
    for run in range(runs):
        rng = _seeded("choices", world, noise, n, run)
        counts = _counts(n, rng)
        scores = draw_truth(world, RISE, counts, rng).mean + draw_noise(noise, counts, rng)
        found.append(_word(Design(counts), scores, rng) == "step")
    return found


def hinge(runs: int) -> Iterator[Row]:
    """A world that is constant and then rises, with and without the hinge among the rivals."""
    for noise in ("sd .05", "sd .10"):
        yield f"hinge world, {noise}, n = 120, called a step", steps("hinge", noise, 120, runs)
        shapes = ("flat", "linear", "step", "ramp")
        with instead(SHAPES=shapes, SMOOTH=("linear", "ramp")):
            yield "- the same without the hinge", steps("hinge", noise, 120, runs)


def residuals(runs: int) -> Iterator[Row]:
    """A true step, with residuals of neighbours and with each in its place."""
    yield "step world, sd .05, n = 44, found", steps("step", "sd .05", 44, runs)
    with instead(neighbours=lambda _design, fitted, around, rng, draws: verdict.wild(fitted, around, rng, draws)):
        yield "- the same with residuals in their place", steps("step", "sd .05", 44, runs)


def narrow(runs: int) -> Iterator[Row]:
    """The hardest smooth world."""
    for n in (44, 120):
        found = [steps("narrow ramp", noise, n, runs) for noise in NOISES]
        yield f"narrowest ramp, n = {n}, called a step (mean of {len(NOISES)} noises)", list(chain(*found))


def bound(runs: int) -> Iterator[Row]:
    """The bound on a rise that is not seen is smaller than the rise there is."""
    for noise in ("sd .10", "rising", "heavy tails"):
        for n, (place, above) in ((n, world) for n in (20, 44, 120) for world in ENDS.items()):
            wrong, words = [], []
            for run in range(runs):
                rng = _seeded("bound", place, noise, n, run)
                counts = _counts(n, rng)
                design, upper = Design(counts), above(np.log10(1 + counts))
                rise = SMALL * (float(upper[-1]) - float(upper[0]))
                scores = SMALL * upper + draw_noise(noise, counts, rng)
                found = rise_bound(design, scores, 0.95)
                inside = min(upper.sum(), n - upper.sum()) >= found.beside
                wrong.append(found.anywhere < rise or bool(inside and found.inner < rise))
                words.append(_word(design, scores, rng))
            yield f"bound too small: {place}, {noise}, n = {n}", wrong
            none = [miss for miss, word in zip(wrong, words, strict=True) if word == "none"]
            yield "- among those that end in none", none


STUDIES: dict[str, Callable[[int], Iterator[Row]]] = {
    "hinge": hinge,
    "residuals": residuals,
    "narrow": narrow,
    "bound": bound,
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--only", choices=list(STUDIES))
    options = parser.parse_args()
    print("| event | studies | rate |\n|---|---|---|")
    for name in [options.only] if options.only else STUDIES:
        for event, hits in STUDIES[name](options.runs):
            rate = float(np.mean(hits)) if hits else 0.0
            error = float(np.sqrt(rate * (1 - rate) / max(len(hits), 1)))
            print(f"| {event} | {len(hits)} | {100 * rate:.1f} % ± {100 * error:.1f} |", flush=True)


if __name__ == "__main__":
    main()
