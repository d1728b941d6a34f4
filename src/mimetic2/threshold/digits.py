"""How many decimals scores are given: six, as in scores.csv, and more where so few would say nothing of their range."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

DECIMALS = 6
_DIGITS = 4  # of the range of the scores
_MOST = 300


def decimals(values: Any) -> int:
    """Decimals for ``values`` (any shape): 6, or as many as show four digits of their range."""
    span = float(np.ptp(np.asarray(values, dtype=np.float64)))
    return DECIMALS if span == 0 else min(_MOST, max(DECIMALS, _DIGITS - 1 - math.floor(math.log10(span))))


def shown(value: float, *, span: float) -> str:
    """A score for a reader: three decimals, or three digits where the scores span less than a thousandth."""
    return f"{value:.3f}" if span >= 0.001 or span == 0 else f"{value:.3g}"
