"""The assumptions behind the answer, by name: what was checked, with what outcome, and what cannot be checked here.

"pass" means that a check which could have failed did not; it is no confirmation. "doubtful" names what failed.
"not testable" says what the table lacks, or that no table could tell.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mimetic2.seeding import generator
from mimetic2.threshold.checks.covariates import count_association, pair_differences, surely_associated
from mimetic2.threshold.checks.groups import Groups
from mimetic2.threshold.checks.independence import neighbours_test
from mimetic2.threshold.checks.influence import leave_one_out
from mimetic2.threshold.checks.monotone import monotone_test
from mimetic2.threshold.checks.sensitivity import CHANGED, COVARIATES, DISTINCT, DRAWN, NOT_TESTABLE, WEIGHTED, Row
from mimetic2.threshold.checks.setting import Setting
from mimetic2.threshold.conclusion import Conclusion, conclude
from mimetic2.threshold.intervals import koenker_p
from mimetic2.threshold.observations import Observations, conclusive
from mimetic2.threshold.shapes import SHAPES
from mimetic2.threshold.verdict import SIGNIFICANCE

PASS, DOUBTFUL = "pass", "doubtful"
MONOTONE, INDEPENDENT = "monotone", "concepts independent"
NEAR, ENOUGH_NEAR = 0.5, 5  # decades on each side of the threshold, concepts wanted there


@dataclass(frozen=True)
class Assumption:
    """One assumption: short name, what is assumed, outcome (pass, doubtful, not testable), finding, p-value if any."""

    name: str
    assumed: str
    outcome: str
    finding: str
    p: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def assumptions(
    observed: Observations, found: Conclusion, rows: Sequence[Row], groups: Groups | None, setting: Setting
) -> tuple[Assumption, ...]:
    """All assumptions, in a fixed order."""
    by_name = {row.name: row for row in rows}
    return (
        _monotone(found, setting),
        _equal_variance(found),
        _independent(found, setting),
        _no_single_concept(observed, found, setting),
        _near_threshold(found),
        _alike(observed, found, setting),
        _groups_alike(groups),
        _unconfounded(observed, by_name[COVARIATES]),
        _equal_images(by_name[WEIGHTED], by_name[DISTINCT]),
        _counts_known(by_name[DRAWN]),
    )


def doubt(assumed: Sequence[Assumption], name: str) -> str | None:
    """The finding of the assumption ``name`` if it is doubtful, else None."""
    found = next(assumption for assumption in assumed if assumption.name == name)
    return found.finding if found.outcome == DOUBTFUL else None


def _monotone(found: Conclusion, setting: Setting) -> Assumption:
    text = "The expected score never falls as the count rises."
    tested = None if found.constant else monotone_test(found, generator(setting.seed, "monotone"), setting.draws)
    if tested is None:
        return Assumption(MONOTONE, text, NOT_TESTABLE, "There are too few different counts or scores to see a fall.")
    where = f", from about {tested.counts[0]:,} to about {tested.counts[1]:,} images" if tested.fall > 0 else ""
    finding = f"Between classes of counts the largest fall is {tested.fall:.3f}{where} ({_p(tested.p)})."
    outcome = DOUBTFUL if found.falling or tested.p <= SIGNIFICANCE else PASS
    return Assumption(MONOTONE, text, outcome, finding, round(tested.p, 6))


def _equal_variance(found: Conclusion) -> Assumption:
    text = "Scores scatter equally at all counts."
    best = found.rivals[0]
    p = koenker_p(found.design, found.scores - found.design.at_rows(best.levels))
    if p is None:
        return Assumption("equal variance", text, NOT_TESTABLE, "The scores do not scatter around the fitted shape.")
    change = "changes with the count" if p <= SIGNIFICANCE else "does not show a change with the count"
    finding = (
        f"The scatter around the {best.shape} {change} (Koenker's test, {_p(p)}); the tests of the verdict draw each "
        "concept's scatter from the quarter of all concepts nearest to it in count, so they allow for slow changes."
    )
    return Assumption("equal variance", text, DOUBTFUL if p <= SIGNIFICANCE else PASS, finding, round(p, 6))


def _independent(found: Conclusion, setting: Setting) -> Assumption:
    name, text = INDEPENDENT, "Concepts of neighbouring counts do not go together."
    tested = neighbours_test(found, generator(setting.seed, "neighbours"))
    if tested is None:
        return Assumption(name, text, NOT_TESTABLE, "There are too few concepts, or their scores do not scatter.")
    finding = (
        f"Neighbours' scores around the {found.rivals[0].shape} correlate by {tested.correlation:.2f} ({_p(tested.p)})."
    )
    if tested.p <= SIGNIFICANCE:
        finding += (
            " Either the shape misses something, or concepts come in clusters (a band's members, a master's pupils): "
            "then fewer concepts than were counted speak, and tests and intervals claim too much."
        )
    return Assumption(name, text, DOUBTFUL if tested.p <= SIGNIFICANCE else PASS, finding, round(tested.p, 6))


def _no_single_concept(observed: Observations, found: Conclusion, setting: Setting) -> Assumption:
    name, text = "no single concept decides", "Leaving out any one concept changes neither verdict nor threshold."
    if found.constant:
        return Assumption(name, text, NOT_TESTABLE, "All scores are equal.")
    left_out = leave_one_out(found)
    best, rival = (SHAPES.index(fit.shape) for fit in found.rivals)
    kinds = np.array([_kind(shape) for shape in SHAPES])
    changed = int(np.count_nonzero(kinds[left_out.shapes] != kinds[best]))
    worst = int(left_out.lead(best, rival).argmin())
    parts = [f"Whichever concept is left out, {kinds[best]} keeps the lowest BIC."]
    if changed:
        parts = [
            f"{changed} {'concept decides' if changed == 1 else 'concepts decide'} alone that {kinds[best]} leads."
        ]
    moved = False
    if found.place.kind == "step" and found.place.interval is not None:
        low, high = math.ceil(left_out.places.min()), math.ceil(left_out.places.max())
        moved = low < found.place.interval[0] or high > found.place.interval[1]
        parts.append(f"The step then lies at {low:,}" + (f" to {high:,}." if high > low else "."))
    verdict = found.verdict
    rest = observed.take(np.arange(len(observed.counts)) != worst)
    if conclusive(rest.counts):
        without = conclude(
            rest.counts, rest.scores, rest.score_se, level=setting.level, seed=setting.seed, draws=setting.draws
        )
        verdict = without.verdict
        who = f" ({observed.beside.concepts[worst]})" if observed.beside.concepts is not None else ""
        at = f"at {observed.counts[worst]:,.10g} images{who}"
        parts.append(f"Without the one that matters most, {at}, the verdict is {verdict.value}.")
    doubtful = bool(changed) or moved or verdict != found.verdict
    return Assumption(name, text, DOUBTFUL if doubtful else PASS, " ".join(parts))


def _kind(shape: str) -> str:
    """What a verdict tells apart."""
    return {"flat": "no rise", "step": "a step"}.get(shape, "a smooth rise")


def _p(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p {p:.3f}"


def _near_threshold(found: Conclusion) -> Assumption:
    name, text = "counts near the threshold", "There are enough concepts close to the threshold to place it."
    threshold = found.place.threshold
    if threshold is None:
        return Assumption(name, text, NOT_TESTABLE, "The verdict names no threshold.")
    x = found.design.x[found.design.level_of] - np.log10(1 + threshold)
    upper = found.design.level_of > found.fits["step"].column if found.place.kind == "step" else x > 0
    below = int(np.count_nonzero(~upper & (x >= -NEAR)))
    above = int(np.count_nonzero(upper & (x <= NEAR)))
    finding = f"Within a factor of three of {threshold:,} there are {below} concepts below and {above} from it on."
    outcome = PASS if min(below, above) >= ENOUGH_NEAR else DOUBTFUL
    return Assumption(name, text, outcome, finding)


def _alike(observed: Observations, found: Conclusion, setting: Setting) -> Assumption:
    name, text = "concepts alike", "Concepts of equal count have equal expected scores (the paper's invariance)."
    order = generator(setting.seed, "pairs").permutation(len(observed.counts)).astype(np.float64)
    around = observed.scores - found.design.at_rows(found.rivals[0].levels)
    pairs = pair_differences(observed.counts, around, observed.score_se, order)
    if pairs is None:
        return Assumption(name, text, NOT_TESTABLE, "No two concepts have nearly equal counts.")
    finding = (
        f"Over {pairs.n} pairs of nearly equal count, scores around the fitted {found.rivals[0].shape} differ by "
        f"{pairs.absolute:.4f} (mean absolute) and "
        f"{pairs.rms:.4f} (root mean square); the signed mean, {pairs.signed:+.4f}, says nothing about either."
    )
    if pairs.p is None or pairs.expected_rms is None:
        return Assumption(
            name, text, NOT_TESTABLE, f"{finding} Without score_se nobody can say how much of that is noise."
        )
    finding += f" Standard errors alone explain {pairs.expected_rms:.4f} ({_p(pairs.p)})."
    return Assumption(name, text, DOUBTFUL if pairs.p <= SIGNIFICANCE else PASS, finding, round(pairs.p, 6))


def _groups_alike(groups: Groups | None) -> Assumption:
    name, text = "groups alike", "The same curve holds for all groups of concepts."
    if groups is None or groups.same_curve_p is None:
        return Assumption(name, text, NOT_TESTABLE, "The table has no two groups (column 'group').")
    outcome = DOUBTFUL if groups.same_curve_p <= SIGNIFICANCE else PASS
    finding = f"Over {len(groups.groups)} groups: {groups.note} ({_p(groups.same_curve_p)})."
    return Assumption(name, text, outcome, finding, round(groups.same_curve_p, 6))


def _unconfounded(observed: Observations, row: Row) -> Assumption:
    name, text = "no confounding", "Nothing else makes often-seen concepts easier to reproduce."
    if row.outcome == NOT_TESTABLE:
        finding = f"Counts were observed, not assigned, and {row.note}."
        return Assumption(name, text, NOT_TESTABLE, finding)
    parts = []
    for covariate, values in observed.beside.covariates.items():
        correlation = count_association(observed.counts, values)
        goes = "goes with the count" if surely_associated(correlation, len(values)) else "does not go with the count"
        parts.append(f"{covariate} {goes} (Spearman {correlation:.2f})")
    result = "changes the answer" if row.outcome == CHANGED else "leaves the answer"
    finding = f"{'; '.join(parts)}. Allowing for what was given {result} ({row.note}); other causes stay possible."
    return Assumption(name, text, DOUBTFUL if row.outcome == CHANGED else PASS, finding)


def _equal_images(weighted: Row, distinct: Row) -> Assumption:
    name, text = "images count equally", "Each training image of a concept counts the same."
    tested = [row for row in (weighted, distinct) if row.outcome != NOT_TESTABLE]
    if not tested:
        finding = (
            f"The paper assumes it. {weighted.note[0].upper()}{weighted.note[1:]}; distinct images: {distinct.note}."
        )
        return Assumption(name, text, NOT_TESTABLE, finding)
    changed = [row for row in tested if row.outcome == CHANGED]
    finding = "; ".join(f"with {row.name}: verdict {row.verdict} ({row.note})" for row in tested)
    return Assumption(name, text, DOUBTFUL if changed else PASS, f"{finding[0].upper()}{finding[1:]}.")


def _counts_known(row: Row) -> Assumption:
    name, text = "counts known", "The counts are known well enough to tell the shapes apart."
    if row.outcome == NOT_TESTABLE:
        return Assumption(name, text, NOT_TESTABLE, "The counts are taken as exact: the table gives no intervals.")
    finding = f"With counts drawn from their intervals {row.note}; the intervals above carry that uncertainty."
    return Assumption(name, text, DOUBTFUL if row.outcome == CHANGED else PASS, finding)
