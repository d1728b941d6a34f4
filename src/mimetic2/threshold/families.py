"""Families of rising curves over x = log10(1 + count), and the projection of scores on every curve of a family.

A curve is stored centred and with unit weighted norm over the levels (the distinct counts). The projection of scores on
it is then its fitted gain, and the projection squared is the drop of the residual sum of squares against a constant. A
family finds the projections of many score vectors at once, by the cheapest exact way that its curves allow:

``Line``   x itself: one product.
``Steps``  a jump between two neighbouring levels: running sums.
``Kinks``  constant up to a kink, then linear in x (and the mirror image: linear up to a kink, then constant): running
           sums of the scores and of the scores times x.
``Ramps``  a logistic over midpoints × widths: such curves are so alike that they lie, but for rounding, in a space of
           some dozens of dimensions, found by a randomised range finder (Halko, Martinsson & Tropp 2011).

``sums`` always means the weighted sums of centred scores in each level, shape (rows, levels).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mimetic2.threshold.segmentation import Floats

Columns = NDArray[np.int64]

NARROWEST = 0.5  # decades between 10 and 90 % of a smooth rise: narrower would be a step
MIDPOINTS, WIDTHS, KINKS = 61, 16, 61
_LOGISTIC_RISE = 2 * np.log(9)  # 10–90 % of a logistic in units of its scale
_LINEAR_RISE = 0.8  # 10–90 % of a straight rise in units of its length
_RANK = 80  # of the ramps' space: leaves out less than 1e-8 of a curve's norm over six decades


class Family(Protocol):
    """Curves that can be projected on; ``curves`` and ``projections`` count columns in the same order."""

    size: int

    def projections(self, sums: Floats) -> Floats:
        """Projection of every row on every curve: (rows, size)."""

    def curves(self, columns: Columns) -> Floats:
        """The centred unit curves asked for: (columns, levels)."""


class Line:
    """x itself."""

    size = 1

    def __init__(self, x: Floats, weights: Floats) -> None:
        self._unit = unit(x[np.newaxis, :], weights)

    def projections(self, sums: Floats) -> Floats:
        """See :class:`Family`."""
        return np.asarray(sums @ self._unit.T)

    def curves(self, columns: Columns) -> Floats:
        """See :class:`Family`."""
        return self._unit[columns]


class Steps:
    """Column j rises between levels j and j + 1."""

    def __init__(self, weights: Floats) -> None:
        self._total = float(weights.sum())
        self._above = np.cumsum(weights[::-1])[::-1][1:]
        self._norm = np.sqrt(self._above * (self._total - self._above) / self._total)
        self.size = len(self._norm)

    def projections(self, sums: Floats) -> Floats:
        """See :class:`Family`; sums below a break are the negative of those above it."""
        return np.asarray(np.cumsum(sums[:, :-1], axis=1) / -self._norm)

    def curves(self, columns: Columns) -> Floats:
        """See :class:`Family`."""
        upper = np.arange(self.size + 1) > columns[:, np.newaxis]
        centred = upper - (self._above / self._total)[columns, np.newaxis]
        return np.asarray(centred / self._norm[columns, np.newaxis])


class Kinks:
    """First the curves that rise from a kink on (the first of them from the start), then those that rise up to one.

    The rising part spans at least ``NARROWEST`` between 10 and 90 %, like a ramp's.
    """

    def __init__(self, x: Floats, weights: Floats) -> None:
        self._x, self._weights = x, weights
        inside = np.linspace(x[0], x[-1], KINKS + 2)[1:-1]
        longest = NARROWEST / _LINEAR_RISE
        self._from = np.concatenate(([x[0]], inside[inside <= x[-1] - longest]))
        self._to = inside[inside >= x[0] + longest]
        self._first = np.searchsorted(x, np.concatenate((self._from, self._to)), side="right")
        self.kinks = np.concatenate((self._from, self._to))
        self.size = len(self.kinks)
        curves = self._raw(np.arange(self.size))
        centred = curves - (curves @ weights)[:, np.newaxis] / weights.sum()
        self._norm = np.sqrt((centred * centred) @ weights)

    def projections(self, sums: Floats) -> Floats:
        """See :class:`Family`; a rise up to a kink is x less a rise from that kink on."""
        zero = np.zeros((len(sums), 1))
        below = np.concatenate((zero, np.cumsum(sums, axis=1)), axis=1)
        moments = np.concatenate((zero, np.cumsum(sums * self._x, axis=1)), axis=1)
        total = moments[:, -1:]
        rising = total - moments[:, self._first] + self.kinks * below[:, self._first]
        up_to = slice(len(self._from), None)
        rising[:, up_to] = total - rising[:, up_to]
        return np.asarray(rising / self._norm)

    def curves(self, columns: Columns) -> Floats:
        """See :class:`Family`."""
        return unit(self._raw(columns), self._weights)

    def _raw(self, columns: Columns) -> Floats:
        kink = self.kinks[columns, np.newaxis]
        rises_from = (columns < len(self._from))[:, np.newaxis]
        return np.asarray(np.where(rises_from, np.maximum(self._x, kink), np.minimum(self._x, kink)))


class Ramps:
    """Logistic curves; midpoints strictly inside the observed x, widths from ``NARROWEST`` to 4 ranges of x."""

    def __init__(self, x: Floats, weights: Floats) -> None:
        self.midpoints, self.widths = _ramp_grid(x)
        self.size = len(self.midpoints)
        self.scales = self.widths / _LOGISTIC_RISE
        dense = unit(np.tanh((x - self.midpoints[:, np.newaxis]) / (2 * self.scales[:, np.newaxis])), weights)
        self._basis, self._coordinates = _compressed(dense)

    def projections(self, sums: Floats) -> Floats:
        """See :class:`Family`."""
        return np.asarray((sums @ self._basis) @ self._coordinates)

    def curves(self, columns: Columns) -> Floats:
        """See :class:`Family`."""
        return np.asarray((self._basis @ self._coordinates[:, columns]).T)


def unit(curves: Floats, weights: Floats) -> Floats:
    """Each row centred and scaled to weighted norm 1."""
    centred = curves - (curves @ weights)[:, np.newaxis] / weights.sum()
    return np.asarray(centred / np.sqrt((centred * centred) @ weights)[:, np.newaxis])


def _ramp_grid(x: Floats) -> tuple[Floats, Floats]:
    span = float(x[-1] - x[0])
    inside = np.linspace(x[0], x[-1], MIDPOINTS + 2)[1:-1]
    across = np.geomspace(NARROWEST, max(4 * span, 4 * NARROWEST), WIDTHS)
    midpoints, widths = np.meshgrid(inside, across, indexing="ij")
    return midpoints.ravel(), widths.ravel()


def _compressed(curves: Floats) -> tuple[Floats, Floats]:
    """Basis (levels, rank) and coordinates (rank, curves) whose product is ``curves`` transposed."""
    if curves.shape[1] <= _RANK:
        return np.eye(curves.shape[1]), np.ascontiguousarray(curves.T)
    mix = np.random.default_rng(0).standard_normal((len(curves), _RANK))
    basis = np.linalg.qr(curves.T @ mix)[0]
    return basis, basis.T @ curves.T
