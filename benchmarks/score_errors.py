"""How often the errors that scoring states hold the truth: standard errors of scores, intervals of fitness.

python benchmarks/score_errors.py [repetitions]

Scores: images and references drawn anew, prompts fixed; the share of scores within 1.96 standard errors of their mean.
Fitness: references drawn anew around a concept's centre in 64 dimensions; the share of intervals with the true gap.
"""

import sys

import numpy as np

from mimetic2.scoring.fitness import gap
from mimetic2.scoring.standard_error import standard_error, strata

SPREADS = {"images vary most": (0.05, 0.01, 0.03), "alike": (0.03, 0.03, 0.03), "references most": (0.01, 0.05, 0.03)}
"""Standard deviations of images, of references and of their interaction."""
DESIGNS = ((1, 5), (5, 2), (5, 10))
"""Prompts, images for each."""


def score_coverage(rng: np.random.Generator, design: tuple[int, int], m: int, spread, skewed: bool, number: int):
    """Share of scores within 1.96 standard errors, and root mean square of these over the scores' true deviation."""
    prompts, each = design
    stratum = strata(np.repeat(np.arange(prompts), each).astype(str))

    def draw(deviation: float, shape: tuple[int, int]) -> np.ndarray:
        return deviation * (rng.exponential(1, shape) - 1 if skewed else rng.standard_normal(shape))

    stated, missed = np.empty(number), np.empty(number)
    for place in range(number):
        n = prompts * each
        pairs = draw(spread[0], (n, 1)) + draw(spread[1], (1, m)) + spread[2] * rng.standard_normal((n, m))
        stated[place], missed[place] = standard_error(pairs, stratum), pairs.mean()
    return (np.abs(missed) <= 1.96 * stated).mean(), np.sqrt((stated**2).mean()) / missed.std()


def gap_coverage(rng: np.random.Generator, m: int, spread: float, heavy: bool, number: int) -> float:
    """Share of 95 % intervals of the discrimination gap that hold it."""
    dim = 64
    centre = unit(rng.standard_normal(dim))
    other = unit(centre + 0.1 * rng.standard_normal((200, dim))).mean(0)

    def draw(size: int) -> np.ndarray:
        lengths = rng.exponential(1, (size, 1)) if heavy else 1.0
        return unit(centre + spread * lengths * rng.standard_normal((size, dim)))

    mean = draw(60_000).mean(0)
    true = float(mean @ mean - mean @ other)
    found = [gap(draw(m), other, 0.95) for _ in range(number)]
    return float(np.mean([each.low <= true <= each.high for each in found]))


def unit(rows: np.ndarray) -> np.ndarray:
    """Rows divided by their length."""
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def main() -> None:
    """Print both tables."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    rng = np.random.default_rng(0)
    print("score: prompts x images, references: normal (skewed), stated over true deviation")
    for name, spread in SPREADS.items():
        for design in DESIGNS:
            for m in (3, 10):
                share, ratio = score_coverage(rng, design, m, spread, False, number)
                skewed, _ = score_coverage(rng, design, m, spread, True, number)
                print(f"{name}: {design[0]} x {design[1]}, {m}: {share:.3f} ({skewed:.3f}), {ratio:.2f}")
    print("fitness: references, spread: normal (heavy tails)")
    for m in (3, 5, 10):
        for deviation in (0.05, 0.15, 0.3):
            normal, heavy = (gap_coverage(rng, m, deviation, tails, number) for tails in (False, True))
            print(f"{m}, {deviation}: {normal:.3f} ({heavy:.3f})")


if __name__ == "__main__":
    main()
