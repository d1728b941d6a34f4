"""A threshold per group, whether groups differ, and what a group too small for its own answer can borrow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mimetic2.seeding import generator
from mimetic2.threshold.checks.group_needs import concepts_for_a_verdict
from mimetic2.threshold.checks.places import common_rise, curve_test, group_curves, place_test
from mimetic2.threshold.checks.pooling import PooledPlace, pool
from mimetic2.threshold.checks.setting import Setting
from mimetic2.threshold.conclusion import Conclusion, conclude
from mimetic2.threshold.observations import Observations, conclusive
from mimetic2.threshold.planning import separating
from mimetic2.threshold.verdict import SIGNIFICANCE, Verdict, lowest


@dataclass(frozen=True)
class Group:
    """One group: its own answer where it is large enough, and the one pooled with the other groups.

    ``offset``: how much higher its concepts score than all concepts at the same counts; ``offset_pooled`` the same
    drawn towards 0 as far as its uncertainty demands. ``borrowed``: share of the information on its pooled threshold
    that other groups gave. ``needs``: how many concepts more, with counts spread over which range, a group like all
    concepts takes for a verdict of its own in four of five studies; None where it has one, or no such number is known.
    """

    group: str
    n_concepts: int
    counts: tuple[int, int]
    verdict: str | None
    threshold: int | None
    interval: tuple[int, int] | None
    pooled_threshold: int | None
    pooled_interval: tuple[int, int] | None
    borrowed: float | None
    offset: float
    offset_pooled: float
    needs: dict[str, Any] | None
    note: str


@dataclass(frozen=True)
class Groups:
    """All groups, and two tests between them; p-values are None where there is nothing to compare.

    ``same_curve_p``: one curve serves all. ``same_place_p``: the rise has one place, whatever floors and gains.
    ``spread``: standard deviation of the groups' places in decades, None without places.
    """

    groups: tuple[Group, ...]
    same_curve_p: float | None
    same_place_p: float | None
    spread: float | None
    n_without: int
    note: str

    def to_dict(self) -> dict[str, Any]:
        """The ``groups`` part of threshold.json."""
        rows = [
            {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(group).items()}
            for group in self.groups
        ]
        return asdict(self) | {"groups": rows}


def compare_groups(observed: Observations, main: Conclusion, setting: Setting) -> Groups | None:
    """Compare the groups of the table's column ``group``; None without two of them."""
    labels = observed.beside.group
    if labels is None:
        return None
    names = [str(name) for name in np.unique(labels) if name]
    if len(names) < 2 or main.constant:
        return None
    members = [np.flatnonzero(labels == name) for name in names]
    rise, scores = common_rise(main, members), main.scores
    placed = rise is not None and lowest(main.fits) != "flat"
    curves = group_curves(main, members, rise)
    pooled = pool(curves, scores, setting.level) if placed else None
    tests = [generator(setting.seed, "groups", test) for test in ("curve", "place")]
    everyone = group_curves(main, [np.sort(np.concatenate(members))], rise)
    same_curve = curve_test(everyone, curves, scores, tests[0], setting.draws)
    same_place = place_test(curves, scores, tests[1], setting.draws) if placed else None
    offsets = _offsets(main, members)
    places: list[PooledPlace | None] = list(pooled.places) if pooled else [None] * len(names)
    enough = cache(lambda: concepts_for_a_verdict(main, generator(setting.seed, "groups", "needs")))
    rows = [
        _group(name, observed.take(rows), main, place, offset, enough, setting)
        for name, rows, place, offset in zip(names, members, places, offsets, strict=True)
    ]
    return Groups(
        groups=tuple(rows),
        same_curve_p=same_curve,
        same_place_p=same_place,
        spread=None if pooled is None else round(pooled.spread, 4),
        n_without=int((labels == "").sum()),
        note=_note(main, same_curve, same_place, placed),
    )


def _offsets(main: Conclusion, members: list[NDArray[np.int64]]) -> list[tuple[float, float]]:
    """Mean residual of each group around the common curve, raw and shrunk (DerSimonian & Laird 1986)."""
    best = main.fits[lowest(main.fits)]
    residuals = main.scores - main.design.at_rows(best.levels)
    weights = [main.design.weights[rows] for rows in members]
    raw = np.array([w @ residuals[rows] / w.sum() for w, rows in zip(weights, members, strict=True)])
    variance = best.rss / max(main.design.n - 3, 1) / np.array([w.sum() for w in weights])
    variance = np.maximum(variance, np.finfo(float).tiny)
    share = 1 / variance
    centre = share @ raw / share.sum()
    excess = share @ (raw - centre) ** 2 - (len(raw) - 1)
    spread = max(0.0, float(excess / (share.sum() - share @ share / share.sum())))
    shrunk = raw * spread / (spread + variance)
    return [(float(a), float(b)) for a, b in zip(raw, shrunk, strict=True)]


def _group(
    name: str,
    own: Observations,
    main: Conclusion,
    place: PooledPlace | None,
    offset: tuple[float, float],
    enough: Callable[[], int | None],
    setting: Setting,
) -> Group:
    n, distinct = len(own.counts), len(np.unique(own.counts))
    found = None
    if conclusive(own.counts):
        found = conclude(
            own.counts, own.scores, own.score_se, level=setting.level, seed=setting.seed, draws=setting.draws
        )
    decided = found is not None and found.verdict is not Verdict.UNDECIDED
    needs = None if decided else _needs(main, found, n, enough())
    parts = []
    if found is None:
        parts.append(f"too thin for an answer of its own ({n} concepts, {distinct} distinct counts)")
    elif not decided:
        parts.append("undecided on its own" + ("" if needs else ", and more concepts may not change that"))
    if place is not None and place.borrowed >= 0.05:
        parts.append(f"{100 * place.borrowed:.0f} % of what is said of its threshold is borrowed from the other groups")
    return Group(
        group=name,
        n_concepts=n,
        counts=(int(np.floor(own.counts.min())), int(np.ceil(own.counts.max()))),
        verdict=None if found is None else found.verdict.value,
        threshold=None if found is None else found.place.threshold,
        interval=None if found is None else found.place.interval,
        pooled_threshold=None if place is None else _count(place.median),
        pooled_interval=None if place is None else (_count(place.low), _count(place.high)),
        borrowed=None if place is None else round(place.borrowed, 4),
        offset=round(offset[0], 6),
        offset_pooled=round(offset[1], 6),
        needs=needs,
        note="; ".join(parts),
    )


def _needs(main: Conclusion, found: Conclusion | None, n: int, enough: int | None) -> dict[str, Any] | None:
    """Concepts more than ``n``, at counts spread as those of all concepts, for a verdict of the group's own.

    ``enough`` for groups like all concepts; one that is undecided may need more to tell its own two best shapes apart.
    None if there is no such number, or if the group has as many: then it is not their number that leaves it undecided.
    """
    own = None if found is None else separating(found.design, *found.rivals)
    if enough is None or max(enough, own[0] if own else 0) <= n:
        return None
    counts = main.design.counts
    total = max(enough, own[0] if own else 0)
    return {"concepts": total - n, "counts": [int(np.floor(counts[0])), int(np.ceil(counts[-1]))]}


def _count(x: float) -> int:
    return max(0, round(10**x - 1))


def _note(main: Conclusion, curve: float | None, place: float | None, placed: bool) -> str:
    parts = []
    if curve is not None:
        parts.append(
            "the groups' curves differ"
            if curve <= SIGNIFICANCE
            else "no difference between the groups' curves is shown"
        )
    if not placed:
        parts.append("the rise within groups has no place at which groups could differ")
    if place is not None:
        parts.append(
            "the rise lies at different counts"
            if place <= SIGNIFICANCE
            else "no difference between the counts of the rise is shown"
        )
    if main.verdict in (Verdict.NONE, Verdict.UNDECIDED):
        parts.append(f"the verdict over all groups is {main.verdict.value}, so pooled thresholds describe, no more")
    return "; ".join(parts)
