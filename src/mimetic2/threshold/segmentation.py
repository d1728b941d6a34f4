"""Exact segmentation of a sequence into constant pieces: what PELT minimises, by dynamic programming in numpy.

The objective is the sum of squared deviations from each piece's mean plus a penalty per piece. With `min_size=1` and
`jump=1` PELT (Killick, Fearnhead & Eckley 2012) and optimal partitioning (Jackson et al. 2005) have the same
minimum. With F(t) the best objective of the first t values, Q(t) and S(t) the running sums of squares and values:

    F(t) − Q(t) = penalty + min over s < t of  [F(s) − Q(s)] − (S(t) − S(s))² / (t − s)

One vectorised step for each end t takes every start s of the last piece, and many signals, at once. Long signals are
searched only where a cut is possible at all (:mod:`mimetic2.threshold.pruning`). Only the minimum is kept: starts are
found again on the way back, for the ends that the best segmentation has. Among equally good segmentations the last
piece starts as early as possible, as in the paper's reference; a signal that comes to such a choice is gone over again,
more slowly (:func:`_carefully`).
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mimetic2.errors import InputError
from mimetic2.threshold.pruning import LEAST, possible_cuts

Floats = NDArray[np.float64]
Positions = NDArray[np.int64]

_MOST_AT_ONCE, _LEAST_AT_ONCE = 128, 8  # signals; fewer are quicker one by one
_VALUES_AT_ONCE = 2**17  # what a step of the recursion works on stays in the cache
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
    size = min(_MOST_AT_ONCE, _VALUES_AT_ONCE // signals.shape[1], len(signals))
    if size < _LEAST_AT_ONCE:
        size = 1
    portions = (signals[first : first + size] for first in range(0, len(signals), size))
    return [breaks for portion in portions for breaks in _segment(portion, penalty)]


def check_penalty(penalty: float) -> None:
    """Raise :class:`InputError` unless ``penalty`` is finite and not negative."""
    if not math.isfinite(penalty) or penalty < 0:
        raise InputError(f"the penalty is {penalty}", accepted="finite numbers from 0")


def objective(signal: Any, breaks: list[int], penalty: float) -> float:
    """The minimised quantity for a given segmentation (tests and explanations use it)."""
    pieces = np.split(np.asarray(signal, dtype=np.float64), breaks)
    return float(sum(((piece - piece.mean()) ** 2).sum() for piece in pieces) + penalty * len(pieces))


def _segment(signals: Floats, penalty: float) -> list[list[int]]:
    rows, n = signals.shape
    centred = (signals - signals.mean(axis=1, keepdims=True)).T
    positions = possible_cuts(centred, penalty) if n >= LEAST else np.arange(n + 1)
    sums = np.zeros((n + 1, rows))
    np.cumsum(centred, axis=0, out=sums[1:])
    sums = sums[positions]
    base = _forward(sums, positions, penalty)
    tie = _TIE * np.maximum((centred * centred).sum(axis=0), np.finfo(float).tiny)
    breaks: list[list[int]] = [[] for _ in range(rows)]
    index, ends = np.arange(rows), np.full(rows, len(positions) - 1)
    careful = np.zeros(rows, dtype=bool)
    while len(index):
        starts, tied = _last_starts(sums[:, index], base[:, index], positions, ends, tie[index])
        careful[index[tied]] = True
        on = ~tied & (starts > 0)
        index, ends = index[on], starts[on]
        for row, start in zip(index, ends, strict=True):
            breaks[row].append(int(positions[start]))
    return [
        _carefully(signal, positions, penalty) if again else found[::-1]
        for signal, again, found in zip(signals, careful, breaks, strict=True)
    ]


def _forward(sums: Floats, positions: Positions, penalty: float) -> Floats:
    """F(t) − Q(t) at ``positions``, shape (positions, rows), as are the running ``sums``."""
    n = len(sums) - 1
    place = positions.astype(np.float64)[:, np.newaxis]
    base, work = np.zeros_like(sums), np.empty((n, sums.shape[1]))
    for end in range(1, n + 1):
        cost = work[:end]
        np.subtract(sums[end], sums[:end], out=cost)
        np.multiply(cost, cost, out=cost)
        np.divide(cost, place[end] - place[:end], out=cost)
        np.subtract(base[:end], cost, out=cost)
        np.minimum.reduce(cost, axis=0, out=base[end])
        base[end] += penalty
    return base


def _last_starts(
    sums: Floats, base: Floats, positions: Positions, ends: Positions, tie: Floats
) -> tuple[Positions, NDArray[np.bool_]]:
    """For each signal the first best start of the last piece that ends at ``ends``, and whether others are as good.

    Starts and ends are numbers in ``positions``.
    """
    length = positions[ends] - positions[:-1, np.newaxis]
    gain = (sums[ends, np.arange(len(ends))] - sums[:-1]) ** 2 / np.maximum(length, 1)
    cost = np.where(length > 0, base[:-1] - gain, np.inf)
    starts = cost.argmin(axis=0)
    near = cost <= cost[starts, np.arange(len(ends))] + tie
    return starts, near.sum(axis=0) > 1


def _carefully(signal: Floats, positions: Positions, penalty: float) -> list[int]:
    """The same recursion for a single signal with ties, choosing the start at every end by :func:`_choose`."""
    n = len(positions) - 1
    centred = signal - signal.mean()
    sums = np.concatenate(([0.0], np.cumsum(centred)))[positions]
    tie = _TIE * max(float(centred @ centred), np.finfo(float).tiny)
    base = np.zeros(n + 1)
    starts = np.zeros(n, dtype=np.int64)
    for end in range(1, n + 1):
        cost = base[:end] - (sums[end] - sums[:end]) ** 2 / (positions[end] - positions[:end])
        best = cost.min()
        starts[end - 1] = _choose(signal, positions, starts, np.flatnonzero(cost <= best + tie), end, penalty)
        base[end] = best + penalty
    return [int(positions[start]) for start in _backtrack(starts)]


def _choose(
    signal: Floats, positions: Positions, starts: Positions, candidates: Positions, end: int, penalty: float
) -> int:
    """The start of the last piece among candidates that are equal but for rounding.

    In exact arithmetic the smallest would do. To break such ties as the paper's reference does, the objective is added
    up as it does it there, piece by piece from variances, and the first smallest sum wins.
    """
    if len(candidates) == 1 or penalty == 0:
        return int(candidates[0])
    sums = []
    for start in candidates:
        bounds = [0, *(_backtrack(starts[:start]) if start else []), *([int(start)] if start else []), end]
        pieces = (signal[a:b] for a, b in itertools.pairwise(positions[bounds]))
        sums.append(sum(float(piece.var()) * len(piece) + penalty for piece in pieces))
    return int(candidates[int(np.argmin(sums))])


def _backtrack(starts: Positions) -> list[int]:
    breaks = []
    end = int(starts[-1])
    while end > 0:
        breaks.append(end)
        end = int(starts[end - 1])
    return breaks[::-1]
