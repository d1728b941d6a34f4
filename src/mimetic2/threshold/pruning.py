"""Places where no optimal segmentation can cut, found before any exact search: what makes thousands of values quick.

Neighbouring values are put together in bins. Let the pieces end with the bins in which the segmentation cuts, and the
values of such a bin have pieces of their own: that costs no more than before and depends on the bins alone, so the
cheapest way through a bin bounds from below what any segmentation with a cut in that bin costs. The cheapest one that
cuts between bins, each cut then moved to its best place nearby, bounds the optimum from above. A bin whose lower bound
exceeds the upper one holds no cut of any optimal segmentation, equally good ones included. What is left is searched
exactly (:mod:`mimetic2.threshold.segmentation`); if little can be left out, the bins have cost little.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Positions = NDArray[np.int64]

LEAST = 512  # values; fewer are searched at once as they are
_MOST_BINS, _LEAST_WIDTH = 512, 8
_ROUNDING = 1e-9  # of the total sum of squares


@dataclass(frozen=True)
class _Bins:
    """``edges`` (bins + 1,) in positions; running ``sums`` and ``squares`` there, (bins + 1, signals)."""

    edges: Positions
    sums: Floats
    squares: Floats

    def residual(self, starts: slice, end: int) -> Floats:
        """Sum of squared deviations of the bins from each of ``starts`` to before ``end``; 0 for none."""
        length = np.maximum(self.edges[end] - self.edges[starts], 1)[:, np.newaxis]
        total = self.sums[end] - self.sums[starts]
        return np.asarray(np.maximum(self.squares[end] - self.squares[starts] - total**2 / length, 0.0))

    def backwards(self) -> _Bins:
        """The same bins in the opposite order."""
        return _Bins(
            self.edges[-1] - self.edges[::-1], self.sums[-1] - self.sums[::-1], self.squares[-1] - self.squares[::-1]
        )


def possible_cuts(centred: Floats, penalty: float) -> Positions:
    """Positions from 0 to n, both included, between which an optimal segmentation of a signal may cut.

    ``centred`` has shape (n, signals); a position is kept if it is possible for any of the signals.
    """
    n, signals = centred.shape
    width = max(_LEAST_WIDTH, -(-n // _MOST_BINS))
    edges = np.append(np.arange(0, n, width), n)
    sums, squares = (np.concatenate((np.zeros((1, signals)), np.cumsum(v, axis=0))) for v in (centred, centred**2))
    bins = _Bins(edges, sums[edges], squares[edges])
    inside = np.minimum(_cut_once(bins, sums), penalty)  # a second cut in the same bin would cost another penalty
    before = _up_to(bins, inside, penalty)
    after = _up_to(bins.backwards(), inside[::-1], penalty)[::-1]
    least = before + after - inside  # both count the bin itself
    possible = (least <= _reached(bins, sums, penalty) + _ROUNDING * squares[-1]).any(axis=1)
    kept = np.repeat(possible, np.diff(edges))
    kept[0] = True  # the start of the first piece
    return np.append(np.flatnonzero(kept), n)


def _cut_once(bins: _Bins, sums: Floats) -> Floats:
    """Squared deviations in each bin with its one best cut (at its start, too), (bins, signals)."""
    widths = np.diff(bins.edges)
    place = np.arange(bins.edges[-1])
    first, last = np.repeat(bins.edges[:-1], widths), np.repeat(bins.edges[1:], widths)
    left = (sums[:-1] - sums[first]) ** 2 / np.maximum(place - first, 1)[:, np.newaxis]
    gain = left + (sums[last] - sums[:-1]) ** 2 / (last - place)[:, np.newaxis]
    best = np.maximum.reduceat(gain, bins.edges[:-1], axis=0)
    return np.asarray(np.maximum(np.diff(bins.squares, axis=0) - best, 0.0))


def _up_to(bins: _Bins, inside: Floats, penalty: float) -> Floats:
    """Lower bound of everything up to and with each bin if it is cut, (bins, signals)."""
    best = np.empty_like(inside)
    best[0] = inside[0] + penalty
    for cut in range(1, len(inside)):
        first = bins.residual(slice(0, 1), cut)[0]
        others = best[:cut] + bins.residual(slice(1, cut + 1), cut)
        best[cut] = np.minimum(first, others.min(axis=0)) + inside[cut] + penalty
    return best


def _reached(bins: _Bins, sums: Floats, penalty: float) -> Floats:
    """Objective of a good segmentation: cut between bins as well as can be, then each cut moved; (signals,)."""
    best = np.zeros_like(bins.sums)
    starts = np.zeros(best.shape, dtype=np.int64)
    for end in range(1, len(best)):
        cost = best[:end] + bins.residual(slice(0, end), end)
        starts[end] = cost.argmin(axis=0)
        best[end] = cost.min(axis=0) + penalty
    found = np.empty(best.shape[1])
    for signal in range(best.shape[1]):
        cuts, end = [len(bins.edges) - 1], len(bins.edges) - 1
        while end:
            end = int(starts[end, signal])
            cuts.append(end)
        moved = _moved(bins.edges[cuts[::-1]], sums[:, signal], int(bins.edges[1]))
        pieces = np.diff(sums[moved, signal]) ** 2 / np.diff(moved)
        found[signal] = bins.squares[-1, signal] - pieces.sum() + penalty * len(pieces)
    return found


def _moved(cuts: Positions, sums: Floats, reach: int) -> Positions:
    """Each of ``cuts`` but the ends in turn at its best place within ``reach``, its neighbours where they are."""
    moved = cuts.copy()
    for number in range(1, len(cuts) - 1):
        low, high = int(moved[number - 1]), int(moved[number + 1])
        places = np.arange(max(low + 1, moved[number] - reach), min(high, moved[number] + reach + 1))
        gain = (sums[places] - sums[low]) ** 2 / (places - low) + (sums[high] - sums[places]) ** 2 / (high - places)
        moved[number] = places[gain.argmax()]
    return moved
