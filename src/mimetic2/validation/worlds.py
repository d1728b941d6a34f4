"""Worlds in which the truth is known: mean scores over counts, and noise around them.

Where a world has a place (the step, the kink, the ramp's midpoint and width), each simulated study draws its own, so
that a table does not depend on a place that happens to suit the counts. The narrow ramp is the hardest smooth world: as
close to a step as a smooth rise may be by definition.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mimetic2.threshold.segmentation import Floats

TOP = 5.0  # log10(1 + count) at which a rise that never ends is complete: 100 000 images
PLACES = (100.0, 1_000.0)  # log-uniform: the range in which the paper reports thresholds
RAMP_DECADES = (0.5, 2.0)  # 10–90 % width, log-uniform, from the narrowest that is not a step
SECOND_STEP = 10.0  # times the count of the first, as in the paper's second change points

WORLDS = ("flat", "linear", "hinge", "ramp", "narrow ramp", "step", "two steps")
NOISES = ("sd .05", "sd .10", "sd .15", "rising", "falling", "heavy tails")


Curve = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Truth:
    """Mean scores (n,) of one study; the count of its step (the first above) or of its ramp's midpoint.

    ``curve`` gives the mean scores at any counts.
    """

    mean: Floats
    curve: Curve
    step: float | None = None
    midpoint: float | None = None


def draw_truth(world: str, rise: float, counts: Floats, rng: np.random.Generator) -> Truth:
    """Mean scores of ``world`` at ``counts``; ``rise`` is the difference between lowest and highest mean."""
    place = float(np.exp(rng.uniform(*np.log(PLACES))))
    ramp = world in ("ramp", "narrow ramp")
    decades = float(np.exp(rng.uniform(*np.log(RAMP_DECADES)))) if world == "ramp" else RAMP_DECADES[0]
    curve = _curve(world, rise, place, decades)
    return Truth(curve(counts), curve, place if world == "step" else None, place if ramp else None)


def _curve(world: str, rise: float, place: float, decades: float) -> Curve:
    """Mean score over counts; ``decades``: 10–90 % width of a ramp."""
    start = np.log10(1 + place)
    scale = decades / (2 * np.log(9))
    curves: dict[str, Curve] = {
        "flat": lambda counts: np.zeros(len(counts)),
        "linear": lambda counts: np.asarray(rise * np.log10(1 + counts) / TOP),
        "hinge": lambda counts: np.asarray(rise * np.maximum(np.log10(1 + counts) - start, 0) / (TOP - start)),
        "ramp": lambda counts: np.asarray(rise / (1 + np.exp(-(np.log10(1 + counts) - start) / scale))),
        "step": lambda counts: np.asarray(rise * (counts >= place)),
        "two steps": lambda counts: np.asarray(rise / 2 * ((counts >= place) + 1.0 * (counts >= SECOND_STEP * place))),
    }
    curves["narrow ramp"] = curves["ramp"]
    if world not in curves:
        raise ValueError(f"unknown world '{world}'")
    return curves[world]


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
