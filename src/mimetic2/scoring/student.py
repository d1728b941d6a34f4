"""Quantiles of Student's t for whole degrees of freedom, without scipy."""

from __future__ import annotations

import math
from functools import cache


def probability(t: float, df: int) -> float:
    """P(|T| <= t), by the finite series of Abramowitz & Stegun 26.7.3 and 26.7.4."""
    angle = math.atan2(t, math.sqrt(df))
    cosine, sine = math.cos(angle), math.sin(angle)
    if df == 1:
        return 2 * angle / math.pi
    term = total = cosine if df % 2 else 1.0
    for k in range(3 if df % 2 else 2, df - 1, 2):
        term *= cosine**2 * (k - 1) / k
        total += term
    return 2 / math.pi * (angle + sine * total) if df % 2 else sine * total


@cache
def quantile(level: float, df: int) -> float:
    """The t with P(|T| <= t) = level, by bisection."""
    low, high = 0.0, 1.0
    while probability(high, df) < level:
        high *= 2
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if probability(middle, df) < level else (low, middle)
    return (low + high) / 2
