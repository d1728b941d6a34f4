"""Groups: the tests' size and power, shrinkage in the right direction, and what thin groups are told."""

from __future__ import annotations

import numpy as np
import pytest

from mimetic2.threshold import SideColumns, find_threshold
from mimetic2.threshold.checks.group_needs import concepts_for_a_verdict
from mimetic2.threshold.checks.groups import Groups
from mimetic2.threshold.checks.places import curve_test, fit_places, group_curves, place_test
from mimetic2.threshold.checks.pooling import pool
from mimetic2.threshold.conclusion import Conclusion, conclude
from mimetic2.threshold.verdict import Verdict


def study(
    places: list[float], sizes: list[int], *, seed: int = 0, sd: float = 0.05, kind: str = "step", floors: float = 0.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    group = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    counts = np.sort(np.round(10 ** rng.uniform(0, 4.5, len(group)) - 1))
    x, middle = np.log10(1 + counts), np.log10(1 + np.array(places))[group]
    rise = (x >= middle) if kind == "step" else 1 / (1 + np.exp(-(x - middle) / 0.3))
    scores = 0.1 + floors * group + (0.3 - floors * group) * rise + rng.normal(0, sd, len(group))
    return counts, scores, group


def concluded(counts: np.ndarray, scores: np.ndarray) -> Conclusion:
    return conclude(counts, scores, None, level=0.95, seed=0, draws=19)


def groups_of(counts: np.ndarray, scores: np.ndarray, group: np.ndarray, names: list[str]) -> Groups:
    result = find_threshold(counts, scores, beside=SideColumns(group=np.array(names)[group]), draws=199)
    assert result.groups is not None
    return result.groups


def test_places_fitted_in_each_group_are_least_squares() -> None:
    counts, scores, group = study([50, 2000], [30, 30])
    members = [np.flatnonzero(group == k) for k in range(2)]
    found = concluded(counts, scores)
    curves = group_curves(found, members, 0.0)
    fits = fit_places(curves, scores[np.newaxis])
    x = np.log10(1 + counts)

    def rss(rows: np.ndarray, place: float) -> float:
        upper = x[rows] > place
        parts = (scores[rows][upper], scores[rows][~upper])
        if min(map(len, parts)) == 0 or parts[0].mean() < parts[1].mean():
            return float(((scores[rows] - scores[rows].mean()) ** 2).sum())
        return float(sum(((part - part.mean()) ** 2).sum() for part in parts))

    table = np.array([[rss(rows, place) for place in curves.places] for rows in members])
    assert fits.own[0] == pytest.approx(table.min(axis=1).sum())
    assert fits.common[0] == pytest.approx(table.sum(axis=0).min())


def test_groups_that_differ_are_told_apart_and_pooled_near_their_truth() -> None:
    found = groups_of(*study([50, 500, 1500], [60, 60, 12]), ["a", "b", "c"])
    assert found.same_place_p is not None
    assert found.same_place_p <= 0.05
    assert found.spread is not None
    assert found.spread > 0.3
    for group, truth in zip(found.groups, (50, 500, 1500), strict=True):
        assert group.pooled_interval is not None
        assert group.pooled_interval[0] <= truth <= group.pooled_interval[1]
    assert "different counts" in found.note


def test_a_small_group_borrows_and_says_so() -> None:
    found = groups_of(*study([150, 150, 150], [80, 80, 6], seed=2), ["a", "b", "c"])
    large, _, small = found.groups
    assert small.verdict is None
    assert small.borrowed is not None
    assert large.borrowed is not None
    assert small.borrowed > 0.5 > large.borrowed
    assert "too thin" in small.note
    assert "borrowed from the other groups" in small.note
    assert small.needs is not None
    assert small.needs["concepts"] > 0
    assert small.pooled_interval is not None
    assert small.pooled_interval[0] < 150 < small.pooled_interval[1]


def test_shrinkage_goes_to_the_others_and_more_for_smaller_groups() -> None:
    """The same data for the odd group, thinned: its pooled place moves towards the others and leans on them more."""
    counts, scores, group = study([100, 100, 1000], [60, 60, 40], seed=4)
    places, borrowed = [], []
    for kept in (40, 12, 4):
        odd = np.flatnonzero(group == 2)
        drop = np.random.default_rng(0).permutation(odd)[: len(odd) - kept]
        rows = np.setdiff1d(np.arange(len(counts)), drop)
        found = concluded(counts[rows], scores[rows])
        members = [np.flatnonzero(group[rows] == k) for k in range(3)]
        pooled = pool(group_curves(found, members, 0.0), scores[rows], 0.95).places[2]
        places.append(pooled.median)
        borrowed.append(pooled.borrowed)
    assert places[0] == pytest.approx(3, abs=0.3)
    assert borrowed == sorted(borrowed)
    assert 2 < places[2] < places[0]


def test_offsets_shrink_towards_nothing() -> None:
    found = groups_of(*study([150, 150], [60, 12], floors=0.06), ["a", "b"])
    for group in found.groups:
        assert abs(group.offset_pooled) <= abs(group.offset)
        assert np.sign(group.offset_pooled) in (0, np.sign(group.offset))
    assert found.groups[1].offset > 0


def test_a_flat_or_linear_rise_has_no_place_to_differ() -> None:
    counts, scores, group = study([150, 150], [40, 40])
    scores = 0.05 * np.log10(1 + counts) + np.random.default_rng(0).normal(0, 0.02, 80)
    found = groups_of(counts, scores, group, ["a", "b"])
    assert found.same_place_p is None
    assert found.spread is None
    assert all(row.pooled_threshold is None for row in found.groups)
    assert "no place at which" in found.note


def test_concepts_without_a_group_are_left_out_and_one_group_is_none() -> None:
    counts, scores, group = study([150, 150, 150], [40, 40, 10])
    found = groups_of(counts, scores, group, ["a", "b", ""])
    assert [row.group for row in found.groups] == ["a", "b"]
    assert found.n_without == 10
    result = find_threshold(counts, scores, beside=SideColumns(group=np.full(90, "a")), draws=99)
    assert result.groups is None
    assumed = {row["name"]: row for row in result.assumptions}["groups alike"]
    assert assumed["outcome"] == "not testable"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["step", "ramp"])
def test_sizes_and_coverage_under_equal_groups(kind: str) -> None:
    """Groups of 60, 60 and 9 with the same threshold; the place test also with floors and gains of their own."""
    rejected = {"curve": 0, "place": 0, "place, own floors": 0}
    covered = np.zeros(3)
    runs, rise = 200, 0.0 if kind == "step" else 0.6 * np.log(9)
    for seed in range(runs):
        for floors in (0.0, 0.05):
            counts, scores, group = study([150] * 3, [60, 60, 9], seed=seed, sd=0.08, kind=kind, floors=floors)
            found = concluded(counts, scores)
            curves = group_curves(found, [np.flatnonzero(group == k) for k in range(3)], rise)
            rng = np.random.default_rng(seed)
            if floors:
                rejected["place, own floors"] += place_test(curves, scores, rng, 99) <= 0.05
                continue
            everyone = group_curves(found, [np.arange(len(counts))], rise)
            rejected["curve"] += curve_test(everyone, curves, scores, rng, 99) <= 0.05
            rejected["place"] += place_test(curves, scores, rng, 99) <= 0.05
            pooled = pool(curves, scores, 0.95).places
            covered += [place.low <= np.log10(151) <= place.high for place in pooled]
    assert max(rejected.values()) <= 0.1 * runs
    assert covered.min() >= 0.85 * runs
    assert covered[2] >= 0.95 * runs


def _all(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    counts = np.sort(np.round(10 ** rng.uniform(0, 4, n)))
    return counts, 0.3 * (counts >= 150) + rng.normal(0, 0.06, n)


def test_as_many_concepts_as_a_group_is_told_to_need_usually_come_to_a_verdict() -> None:
    main = conclude(*_all(120, 0), None, level=0.95, seed=0, draws=99)
    total = concepts_for_a_verdict(main, np.random.default_rng(1))
    assert total is not None
    words = []
    for size in (total, 10):
        studies = (_all(size, seed) for seed in range(100, 140))
        found = [conclude(*study, None, level=0.95, seed=0, draws=99).verdict for study in studies]
        words.append(sum(verdict is Verdict.STEP for verdict in found))
    enough, too_few = words
    assert enough >= 26  # of 40; 32 expected
    assert too_few <= 16


def test_a_thin_group_is_not_told_that_the_least_number_would_do() -> None:
    counts, scores = _all(120, 3)
    labels = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], [70, 44, 6]))
    found = groups_of(counts, scores, labels, ["a", "b", "tiny"])
    tiny = next(group for group in found.groups if group.group == "tiny")
    assert tiny.needs is not None
    assert tiny.n_concepts + tiny.needs["concepts"] > 20
    assert tiny.needs["counts"] == [int(counts[0]), int(counts[-1])]


def test_without_a_rise_no_number_is_named() -> None:
    counts, _ = _all(60, 0)
    main = conclude(counts, np.random.default_rng(0).normal(0, 0.1, 60), None, level=0.95, seed=0, draws=99)
    assert concepts_for_a_verdict(main, np.random.default_rng(1)) is None
