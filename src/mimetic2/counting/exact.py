"""Exact intervals for counts: hypergeometric (a sample from a known number of rows) and binomial (from without limit).

Written in numpy because the core installs without scipy; scipy is the oracle of the tests. Both intervals invert
tests: a value belongs to the interval unless one of the two tails at what was observed is too improbable.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

_TABLE_SIZE = 1024
_TABLE = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, _TABLE_SIZE)))])
_ROUNDING = 1e-12
_BISECTIONS = 80

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def log_factorial(n: Integers | int) -> Floats:
    """ln n! for whole numbers from 0, of any shape: a table below 1 024, Stirling's series above (error < 1e-15)."""
    small = _TABLE[np.minimum(n, _TABLE_SIZE - 1)]
    x = np.maximum(n, 1).astype(np.float64)
    series = 1 / (12 * x) - 1 / (360 * x**3)
    large = x * np.log(x) - x + 0.5 * np.log(2 * math.pi * x) + series
    chosen: Floats = np.where(n < _TABLE_SIZE, small, large)
    return chosen


def _log_choose(n: int, k: Integers | int) -> Floats:
    logs: Floats = log_factorial(n) - log_factorial(k) - log_factorial(n - k)
    return logs


def hypergeometric_cdf(x: int, population: int, successes: int, draws: int) -> float:
    """P(X ≤ x) for X = successes among ``draws`` rows drawn without replacement from ``population`` rows."""
    lowest, highest = max(0, draws - (population - successes)), min(draws, successes)
    if x < lowest:
        return 0.0
    if x >= highest:
        return 1.0
    k = np.arange(lowest, highest + 1)
    logs = _log_choose(successes, k) + _log_choose(population - successes, draws - k) - _log_choose(population, draws)
    terms = np.exp(logs)
    # Dividing by the whole sum cancels the rounding of huge factorials.
    return float(min(1.0, terms[: x - lowest + 1].sum() / terms.sum()))


def hypergeometric_interval(found: int, draws: int, population: int, level: float = 0.95) -> tuple[int, int]:
    """The numbers of successes among ``population`` rows that ``found`` among ``draws`` do not speak against.

    Two-sided, equal tails; always inside [found, population − (draws − found)]; a point when everything was drawn.
    Cochran, *Sampling Techniques*, 3rd ed., section 3.6; coverage is at least ``level``.
    """
    if not 0 <= found <= draws <= population:
        raise ValueError(f"impossible: {found} found in {draws} drawn of {population}")
    # A probability that equals the tail but for rounding is rejected, as one below it is.
    tail = (1 - level) / 2 + _ROUNDING
    least, most = found, population - (draws - found)
    low = _smallest(least, most, lambda m: 1 - hypergeometric_cdf(found - 1, population, m, draws) > tail)
    high = _smallest(least, most + 1, lambda m: hypergeometric_cdf(found, population, m, draws) <= tail) - 1
    return low, max(high, low)


def _smallest(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The smallest whole number in [low, high] for which ``holds``, false then true; ``high`` if none below."""
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low


def binomial_cdf(x: int, draws: int, share: float) -> float:
    """P(X ≤ x) for X binomial; sums the terms within twelve standard deviations and more of the mode."""
    if x < 0:
        return 0.0
    if x >= draws or share <= 0:
        return 1.0
    if share >= 1:
        return 0.0
    k = np.arange(x + 1)
    logs = _log_choose(draws, k) + k * math.log(share) + (draws - k) * math.log1p(-share)
    return float(min(1.0, np.exp(logs).sum()))


def binomial_lower(found: int, draws: int, error: float) -> float:
    """One-sided lower limit of a share (Clopper and Pearson 1934), wrong with a probability of at most ``error``."""
    if found == 0:
        return 0.0
    return _share(lambda p: 1 - binomial_cdf(found - 1, draws, p) > error)


def binomial_upper(found: int, draws: int, error: float) -> float:
    """One-sided upper limit of a share (Clopper and Pearson 1934), wrong with a probability of at most ``error``."""
    if found == draws:
        return 1.0
    return _share(lambda p: binomial_cdf(found, draws, p) < error)


def binomial_interval(found: int, draws: int, level: float = 0.95) -> tuple[float, float]:
    """The two-sided interval of Clopper and Pearson; [0, 1] without draws."""
    if draws == 0:
        return 0.0, 1.0
    tail = (1 - level) / 2
    return binomial_lower(found, draws, tail), binomial_upper(found, draws, tail)


def _share(holds: Callable[[float], bool]) -> float:
    low, high = 0.0, 1.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if holds(middle):
            high = middle
        else:
            low = middle
    return high
