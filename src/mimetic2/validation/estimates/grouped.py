"""Groups: size and power of the tests between them, and whether pooled intervals hold each group's place."""

from __future__ import annotations

import numpy as np

from mimetic2.threshold.checks.places import common_rise, curve_test, group_curves, place_test
from mimetic2.threshold.checks.pooling import pool
from mimetic2.threshold.conclusion import conclude
from mimetic2.threshold.segmentation import Floats
from mimetic2.threshold.verdict import SIGNIFICANCE, lowest
from mimetic2.validation.bins import draw_counts
from mimetic2.validation.estimates.cases import LEVEL, RISE, TABLE, Case, Outcome
from mimetic2.validation.worlds import PLACES, draw_noise

DRAWS = 99
APART = 10.0  # times the others' place, where a group has its own
LIFT = 0.1  # of the last group's floor, where floors differ
SMALL = 15  # concepts: up to this a group counts as small
SCALE = 0.3  # decades, of the ramp


def grouped_study(case: Case, rng: np.random.Generator) -> Outcome:
    """One study; ``condition`` gives the sizes of the groups, the world's second word what differs between them."""
    kind, differs = case.world.split(", ")
    sizes = [int(size) for size in case.condition.split(" + ")]
    counts = draw_counts(TABLE, case.n, rng)
    label = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    common = float(np.exp(rng.uniform(*np.log(PLACES))))
    last = label == len(sizes) - 1
    own = np.where(last, common * (APART if differs == "place differs" else 1.0), common)
    scores = _means(kind, counts, own) + draw_noise(case.noise, counts, rng)
    if differs == "floor differs":
        scores = np.where(last, LIFT + scores * (1 - LIFT / RISE), scores)
    found = conclude(counts, scores, None, level=LEVEL, seed=0, draws=1)
    members = [np.flatnonzero(label == group) for group in range(len(sizes))]
    rise = common_rise(found, members)
    curves = group_curves(found, members, rise)
    everyone = group_curves(found, [np.arange(case.n)], rise)
    outcome: dict[str, bool | float | None] = {}
    one_curve = curve_test(everyone, curves, scores, rng, DRAWS) <= SIGNIFICANCE
    outcome["one curve rejected" + (", rightly" if differs != "nothing differs" else "")] = one_curve
    if rise is None or lowest(found.fits) == "flat":
        return outcome
    one_place = place_test(curves, scores, rng, DRAWS) <= SIGNIFICANCE
    outcome["one place rejected" + (", rightly" if differs == "place differs" else "")] = one_place
    places = pool(curves, scores, LEVEL).places
    for name, group in _chosen(sizes).items():
        x = float(np.log10(1 + own[members[group][0]]))
        outcome[f"pooled interval covers, {name}"] = places[group].low <= x <= places[group].high
        outcome[f"decades, {name}"] = places[group].high - places[group].low
    return outcome


def _means(kind: str, counts: Floats, places: Floats) -> Floats:
    if kind == "step":
        return np.asarray(RISE * (counts >= places))
    x, middle = np.log10(1 + counts), np.log10(1 + places)
    return np.asarray(RISE * 0.5 * (1 + np.tanh((x - middle) / (2 * SCALE))))


def _chosen(sizes: list[int]) -> dict[str, int]:
    """The first large group and the last one, which differs where any does; small groups are named so."""
    return {
        ("small" if sizes[group] <= SMALL else "large") + (" group" if group == 0 else ", last group"): group
        for group in (0, len(sizes) - 1)
    }
