"""Facts about a conclusion: what its sentence needs, and how each shape fits."""

from __future__ import annotations

from typing import Any

from mimetic2.threshold.conclusion import Conclusion
from mimetic2.threshold.digits import decimals
from mimetic2.threshold.intervals import from_count
from mimetic2.threshold.planning import concepts_needed
from mimetic2.threshold.rise_bound import rise_bound
from mimetic2.threshold.shapes import SHAPES, Design, Fit
from mimetic2.threshold.verdict import Verdict, lowest


def verdict_facts(found: Conclusion, level: float) -> dict[str, Any]:
    """What the sentence of the verdict needs, but for what the checks find."""
    design, fits, place = found.design, found.fits, found.place
    facts: dict[str, Any] = {"n": design.n, "level": level, "falls": found.falling}
    facts |= {"threshold": place.threshold, "interval": place.interval, "constant": found.constant}
    facts |= {"beyond": place.details.get("beyond_counts"), "half_seen": place.details.get("half_of_rise_seen")}
    if found.verdict is Verdict.NONE and not found.constant:
        facts["bound"] = rise_bound(design, found.scores, level)
    if found.verdict is Verdict.UNDECIDED:
        by_bic = sorted(SHAPES, key=lambda shape: fits[shape].bic)
        best, rival = found.rivals
        left = [by_bic[0], *(shape for shape in by_bic[1:] if fits[shape].bic - fits[by_bic[0]].bic <= 6)]
        facts["left"] = left if rival.shape in left else [*left, rival.shape]
        facts["needed"] = concepts_needed(design, best, rival)
    return facts


def shape_rows(design: Design, fits: dict[str, Fit]) -> dict[str, dict[str, float]]:
    """The ``shapes`` part of threshold.json: BIC, its distance to the best, and where each shape stands."""
    least = fits[lowest(fits)].bic
    rows = {}
    places = decimals([fit.levels for fit in fits.values()])
    for shape, fit in fits.items():
        row: dict[str, float] = {"bic": round(fit.bic, 4), "delta": round(fit.bic - least, 4), "rss": round(fit.rss, 8)}
        row |= {"floor": round(float(fit.levels[0]), places), "top": round(float(fit.levels[-1]), places)}
        if shape == "step":
            row["count"] = from_count(design, fit.column)
        if shape == "hinge":
            row["kink"] = round(float(10 ** design.kinks.kinks[fit.column] - 1), 3)
        if shape == "ramp":
            row["midpoint"] = round(float(10 ** design.ramps.midpoints[fit.column] - 1), 3)
            row["decades"] = round(float(design.ramps.widths[fit.column]), 4)
        rows[shape] = row
    return rows
