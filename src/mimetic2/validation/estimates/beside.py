"""How often the checks beside a verdict raise a doubt where there is nothing to doubt."""

from __future__ import annotations

import numpy as np

from mimetic2.threshold.association import correlation
from mimetic2.threshold.checks.covariates import pair_differences
from mimetic2.threshold.checks.independence import neighbours_test
from mimetic2.threshold.checks.influence import leave_one_out
from mimetic2.threshold.checks.monotone import monotone_test
from mimetic2.threshold.checks.two_steps import fit_two_steps
from mimetic2.threshold.conclusion import Conclusion, conclude
from mimetic2.threshold.intervals import koenker_p
from mimetic2.threshold.shapes import SHAPES
from mimetic2.threshold.verdict import SIGNIFICANCE
from mimetic2.validation.estimates.cases import DRAWS, LEVEL, Case, Outcome, draw_sample
from mimetic2.validation.worlds import spread


def association_study(case: Case, rng: np.random.Generator) -> Outcome:
    """Spearman's permutation test where score and count have nothing to do with each other, and where they have."""
    sample = draw_sample(case, rng)
    seen = correlation(sample.counts, sample.scores, rng, DRAWS)["p"] <= SIGNIFICANCE
    return {"association wrongly seen" if case.world == "flat" else "association seen": seen}


def checks_study(case: Case, rng: np.random.Generator) -> Outcome:
    """Every check on one table of a world that meets every assumption, or of one with unequal variances."""
    sample = draw_sample(case, rng)
    found = conclude(sample.counts, sample.scores, None, level=LEVEL, seed=0, draws=1)
    rising = monotone_test(found, rng, DRAWS)
    pairs = pair_differences(sample.counts, _around(found), spread(case.noise, sample.counts), rng.random(case.n))
    koenker = koenker_p(found.design, _around(found))
    outcome: dict[str, bool | float | None] = {
        "monotone doubted": None if rising is None else rising.p <= SIGNIFICANCE,
        "concepts alike doubted": None if pairs is None or pairs.p is None else pairs.p <= SIGNIFICANCE,
        "leading shape hangs on one concept": _hangs_on_one(found),
    }
    neighbours = neighbours_test(found, rng)
    outcome["dependence wrongly seen"] = None if neighbours is None else neighbours.p <= SIGNIFICANCE
    unequal = koenker is not None and koenker <= SIGNIFICANCE
    outcome["unequal variance " + ("seen" if case.noise in ("rising", "falling") else "wrongly seen")] = unequal
    if case.world in ("step", "ramp"):
        two = fit_two_steps(found.design, sample.scores, found.fits, rng, DRAWS)
        outcome["two steps wrongly established"] = two is not None and two.holds
    return outcome


def _around(found: Conclusion) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Scores around the leading shape."""
    return np.asarray(found.scores - found.design.at_rows(found.rivals[0].levels))


def _hangs_on_one(found: Conclusion) -> bool:
    best = SHAPES.index(found.rivals[0].shape)
    return bool((leave_one_out(found).shapes != best).any())
