"""Sensitivity rows: the same question asked of altered data, so that no single choice of the analysis decides alone.

Every row draws the same conclusion as the analysis itself, with the same tests; only the draws are fewer. A row that
the table does not allow says so and why.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mimetic2.seeding import generator
from mimetic2.threshold.checks.altered import normal_scores, pulled_in
from mimetic2.threshold.checks.covariates import adjusted
from mimetic2.threshold.checks.setting import Setting
from mimetic2.threshold.checks.two_steps import fit_two_steps
from mimetic2.threshold.checks.uncertain import DRAWS, Shifts
from mimetic2.threshold.conclusion import Conclusion, conclude
from mimetic2.threshold.observations import Observations, conclusive
from mimetic2.threshold.segmentation import Floats

DISTINCT, WEIGHTED = "distinct images", "weighted images"  # rows whose thresholds are in other counts
COVARIATES, DRAWN = "adjusted for covariates", "counts drawn from their intervals"
SAME, CHANGED, NOT_TESTABLE = "same", "changed", "not testable"
KEPT = 0.95


@dataclass(frozen=True)
class Row:
    """One sensitivity row of threshold.json.

    ``outcome`` is "same" (verdict as before, threshold inside the analysis's interval), "changed" or "not testable";
    ``note`` says what changed, or why it cannot be tested.
    """

    name: str
    outcome: str
    verdict: str | None = None
    threshold: int | None = None
    interval: tuple[int, int] | None = None
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self) | {"interval": None if self.interval is None else list(self.interval)}


class NotTestable(Exception):  # noqa: N818 - an outcome, not an error
    """Why a row cannot be computed from this table."""


def sensitivity_rows(
    observed: Observations, main: Conclusion, setting: Setting, moved: Shifts | None
) -> tuple[Row, ...]:
    """All rows, in a fixed order; ``main`` is the analysis's own conclusion, ``moved`` what drawn counts change."""
    altered: dict[str, Callable[[Observations], tuple[Observations, str]]] = {
        "ranks instead of scores": lambda o: (o.with_scores(normal_scores(o.scores)), ""),
        "outliers pulled in": lambda o: (o.with_scores(pulled_in(o.counts, o.scores)), ""),
        "equal weights": _without_weights,
        "without concepts that the embedder does not separate": lambda o: _without(o, "not_separated"),
        "without controls": lambda o: _without(o, "control"),
        COVARIATES: lambda o: _adjusted(o, main),
        DISTINCT: _distinct,
        WEIGHTED: _weighted,
    }
    rows = [_row(name, alter, observed, main, setting) for name, alter in altered.items()]
    return (rows[0], rows[1], _two_steps_row(main, setting), _drawn_counts_row(main, moved), *rows[2:])


def _row(
    name: str,
    alter: Callable[[Observations], tuple[Observations, str]],
    observed: Observations,
    main: Conclusion,
    setting: Setting,
) -> Row:
    try:
        changed, note = alter(observed)
    except NotTestable as reason:
        return Row(name, NOT_TESTABLE, note=str(reason))
    if not conclusive(changed.counts):
        n, distinct = len(changed.counts), len(np.unique(changed.counts))
        return Row(name, NOT_TESTABLE, note=f"{n} concepts with {distinct} distinct counts would be left")
    found = conclude(
        changed.counts,
        changed.scores,
        changed.score_se,
        level=setting.level,
        seed=setting.seed,
        draws=setting.draws,
    )
    return compare(name, main, found, note)


def compare(name: str, main: Conclusion, found: Conclusion, note: str = "") -> Row:
    """The row of a conclusion from altered data beside the analysis's own."""
    place = found.place
    parts = [note] if note else []
    if found.verdict != main.verdict:
        parts.append(f"verdict {found.verdict.value} instead of {main.verdict.value}")
    inside = name in (DISTINCT, WEIGHTED) or _inside(place.threshold, main)
    if found.verdict == main.verdict and not inside:
        parts.append(f"threshold {_shown(place.threshold)} instead of {_shown(main.place.threshold)}")
    outcome = SAME if found.verdict == main.verdict and inside else CHANGED
    return Row(name, outcome, found.verdict.value, place.threshold, place.interval, "; ".join(parts))


def _inside(threshold: int | None, main: Conclusion) -> bool:
    """Whether a threshold agrees with the analysis's: both absent, equal, or inside its interval."""
    if threshold == main.place.threshold or threshold is None or main.place.threshold is None:
        return threshold == main.place.threshold
    interval = main.place.interval
    return interval is not None and interval[0] <= threshold <= interval[1]


def _shown(threshold: int | None) -> str:
    return "none" if threshold is None else f"{threshold:,}"


def _two_steps_row(main: Conclusion, setting: Setting) -> Row:
    name = "two steps"
    rng = generator(setting.seed, "two steps")
    found = None if main.constant else fit_two_steps(main.design, main.scores, main.fits, rng, setting.draws)
    if found is None:
        return Row(name, NOT_TESTABLE, note="all scores are equal")
    verdict, place = main.verdict.value, main.place
    where = f"rises at {found.counts[0]:,} and {found.counts[1]:,}"
    if found.ahead <= 0:
        note = f"{where}; BIC {-found.ahead:.1f} behind the best shape"
        return Row(name, SAME, verdict, place.threshold, place.interval, note)
    p = ", ".join(f"{value:.3f} against {rival}" for rival, value in found.tests.items())
    note = f"{where}; BIC {found.ahead:.1f} ahead of the best shape; p {p}"
    if not found.holds or main.falling:
        return Row(name, SAME, verdict, place.threshold, place.interval, f"{note}: not established")
    return Row(name, CHANGED, "step", found.counts[0], None, f"{note}: two rises are established")


def _drawn_counts_row(main: Conclusion, moved: Shifts | None) -> Row:
    """Whether the shape that leads keeps its lead when the counts are drawn from their intervals."""
    if moved is None:
        return Row(DRAWN, NOT_TESTABLE, note="the table has no count_low and count_high that differ")
    note = f"{moved.shape} has the lowest BIC in {100 * moved.kept:.0f} % of {DRAWS} draws"
    outcome = SAME if moved.kept >= KEPT else CHANGED
    return Row(DRAWN, outcome, main.verdict.value, main.place.threshold, main.place.interval, note)


def _without_weights(observed: Observations) -> tuple[Observations, str]:
    if observed.score_se is None:
        raise NotTestable("the table has no score_se, so all concepts weigh the same already")
    return replace(observed, score_se=None), ""


def _without(observed: Observations, column: str) -> tuple[Observations, str]:
    flags: NDArray[np.bool_] | None = getattr(observed.beside, column)
    if flags is None:
        raise NotTestable(f"the table has no column '{column}'")
    if not flags.any():
        raise NotTestable(f"no concept of the table is marked '{column}'")
    return observed.take(~flags), f"{int(flags.sum())} left out"


def _adjusted(observed: Observations, main: Conclusion) -> tuple[Observations, str]:
    covariates = observed.beside.covariates
    if not covariates:
        raise NotTestable("the table has no columns that begin with 'covariate_'")
    scores, effects = adjusted(main, np.column_stack(list(covariates.values())))
    named = [f"{name} {effect:+.4f} per sd" for name, effect in zip(covariates, effects, strict=True)]
    return replace(observed, scores=scores).sorted(), ", ".join(named)


def _distinct(observed: Observations) -> tuple[Observations, str]:
    distinct = observed.beside.distinct
    if distinct is None:
        raise NotTestable("needs a column 'distinct' and every mention looked at (alive = mentions for all concepts)")
    return observed.with_counts(distinct), _ratio(observed.counts, distinct)


def _weighted(observed: Observations) -> tuple[Observations, str]:
    weighted = observed.beside.weighted_count
    if weighted is None:
        raise NotTestable("the table has no column 'weighted_count'")
    return observed.with_counts(weighted), _ratio(observed.counts, weighted)


def _ratio(counts: Floats, others: Floats) -> str:
    """How far other counts are from the counts, as the thresholds in them cannot be compared directly."""
    ratio = np.median((1 + others) / (1 + counts))
    return f"counts change by a factor of {ratio:.2g} (median)"
