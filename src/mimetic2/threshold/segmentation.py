"""Exact segmentation of a sequence into constant pieces: what PELT minimises, by dynamic programming in numpy.

The objective is the sum of squared deviations from each piece's mean plus a penalty per piece. With `min_size=1` and
`jump=1` PELT (Killick, Fearnhead & Eckley 2012) and optimal partitioning (Jackson et al. 2005) have the same
minimum; the recursion here visits every start of the last piece, one vectorised step for each end. Among equally good
segmentations the last piece starts as early as possible, as in the paper's reference.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mimetic2.errors import InputError

Floats = NDArray[np.float64]

_ROWS_AT_ONCE = 32  # keeps one step of the recursion inside the second-level cache at n = 400
_TIE = 1e-12  # relative to the total sum of squares: closer objectives are equal but for rounding


def change_points(signal: Any, penalty: float) -> list[int]:
    """First index of every piece but the first, ascending; ``signal`` has shape (n,).

    Raises :class:`InputError` for an empty or non-finite signal and for a negative or non-finite penalty.
    """
    return batched_change_points(np.asarray(signal, dtype=np.float64)[np.newaxis, :], penalty)[0]


def batched_change_points(signals: Any, penalty: float) -> list[list[int]]:
    """:func:`change_points` of each row of ``signals``, shape (rows, n)."""
    signals = np.atleast_2d(np.asarray(signals, dtype=np.float64))
    check_penalty(penalty)
    if signals.ndim != 2 or signals.shape[1] == 0:
        raise InputError("there are no scores to segment")
    if not np.isfinite(signals).all():
        raise InputError("a score is not finite", accepted="finite numbers")
    if len(signals) == 1:
        return [_backtrack(_last_starts_single(signals[0], penalty))]
    breaks: list[list[int]] = []
    for first in range(0, len(signals), _ROWS_AT_ONCE):
        starts = _last_starts(signals[first : first + _ROWS_AT_ONCE], penalty)
        breaks.extend(_backtrack(row) for row in starts)
    return breaks


def check_penalty(penalty: float) -> None:
    """Raise :class:`InputError` unless ``penalty`` is finite and not negative."""
    if not math.isfinite(penalty) or penalty < 0:
        raise InputError(f"the penalty is {penalty}", accepted="finite numbers from 0")


def objective(signal: Any, breaks: list[int], penalty: float) -> float:
    """The minimised quantity for a given segmentation (tests and explanations use it)."""
    pieces = np.split(np.asarray(signal, dtype=np.float64), breaks)
    return float(sum(((piece - piece.mean()) ** 2).sum() for piece in pieces) + penalty * len(pieces))


def _last_starts_single(signal: Floats, penalty: float) -> NDArray[np.int64]:
    """For each end t = 1..n the start of the last piece of the best segmentation of signal[:t]."""
    n = len(signal)
    centred = signal - signal.mean()
    sums = np.concatenate(([0.0], np.cumsum(centred)))
    squares = np.concatenate(([0.0], np.cumsum(centred * centred)))
    tie = _TIE * max(squares[-1], np.finfo(float).tiny)
    inverse = 1.0 / np.arange(n, 0, -1)
    base = np.empty(n + 1)  # best objective up to s, minus the squares up to s
    base[0] = 0.0
    starts = np.zeros(n, dtype=np.int64)
    work = np.empty(n)
    for end in range(1, n + 1):
        cost = work[:end]
        np.subtract(sums[end], sums[:end], out=cost)
        np.multiply(cost, cost, out=cost)
        np.multiply(cost, inverse[n - end :], out=cost)
        np.subtract(base[:end], cost, out=cost)
        best = cost.min()
        starts[end - 1] = _choose(signal, starts, np.flatnonzero(cost <= best + tie), end, penalty)
        base[end] = best + penalty
    return starts


def _last_starts(signals: Floats, penalty: float) -> NDArray[np.int64]:
    """:func:`_last_starts_single` for every row at once."""
    rows, n = signals.shape
    centred = signals - signals.mean(axis=1, keepdims=True)
    zero = np.zeros((rows, 1))
    sums = np.concatenate((zero, np.cumsum(centred, axis=1)), axis=1)
    squares = (centred * centred).sum(axis=1)
    tie = _TIE * np.maximum(squares, np.finfo(float).tiny)
    inverse = 1.0 / np.arange(n, 0, -1)
    base = np.zeros((rows, n + 1))
    starts = np.zeros((rows, n), dtype=np.int64)
    index = np.arange(rows)
    work = np.empty((rows, n))
    for end in range(1, n + 1):
        cost = work[:, :end]
        np.subtract(sums[:, end, np.newaxis], sums[:, :end], out=cost)
        np.multiply(cost, cost, out=cost)
        np.multiply(cost, inverse[n - end :], out=cost)
        np.subtract(base[:, :end], cost, out=cost)
        best = cost[index, cost.argmin(axis=1)]
        near = cost <= (best + tie)[:, np.newaxis]
        starts[:, end - 1] = near.argmax(axis=1)
        for row in np.flatnonzero(near.sum(axis=1) > 1):
            starts[row, end - 1] = _choose(signals[row], starts[row], np.flatnonzero(near[row]), end, penalty)
        base[:, end] = best + penalty
    return starts


def _choose(signal: Floats, starts: NDArray[np.int64], candidates: NDArray[np.int64], end: int, penalty: float) -> int:
    """The start of the last piece among candidates that are equal but for rounding.

    In exact arithmetic the smallest would do. To break such ties as the paper's reference does, the objective is added
    up as it does it there, piece by piece from variances, and the first smallest sum wins.
    """
    if len(candidates) == 1 or penalty == 0:
        return int(candidates[0])
    sums = []
    for start in candidates:
        bounds = [0, *(_backtrack(starts[:start]) if start else []), *([int(start)] if start else []), end]
        pieces = (signal[a:b] for a, b in itertools.pairwise(bounds))
        sums.append(sum(float(piece.var()) * len(piece) + penalty for piece in pieces))
    return int(candidates[int(np.argmin(sums))])


def _backtrack(starts: NDArray[np.int64]) -> list[int]:
    breaks = []
    end = int(starts[-1])
    while end > 0:
        breaks.append(end)
        end = int(starts[end - 1])
    return breaks[::-1]
