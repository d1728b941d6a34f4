"""What is read off the fitted curve: its band, single concepts, the onset, one-sided bounds, the ramp's midpoint."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from mimetic2.threshold.checks.bounds import one_sided
from mimetic2.threshold.checks.setting import Setting
from mimetic2.threshold.conclusion import conclude
from mimetic2.threshold.curve import Curve, find_onset, fit_curve, null_band
from mimetic2.threshold.intervals import normal_quantile
from mimetic2.threshold.segmentation import Floats
from mimetic2.validation.estimates.cases import DRAWS, LEVEL, RISE, Case, Outcome, Sample, draw_sample
from mimetic2.validation.worlds import draw_noise

NULL_SPREAD = 0.03  # sd of null scores between concepts
NULL_TOP = 0.35 * RISE  # the count where the mean reaches this is what onset and bounds are about
NEAR = 0.25  # decades around the place of a rise


def curve_study(case: Case, rng: np.random.Generator) -> Outcome:
    """Band and single concepts at a count between the observed ones, and at one near the rise."""
    sample = draw_sample(case, rng)
    found = conclude(sample.counts, sample.scores, None, level=LEVEL, seed=0, draws=1)
    curve, _ = fit_curve(found.design, sample.scores, LEVEL, rng, DRAWS)
    x = found.design.x
    outcome = _covered("anywhere", case, sample, curve, rng.uniform(x[0], x[-1]), rng)
    if np.isfinite(sample.place):
        near = np.log10(1 + sample.place) + rng.uniform(-NEAR, NEAR)
        outcome |= _covered("near the rise", case, sample, curve, float(near), rng)
    return outcome


def _covered(
    where: str, case: Case, sample: Sample, curve: Curve, x: float, rng: np.random.Generator
) -> dict[str, bool | float | None]:
    """Whether the intervals of `predict` at ``x`` hold the true mean there and one more concept's score."""
    mean = float(sample.truth.curve(np.array([10**x - 1]))[0])
    low, high = (float(np.interp(x, np.log10(1 + curve.count), ends)) for ends in (curve.low, curve.high))
    one = mean + float(draw_noise(case.noise, np.array([10**x - 1]), rng)[0])
    return {
        f"mean, {where}": low <= mean <= high,
        f"one concept, {where}": low + curve.spread_low <= one <= high + curve.spread_high,
    }


def onset_study(case: Case, rng: np.random.Generator) -> Outcome:
    """Onset and one-sided bounds against the count where the true mean rises above the true null band's top."""
    sample = draw_sample(case, rng)
    upper = normal_quantile(LEVEL)
    null_score = NULL_TOP - upper * NULL_SPREAD + NULL_SPREAD * rng.standard_normal(case.n)
    seed = int(rng.integers(2**31))
    found = conclude(sample.counts, sample.scores, None, level=LEVEL, seed=seed, draws=1)
    curve, drawn = fit_curve(found.design, sample.scores, LEVEL, rng, DRAWS)
    onset = find_onset(curve, drawn, null_score, LEVEL, rng)
    bounds = one_sided(found, drawn, null_score, None, Setting(LEVEL, seed, DRAWS))
    crossing = _crossing(sample)
    start, end = bounds.imitated_from, bounds.not_imitated_up_to
    interval = None if onset is None else onset[1]
    return {
        "onset too early": onset is not None and onset[0] < crossing,
        "onset named": onset is not None,
        "onset's interval holds the crossing": None if interval is None else interval[0] <= crossing <= interval[1],
        "'imitated from' too early": start is not None and start < crossing,
        "'not imitated up to' too late": end is not None and end > crossing,
    }


def _crossing(sample: Sample) -> float:
    """First count at which the true mean lies above the null band's true top; infinite if nowhere."""
    grid = np.unique(np.floor(np.geomspace(1, 100_000, 20_000)))
    above = sample.truth.curve(grid) > NULL_TOP
    return float(grid[above.argmax()]) if above.any() else np.inf


def null_study(case: Case, rng: np.random.Generator) -> Outcome:
    """Share of further concepts whose null score the band holds; ``noise`` is "normal" or "skewed" (exponential)."""
    skewed = case.noise == "skewed"
    draw = rng.exponential if skewed else rng.standard_normal
    band = null_band(np.asarray(draw(size=case.n), dtype=np.float64), LEVEL)
    below, upto = ((1 - np.exp(-max(end, 0.0)) if skewed else NormalDist().cdf(end)) for end in (band.low, band.high))
    fresh: Floats = np.asarray(draw(size=1), dtype=np.float64)
    return {
        "one more concept inside": bool(band.low <= fresh[0] <= band.high),
        "share inside": float(upto - below),
        "share above the top": float(1 - upto),
    }


def midpoint_study(case: Case, rng: np.random.Generator) -> Outcome:
    """The ramp's midpoint as it is named: verdict gradual, ramp ahead of linear."""
    sample = draw_sample(case, rng)
    found = conclude(sample.counts, sample.scores, None, level=LEVEL, seed=int(rng.integers(2**31)), draws=DRAWS)
    named = found.place.kind == "midpoint"
    interval = found.place.interval if named else None
    return {
        "named": named,
        "two ends, if named": interval is not None if named else None,
        "interval covers": None if interval is None else interval[0] <= sample.place <= interval[1],
        "decades": None if interval is None else float(np.log10((1 + interval[1]) / (1 + interval[0]))),
    }
