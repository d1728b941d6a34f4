"""How many concepts would settle an undecided verdict, and at which counts."""

from __future__ import annotations

import math

import numpy as np

from mimetic2.threshold.segmentation import Floats
from mimetic2.threshold.shapes import Design, Fit

_SEPARATION = (1.6449 + 0.8416) ** 2  # 5 % one-sided, power 80 %: log likelihood ratio of two fixed normal curves
_MOST_CONCEPTS = 100_000


def concepts_needed(design: Design, first: Fit, second: Fit) -> tuple[int, tuple[int, int]] | None:
    """Concepts with these counts and this noise that would tell two fitted curves apart, and where they differ most.

    Cox's (1961) separate-families argument with both curves fixed: n · D²/σ² = (z.95 + z.80)², D² the mean squared
    difference. It ignores that the curves are fitted, so it is a least number, and more than there are. None if the
    curves do not differ.
    """
    found = separating(design, first, second)
    return None if found is None else (max(design.n + 1, found[0]), found[1])


def separating(design: Design, first: Fit, second: Fit) -> tuple[int, tuple[int, int]] | None:
    """:func:`concepts_needed` whatever the number of concepts that there are."""
    difference = first.levels - second.levels
    mean_square = float(design.level_weights @ difference**2 / design.n)
    noise = min(first.rss, second.rss) / design.n
    if mean_square <= noise * _SEPARATION / _MOST_CONCEPTS:
        return None
    return math.ceil(_SEPARATION * noise / mean_square), _where(design.counts, np.abs(difference))


def _where(counts: Floats, size: Floats) -> tuple[int, int]:
    """Range of counts around the largest difference in which it stays above half of that."""
    peak = int(size.argmax())
    small = size < size[peak] / 2
    below = np.flatnonzero(small[:peak])
    above = np.flatnonzero(small[peak:])
    first = int(below[-1]) + 1 if len(below) else 0
    last = peak + int(above[0]) - 1 if len(above) else len(counts) - 1
    return math.floor(counts[first]), math.ceil(counts[last])
