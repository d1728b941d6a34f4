"""What more concepts would change: studies of growing size simulated, and from them how many to add, and where.

Sizes are multiples of what there is, and what an undecided verdict needs. Growing ends where every rise is told nearly
always. Proposed is the least simulated number of concepts with which the right verdict comes out in four of five
studies; where none suffices, the first, and the plan says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mimetic2.planning.basis import Basis
from mimetic2.planning.power import Power, simulate
from mimetic2.planning.proposal import Bin, added, place
from mimetic2.progress import bar
from mimetic2.study import Study

GROWTH, MOST_GROWTH = (1.5, 2.0, 3.0), 5.0
"""Numbers of concepts that are simulated, as multiples of what there is; and up to which one that is needed is."""
ENOUGH, CERTAIN = 0.8, 0.95
"""Rates of the right verdict: what a proposal aims at, and of every rise, where growing ends."""


@dataclass(frozen=True)
class Growth:
    """``power`` by size and truth; ``proposal``: the ``more`` concepts to add first, by count.

    ``enough``: whether the right verdict, if one of the truths that
    matter is true, comes out in ``ENOUGH`` of the studies with them; ``enough_now``: without them.
    """

    power: tuple[Power, ...]
    proposal: tuple[Bin, ...]
    more: int
    enough: bool
    enough_now: bool


def grow(basis: Basis, images: float, study: Study, *, runs: int, affordable: int | None) -> Growth:
    """Simulate studies of the present concepts and of more, with ``images`` images each."""
    n, sizes = len(basis.counts), _sizes(basis, affordable)
    by_size = {n: _at(basis, n, images, study, runs)}
    for size in sizes:
        by_size[size] = _at(basis, size, images, study, runs)
        if all(row.right >= CERTAIN for row in by_size[size] if row.truth != "flat"):
            break
    larger = [size for size in by_size if size > n]
    enough = [size for size in larger if _enough(by_size[size], basis)]
    chosen = (enough or larger or [n])[0]
    return Growth(
        power=tuple(row for rows in by_size.values() for row in rows),
        proposal=_proposal(basis, chosen - n, images),
        more=chosen - n,
        enough=_enough(by_size[chosen], basis),
        enough_now=_enough(by_size[n], basis),
    )


def _sizes(basis: Basis, affordable: int | None) -> list[int]:
    """Larger numbers of concepts to simulate, what an undecided verdict needs among them where that is more."""
    n = len(basis.counts)
    more = [round(n * growth) for growth in GROWTH]
    needed = 0 if basis.needed is None else basis.needed[0]
    if more[0] < needed <= n * MOST_GROWTH:
        more.append(needed)
    return sorted({size if affordable is None else min(size, affordable) for size in more} - set(range(n + 1)))


def _proposal(basis: Basis, more: int, images: float) -> tuple[Bin, ...]:
    return tuple(place(basis.counts, more, basis.plausible, basis.noise, images)) if more else ()


def _at(basis: Basis, size: int, images: float, study: Study, runs: int) -> list[Power]:
    new = added(_proposal(basis, size - len(basis.counts), images))
    counts = np.concatenate((basis.counts, new))
    noise = basis.noise.at(counts, images)
    with bar(f"simulate {size:,} concepts", len(basis.scenarios) * runs, unit="studies") as progress:
        return [
            simulate(counts, noise, truth, runs=runs, seed=study.seed, level=study.level, advance=progress.advance)
            for truth in basis.scenarios
        ]


def _enough(rows: Sequence[Power], basis: Basis) -> bool:
    """Of a pilot the likeliest shape and its rival matter; without one every truth does."""
    return all(row.right >= ENOUGH for row in rows if not basis.likely or row.truth in basis.likely)
