"""Worlds in which the truth is known: mean scores over counts, and noise around them.

Where a world has a place (the step, the kink, the ramp's midpoint and width), each simulated study draws its own, so
that a table does not depend on a place that happens to suit the counts. The narrow ramp is the hardest smooth world: as
close to a step as a smooth rise may be by definition.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mimetic2.threshold.segmentation import Floats

TOP = 5.0  # log10(1 + count) at which a rise that never ends is complete: 100 000 images
PLACES = (100.0, 1_000.0)  # log-uniform: the range in which the paper reports thresholds
RAMP_DECADES = (0.5, 2.0)  # 10–90 % width, log-uniform, from the narrowest that is not a step
SECOND_STEP = 10.0  # times the count of the first, as in the paper's second change points

WORLDS = ("flat", "linear", "hinge", "ramp", "narrow ramp", "step", "two steps")
NOISES = ("sd .05", "sd .10", "sd .15", "rising", "falling", "heavy tails")


@dataclass(frozen=True)
class Truth:
    """Mean scores (n,) of one study; the count of its step (the first above) or of its ramp's midpoint."""

    mean: Floats
    step: float | None = None
    midpoint: float | None = None


def draw_truth(world: str, rise: float, counts: Floats, rng: np.random.Generator) -> Truth:
    """Mean scores of ``world`` at ``counts``; ``rise`` is the difference between lowest and highest mean."""
    x = np.log10(1 + counts)
    place = float(np.exp(rng.uniform(*np.log(PLACES))))
    start = np.log10(1 + place)
    if world == "flat":
        return Truth(np.zeros(len(x)))
    if world == "linear":
        return Truth(np.asarray(rise * x / TOP))
    if world == "hinge":
        return Truth(np.asarray(rise * np.maximum(x - start, 0) / (TOP - start)))
    if world in ("ramp", "narrow ramp"):
        decades = RAMP_DECADES[0] if world == "narrow ramp" else float(np.exp(rng.uniform(*np.log(RAMP_DECADES))))
        scale = decades / (2 * np.log(9))
        return Truth(np.asarray(rise / (1 + np.exp(-(x - start) / scale))), midpoint=place)
    if world == "step":
        return Truth(np.asarray(rise * (counts >= place)), place)
    if world == "two steps":
        return Truth(np.asarray(rise / 2 * ((counts >= place) + 1.0 * (counts >= SECOND_STEP * place))))
    raise ValueError(f"unknown world '{world}'")


def spread(noise: str, counts: Floats) -> Floats:
    """Standard deviation (n,) of the noise: equal, or from .05 at count 0 to .15 at 100 000 and the other way round."""
    share = np.log10(1 + counts) / TOP
    if noise.startswith("sd "):
        return np.full(len(counts), float(noise.removeprefix("sd ")))
    if noise == "rising":
        return np.asarray(0.05 + 0.10 * share)
    if noise == "falling":
        return np.asarray(0.15 - 0.10 * share)
    if noise == "heavy tails":
        return np.full(len(counts), 0.10)
    raise ValueError(f"unknown noise '{noise}'")


def draw_noise(noise: str, counts: Floats, rng: np.random.Generator) -> Floats:
    """Noise (n,) of that spread: normal, or Student's t with 3 degrees of freedom where tails are heavy."""
    heavy = noise == "heavy tails"
    drawn = rng.standard_t(3, len(counts)) / np.sqrt(3) if heavy else rng.standard_normal(len(counts))
    return np.asarray(spread(noise, counts) * drawn)
