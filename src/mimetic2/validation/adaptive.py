"""Adaptive numbers of images, simulated down to the single image: what they save, and that intervals stay honest.

A study has a true step, concepts that differ at equal count (τ), and for each concept up to 200 images for each of five
prompts. All rules see the same images: the fixed rules take the first so many of each prompt, the adaptive ones decide
after the first two (:mod:`mimetic2.planning.allocation`) how many follow. Scores, standard errors, weights and the
step's interval are then computed as for data.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from mimetic2.planning.allocation import Floats, Numbers, allocate, estimate_spread
from mimetic2.seeding import generator
from mimetic2.threshold.intervals import step_interval
from mimetic2.threshold.shapes import Design
from mimetic2.threshold.weights import concept_weights
from mimetic2.validation.bins import draw_counts

PROMPTS, FIRST, MOST = 5, 2, 200
DRAWS = 199


@dataclass(frozen=True)
class World:
    """Variance components in units of the score, the rise, and where concepts lie.

    ``within`` gives σ of an image at x = log10(1 + count); ``skewed``: images and concepts follow exponential
    distributions (σ = mean) instead of normal ones.
    """

    name: str
    rise: float
    between: float
    within: Callable[[Floats], Floats]
    reference: float
    n: int
    table: str
    skewed: bool = False


def _lab_within(x: Floats) -> Floats:
    """The lab's: .10 where the model guesses, .125 around its threshold, .03 where it knows the painter."""
    return np.interp(x, [0.0, 0.7, 1.3, 1.8, 2.3, 2.8], [0.08, 0.10, 0.10, 0.125, 0.07, 0.03])


def _faces_within(x: Floats) -> Floats:
    return np.full(len(x), 0.020)


WORLDS = (
    World("lab", 0.25, 0.157, _lab_within, 0.019, 150, "politicians"),
    World("lab, skewed", 0.25, 0.157, _lab_within, 0.019, 150, "politicians", skewed=True),
    World("faces", 0.025, 0.019, _faces_within, 0.004, 399, "celebrities"),
    World("faces, skewed", 0.025, 0.019, _faces_within, 0.004, 399, "celebrities", skewed=True),
    World("noisy images", 0.10, 0.05, lambda x: np.full(len(x), 0.15), 0.01, 150, "classical artists"),
)
"""``lab`` and ``faces`` as measured (docs/planning); in the last concepts hardly differ, so that images do help."""


@dataclass(frozen=True)
class _Study:
    """One simulated study: ascending counts, the step, concepts' true scores and all images (n, prompts, most)."""

    counts: Floats
    step: float
    truth: Floats
    images: Floats
    reference: float


def _draw(world: World, run: int, seed: int) -> _Study:
    rng = generator(seed, world.name, run)
    counts = draw_counts(world.table, world.n, rng)
    step = float(np.exp(rng.uniform(np.log(100), np.log(1000))))
    draw = (lambda size: rng.exponential(1, size) - 1) if world.skewed else rng.standard_normal
    own = np.hypot(world.between, world.reference) * draw(len(counts))
    truth = world.rise * (counts >= step) + own
    sigma = world.within(np.log10(1 + counts))
    images = truth[:, None, None] + sigma[:, None, None] * draw((len(counts), PROMPTS, MOST))
    return _Study(counts, step, truth, images, world.reference)


def _fixed(images: int) -> Callable[[_Study], Numbers]:
    return lambda study: np.full(len(study.counts), images)


def _adaptive(share: float | None) -> Callable[[_Study], Numbers]:
    """After the first images as many as are useful, or at most ``share`` of the paper's number in all."""

    def decide(study: _Study) -> Numbers:
        first = study.images[:, :, :FIRST]
        n = len(study.counts)
        spread = estimate_spread(
            study.counts,
            first.mean(axis=(1, 2)),
            np.full(n, FIRST * PROMPTS),
            first.var(axis=2, ddof=1).mean(axis=1),
            np.full(n, (FIRST - 1) * PROMPTS),
            np.full(n, study.reference**2),
        )
        budget = None if share is None else round(share * n * PROMPTS * MOST)
        return allocate(study.counts, spread, prompts=PROMPTS, first=FIRST, most=MOST, budget=budget)

    return decide


RULES: dict[str, Callable[[_Study], Numbers]] = {
    "200 a prompt (the paper's)": _fixed(MOST),
    "10 a prompt": _fixed(10),
    "2 a prompt": _fixed(FIRST),
    "adaptive": _adaptive(None),
    "adaptive, budget 5 %": _adaptive(0.05),
}


PAPER = next(iter(RULES))


def simulate_rules(world: World, runs: int, *, seed: int = 0, level: float = 0.95) -> pl.DataFrame:
    """One row a rule, means over ``runs`` studies.

    ``images`` as a share of 1 000 a concept; ``coverage`` of the step's interval and its Monte Carlo error; ``decades``
    of its width and their ``ratio`` to the paper's; ``score_error``, the scores' mean error, which would show a rule
    that gives further images to concepts that were lucky, or unlucky, in the first ones.
    """
    rows = []
    for run in range(runs):
        study = _draw(world, run, seed)
        for rule, decide in RULES.items():
            numbers = decide(study)
            low, high, error = _interval(study, numbers, generator(seed, world.name, run, rule), level)
            width = float(np.log10((1 + high) / (1 + low)))
            rows.append((rule, float(numbers.mean()) / MOST, _covers(study, low, high), width, error))
    columns = ["rule", "images", "coverage", "decades", "score_error"]
    frame = pl.DataFrame(rows, schema=columns, orient="row").with_columns(pl.col("coverage").cast(pl.Float64))
    means = frame.group_by("rule", maintain_order=True).mean()
    paper = means.filter(pl.col("rule") == PAPER)["decades"][0]
    monte_carlo = (pl.col("coverage") * (1 - pl.col("coverage")) / runs).sqrt()
    return means.select(
        pl.lit(world.name).alias("world"),
        "rule",
        "images",
        "coverage",
        monte_carlo.alias("coverage_error"),
        "decades",
        (pl.col("decades") / paper).alias("ratio"),
        "score_error",
    )


def _interval(study: _Study, numbers: Numbers, rng: np.random.Generator, level: float) -> tuple[int, int, float]:
    """The step's interval from these images, and the mean error of the scores."""
    kept = np.arange(MOST) < numbers[:, None, None]
    total = numbers[:, None]
    means = np.where(kept, study.images, 0).sum(axis=2) / total
    squares = np.where(kept, (study.images - means[:, :, None]) ** 2, 0).sum(axis=2)
    variance = (squares / (total - 1) / total).sum(axis=1) / PROMPTS**2
    scores = means.mean(axis=1)
    weights, _ = concept_weights(study.counts, scores, np.sqrt(variance + study.reference**2))
    design = Design(study.counts, weights)
    found = step_interval(design, scores, design.fit(scores)["step"], level, rng, DRAWS)
    return found.low, found.high, float((scores - study.truth).mean())


def _covers(study: _Study, low: int, high: int) -> bool:
    """The interval meets the gap from the last observed count below the step to the first at or above it."""
    below, above = study.counts[study.counts < study.step], study.counts[study.counts >= study.step]
    return bool(low <= (above[0] if len(above) else np.inf) and high > (below[-1] if len(below) else -1))
