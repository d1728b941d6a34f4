"""Does the score only rise with the count? Means of count classes against the best rising ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mimetic2.threshold.conclusion import Conclusion
from mimetic2.threshold.segmentation import Floats
from mimetic2.threshold.verdict import wild

CLASSES = 10
LEAST = 5  # concepts a class


@dataclass(frozen=True)
class Monotone:
    """p-value of "the mean never falls", and the largest fall: its size and the counts between which it lies."""

    p: float
    fall: float
    counts: tuple[int, int]


def monotone_test(found: Conclusion, rng: np.random.Generator, draws: int) -> Monotone | None:
    """Bootstrap test on up to ten classes of neighbouring counts; None with fewer than three classes.

    The statistic is the weighted squared distance of the class means from the nearest rising sequence (isotonic
    regression). Draws come from a level sequence with wild residuals: of all rising sequences that is the least
    favourable one, because the distance of μ + ε from the cone of rising sequences is at most that of ε (Robertson,
    Wright & Dykstra 1988). It sees humps and dips that the shapes, which only rise, cannot show.
    """
    design, scores = found.design, found.scores
    classes = _classes(found)
    if classes.max() < 2:
        return None
    weights = np.bincount(classes, design.weights).astype(np.float64)
    means = np.asarray(np.bincount(classes, design.weights * scores) / weights)
    sizes = np.bincount(classes)[classes]
    grown = np.sqrt(sizes / np.maximum(sizes - 1, 1))  # residuals around a class's own mean are too small
    drawn = wild(np.zeros(design.n), (scores - means[classes]) * grown, rng, draws)
    drawn_means = np.array([np.bincount(classes, design.weights * row) for row in drawn]) / weights
    simulated = np.array([_distance(row, weights) for row in drawn_means])
    observed = _distance(means, weights)
    p = (1 + np.count_nonzero(simulated >= observed - 1e-15)) / (1 + draws)
    high, low, fall = _largest_fall(means)
    counts = design.counts[design.level_of]
    middles = [round(float(np.median(counts[classes == k]))) for k in (high, low)]
    return Monotone(float(p), fall, (middles[0], middles[1]))


def _classes(found: Conclusion) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Class of each concept: neighbouring counts together, equal counts never apart, about equally many a class."""
    design = found.design
    number = min(CLASSES, design.n // LEAST)
    if number < 1:
        return np.zeros(design.n, dtype=np.int64)
    middle = np.cumsum(design.sizes) - design.sizes / 2
    raw = np.minimum((middle / design.n * number).astype(np.int64), number - 1)
    return np.unique(raw, return_inverse=True)[1][design.level_of]


def isotonic(means: Floats, weights: Floats) -> Floats:
    """Nearest sequence that never falls, by pooling adjacent violators (Ayer et al. 1955)."""
    blocks: list[list[float]] = []  # mean, weight, length
    for mean, weight in zip(means, weights, strict=True):
        blocks.append([float(mean), float(weight), 1])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            last, before = blocks.pop(), blocks.pop()
            total = before[1] + last[1]
            blocks.append([(before[0] * before[1] + last[0] * last[1]) / total, total, before[2] + last[2]])
    return np.repeat([block[0] for block in blocks], [int(block[2]) for block in blocks])


def _distance(means: Floats, weights: Floats) -> float:
    return float(weights @ (means - isotonic(means, weights)) ** 2)


def _largest_fall(means: Floats) -> tuple[int, int, float]:
    """Classes between which the mean falls most, the first before the second, and by how much (0: nowhere)."""
    highest = np.maximum.accumulate(means)
    low = int((highest - means).argmax())
    high = int(means[: low + 1].argmax())
    return high, low, float(means[high] - means[low])
