"""Probability that a concept is identified (ranks first among the study's concepts) over counts: N50 and N90.

P(x) = f + (c − f) · logistic(a + b·x), b ≥ 0, x = log10(1 + count); the floor f is 1/M for M ranked concepts and the
ceiling c is 1, unless the data free them (:func:`mimetic2.threshold.rank_curve.estimate`). Jeffreys' prior on (a, b)
keeps the estimate finite when a count separates the identified from the others (Firth 1993). The likelihood has two
parameters, so it is evaluated on a grid of the logistic's values at both ends of the observed x, refined around its
maximum; intervals are profile likelihood: every quantity's range over the curves that a χ²₁ cut accepts, with these or
other ends f and c. Concepts whose x differ by less than a 200th of the range are evaluated together.

Studies of different size are compared by rank 1 among 20: each concept's chance to rank first among itself and 19
random rivals is a share instead of a yes or no, and the same curve is fitted to it (Papke & Wooldridge 1996).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from mimetic2.threshold.curve import plain_counts
from mimetic2.threshold.intervals import normal_quantile
from mimetic2.threshold.rank_curve import Curves, Ranked, estimate, maximum, ranked_by_place
from mimetic2.threshold.segmentation import Floats

_POINTS = 60
AMONG = 20


@dataclass(frozen=True)
class Crossing:
    """Where P reaches a level; None if nowhere within the observed counts.

    ``bounds``: ends of the interval, None for an end beyond the observed counts. ``note`` says in words what a missing
    value or end means.
    """

    count: int | None
    bounds: tuple[int | None, int | None]
    note: str

    @property
    def interval(self) -> tuple[int, int] | None:
        """Both ends, if both lie within the observed counts."""
        low, high = self.bounds
        return None if low is None or high is None else (low, high)

    def to_dict(self, name: str) -> dict[str, Any]:
        """Its keys of threshold.json, ``name`` being n50 or n90."""
        interval = self.interval
        return {
            name: self.count,
            f"{name}_interval": list(interval) if interval else None,
            f"{name}_bounds": list(self.bounds),
            f"{name}_note": self.note,
        }


@dataclass(frozen=True)
class AmongTwenty:
    """Rank 1 among 20: its rate over the concepts and the counts where P reaches .5 and .9."""

    rate: float
    n50: Crossing
    n90: Crossing

    def to_dict(self) -> dict[str, Any]:
        """The ``among_20`` part."""
        return {"chance": 1 / AMONG, "rate": round(self.rate, 6), **self.n50.to_dict("n50"), **self.n90.to_dict("n90")}


@dataclass(frozen=True)
class Identification:
    """How P(identified) goes with the count: N50, N90, the curve with its band, and what limits them.

    ``separated``: one count separates the identified from the others, so that its place is all the data say and the
    steepness is the prior's.
    """

    half: Crossing
    most: Crossing
    chance: float
    n_ranked: int
    n_identified: int
    floor: float
    ceiling: float
    separated: bool
    count: Floats
    p: Floats
    low: Floats
    high: Floats
    level: float
    among_20: AmongTwenty | None = None

    @property
    def n50(self) -> int | None:
        """Count where half of the concepts are identified."""
        return self.half.count

    @property
    def n90(self) -> int | None:
        """Count where nine in ten are identified."""
        return self.most.count

    def to_dict(self) -> dict[str, Any]:
        """The ``identification`` part of threshold.json."""
        rate = self.n_identified / self.n_ranked
        low, high = wilson(self.n_identified, self.n_ranked, self.level)
        return {
            **self.half.to_dict("n50"),
            **self.most.to_dict("n90"),
            "chance": round(self.chance, 6),
            "n_ranked": self.n_ranked,
            "n_identified": self.n_identified,
            "identified_rate": round(rate, 6),
            "identified_rate_interval": [round(low, 6), round(high, 6)],
            "floor": round(self.floor, 6),
            "ceiling": round(self.ceiling, 6),
            "separated": self.separated,
            "among_20": self.among_20.to_dict() if self.among_20 else None,
            "curve": {"count": plain_counts(self.count)}
            | {name: np.round(getattr(self, name), 6).tolist() for name in ("p", "low", "high")},
        }


def fit_identification(
    counts: Floats, identified: Floats, level: float, among_20: Floats | None = None
) -> Identification | None:
    """Fit P to ``identified`` (n,) of 0 and 1; None with fewer than two ranked concepts or distinct counts.

    ``among_20`` (n,): each concept's chance of rank 1 among 20, see :func:`rank1_among`.
    """
    if len(counts) < 2 or len(np.unique(counts)) < 2:
        return None
    ranked, chance = ranked_by_place(counts, identified), 1 / len(counts)
    best, accepted = estimate(ranked, chance, level)
    shown = np.unique(np.round(10 ** np.linspace(ranked.low, ranked.low + ranked.span, _POINTS) - 1, 3))
    shown[0], shown[-1] = counts.min(), counts.max()
    at = (np.log10(1 + shown) - ranked.low) / ranked.span
    every_p = [curves.p(at) for curves in accepted]
    hit, missed = counts[identified > 0], counts[identified == 0]
    return Identification(
        half=_find(ranked, 0.5, best, accepted),
        most=_find(ranked, 0.9, best, accepted),
        chance=chance,
        n_ranked=len(counts),
        n_identified=int(identified.sum()),
        floor=best.floor,
        ceiling=best.ceiling,
        separated=bool(len(hit) and len(missed) and missed.max() < hit.min()),
        count=shown,
        p=best.p(at)[0],
        low=np.min([p.min(axis=0) for p in every_p], axis=0),
        high=np.max([p.max(axis=0) for p in every_p], axis=0),
        level=level,
        among_20=_among_twenty(counts, among_20, level),
    )


def _among_twenty(counts: Floats, shares: Floats | None, level: float) -> AmongTwenty | None:
    known = np.array([], dtype=int) if shares is None else np.flatnonzero(np.isfinite(shares))
    if shares is None or len(np.unique(counts[known])) < 2:
        return None
    ranked, chance = ranked_by_place(counts[known], shares[known]), 1 / AMONG
    best, accepted = estimate(ranked, chance, level)
    found = [_find(ranked, wanted, best, accepted) for wanted in (0.5, 0.9)]
    return AmongTwenty(float(shares[known].mean()), *found)


def crossings(counts: Floats, identified: Floats, floor: float, ceiling: float) -> tuple[float, float]:
    """Places in log10(1 + count) where P, fitted with these ends, reaches .5 and .9; infinite where it does not."""
    ranked = ranked_by_place(counts, identified)
    curve = maximum(ranked, floor, ceiling).curve
    first, second = (float(curve.crossing(p)[0]) for p in (0.5, 0.9))
    return ranked.low + first * ranked.span, ranked.low + second * ranked.span


def rank1_among(better: int, rivals: int, size: int = AMONG) -> float | None:
    """Chance to rank first among itself and ``size − 1`` of ``rivals`` drawn at random, ``better`` of which fit better.

    C(M − 1 − r, 19) / C(M − 1, 19) with M − 1 rivals and r better ones; None with fewer than 19 rivals.
    """
    if rivals < size - 1:
        return None
    return math.comb(rivals - better, size - 1) / math.comb(rivals, size - 1)


def wilson(hits: int, total: int, level: float) -> tuple[float, float]:
    """Wilson's (1927) interval of a proportion."""
    share, z = hits / total, normal_quantile(level)
    square = z * z / total
    middle = (share + square / 2) / (1 + square)
    half = math.sqrt(share * (1 - share) * square + square * square / 4) / (1 + square)
    return max(0.0, middle - half), min(1.0, middle + half)


def _find(ranked: Ranked, wanted: float, best: Curves, accepted: list[Curves]) -> Crossing:
    """The count where P reaches ``wanted``, its bounds, and what is missing."""
    place = float(best.crossing(wanted)[0])
    every = np.concatenate([curves.crossing(wanted) for curves in accepted])
    ends = float(every.min()), float(every.max())
    low = ranked.count(ends[0]) if 0 <= ends[0] <= 1 else None
    high = ranked.count(ends[1]) if 0 <= ends[1] <= 1 else None
    least, most, share = ranked.count(0), ranked.count(1), f"{100 * wanted:g} %"
    count = ranked.count(place) if 0 <= place <= 1 else None
    notes = []
    if count is None:
        where = "from the smallest observed count on" if place < 0 else "nowhere within the observed counts"
        notes.append(f"{share} are identified {where}")
    if low is None and ends[0] < 0:
        where = "without any training image" if least == 0 else f"below {least:,} images already"
        notes.append(f"no lower end: the data allow that {share} are identified {where}")
    if high is None and ends[1] > 1:
        notes.append(f"no upper end: the data allow that {share} are not reached by {most:,} images")
    return Crossing(count, (low, high), "; ".join(notes))
