"""Counts recorded with an error: does the interval that carries their uncertainty hold the true place?"""

from __future__ import annotations

import numpy as np

from mimetic2.threshold.checks.setting import Setting
from mimetic2.threshold.checks.uncertain import shifts, widen_conclusion
from mimetic2.threshold.conclusion import conclude
from mimetic2.threshold.curve import fit_curve
from mimetic2.threshold.observations import Observations, SideColumns
from mimetic2.threshold.verdict import Verdict
from mimetic2.validation.estimates.cases import DRAWS, LEVEL, Case, Outcome, draw_sample


def recorded_study(case: Case, rng: np.random.Generator) -> Outcome:
    """One study; ``condition`` is the sd of the recorded counts' error in decades, known to the analysis."""
    error = float(case.condition.removesuffix(" decades"))
    sample = draw_sample(case, rng)
    x = np.log10(1 + sample.counts) + error * rng.standard_normal(case.n)
    recorded, low, high = (np.round(10 ** (x + side * 1.96 * error) - 1).clip(0) for side in (0, -1, 1))
    beside = SideColumns(count_low=low, count_high=high)
    observed = Observations(recorded, sample.scores, beside=beside).sorted()
    setting = Setting(LEVEL, int(rng.integers(2**31)), DRAWS)
    found = conclude(observed.counts, observed.scores, None, level=LEVEL, seed=setting.seed, draws=DRAWS)
    if case.world == "narrow ramp":
        return {"false step": found.verdict is Verdict.STEP}
    named = found.place.kind == {"step": "step", "ramp": "midpoint"}[case.world]
    outcome: dict[str, bool | float | None] = {"named": named}
    if not named or found.place.interval is None:
        return outcome
    curve, _ = fit_curve(found.design, observed.scores, LEVEL, rng, DRAWS)
    widened = widen_conclusion(found, shifts(observed, found, curve, None, None, setting), LEVEL)
    outcome["as given covers"] = _holds(found.place.interval, sample.place)
    outcome["as given, decades"] = _decades(found.place.interval)
    if widened.place.interval is not None:
        outcome["interval covers"] = _holds(widened.place.interval, sample.place)
        outcome["decades"] = _decades(widened.place.interval)
    return outcome


def _holds(interval: tuple[int, int], place: float) -> bool:
    return interval[0] - 1 < place <= interval[1]


def _decades(interval: tuple[int, int]) -> float:
    return float(np.log10((1 + interval[1]) / (1 + interval[0])))
