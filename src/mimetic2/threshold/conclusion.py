"""The core of robust mode: from counts and scores to fitted shapes, tests, verdict, threshold and interval.

Nothing here describes or compares: :mod:`mimetic2.threshold.find` builds the whole answer around one conclusion, the
sensitivity rows of :mod:`mimetic2.threshold.checks` draw the same conclusion from altered data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mimetic2.seeding import generator
from mimetic2.threshold.association import falls
from mimetic2.threshold.intervals import StepInterval, from_count, ramp_midpoint, step_interval
from mimetic2.threshold.segmentation import Floats
from mimetic2.threshold.shapes import SHAPES, Design, Fit
from mimetic2.threshold.verdict import AHEAD, Tests, Verdict, better_smooth, decide, lowest, run_tests
from mimetic2.threshold.weights import concept_weights

FEW_CONCEPTS = 30


@dataclass(frozen=True)
class Place:
    """Where the verdict puts the threshold: count, kind (step or midpoint) and interval, each None if it has none."""

    threshold: int | None = None
    kind: str | None = None
    interval: tuple[int, int] | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Conclusion:
    """Verdict and threshold of one set of counts and scores, with the design, fits and tests they rest on.

    ``scores`` (n,) are in the design's order, by ascending count; ``tau2`` is None without standard errors.
    """

    design: Design
    scores: Floats
    fits: dict[str, Fit]
    tests: Tests
    verdict: Verdict
    place: Place
    falling: bool
    constant: bool
    tau2: float | None

    @property
    def rivals(self) -> tuple[Fit, Fit]:
        """The fit with the lowest BIC and the one it must be told from: step against smooth, flat against the next."""
        best = lowest(self.fits)
        second = sorted(SHAPES, key=lambda shape: self.fits[shape].bic)[1]
        other = {"step": better_smooth(self.fits), "flat": second}.get(best, "step")
        return self.fits[best], self.fits[other]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader should know of this verdict and threshold."""
        warnings = []
        if self.design.n < FEW_CONCEPTS:
            warnings.append(f"only {self.design.n} concepts: fewer than {FEW_CONCEPTS} are often undecided")
        if self.constant:
            warnings.append("all scores are equal")
        if self.falling:
            warnings.append("the score falls as the count rises: only rises count as imitation")
        return (*warnings, *self.place.warnings)


def conclude(
    counts: Floats, scores: Floats, score_se: Floats | None, *, level: float, seed: int, draws: int
) -> Conclusion:
    """Fit, test and decide; all arrays (n,), counts ascending."""
    weights, tau2 = None, None
    constant = float(np.ptp(scores)) == 0
    if score_se is not None and not constant:
        weights, tau2 = concept_weights(counts, scores, score_se)
    design = Design(counts, weights)
    fits = design.fit(scores)
    tests = Tests() if constant else run_tests(design, scores, fits, generator(seed, "tests"), draws)
    falling = falls(design, scores)
    verdict = Verdict.NONE if constant or falling else decide(fits, tests)
    place = _place(verdict, design, scores, fits, level, seed, draws)
    return Conclusion(design, scores, fits, tests, verdict, place, falling, constant, tau2)


def _place(
    verdict: Verdict, design: Design, scores: Floats, fits: dict[str, Fit], level: float, seed: int, draws: int
) -> Place:
    """Threshold, its kind and interval, as the verdict allows them."""
    warnings: list[str] = []
    details: dict[str, Any]
    if verdict is Verdict.STEP:
        found = step_interval(design, scores, fits["step"], level, generator(seed, "interval"), draws)
        if found.holes:
            warnings.append("the interval has a hole: two places of the step fit about equally well")
        if found.unequal_variances:
            warnings.append(_variance_warning(found))
        threshold = from_count(design, fits["step"].column)
        details = {"critical_value": round(found.critical, 6), "unequal_variances": found.unequal_variances}
        return Place(threshold, "step", (found.low, found.high), details, tuple(warnings))
    ahead = fits["linear"].bic - fits["ramp"].bic > AHEAD
    if verdict is Verdict.GRADUAL and better_smooth(fits) == "ramp" and ahead:
        midpoint = ramp_midpoint(design, scores, fits["ramp"], level)
        if midpoint.interval is None:
            warnings.append("the midpoint's interval leaves the observed counts")
        details = {"beyond_counts": list(midpoint.beyond), "half_of_rise_seen": midpoint.half_seen}
        return Place(midpoint.count, "midpoint", midpoint.interval, details, tuple(warnings))
    return Place()


def _variance_warning(found: StepInterval) -> str:
    """Which critical value the interval has where variances are unequal."""
    start = "the scores' variance changes with the count: the interval"
    if found.critical > found.hansen:
        return f"{start} has a wild bootstrap's critical value, {found.critical:.2f}, instead of {found.hansen:.2f}"
    return f"{start} keeps Hansen's critical value, {found.hansen:.2f}, because a wild bootstrap's is no larger"
