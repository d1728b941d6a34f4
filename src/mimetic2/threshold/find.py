"""`find_threshold`: from counts and scores to the verdict, the threshold and what belongs to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from mimetic2.countstable import LARGEST_COUNT
from mimetic2.errors import InputError
from mimetic2.seeding import generator
from mimetic2.threshold.arguments import name_column, number, number_column, truth_column, whole
from mimetic2.threshold.association import correlation
from mimetic2.threshold.checks import Checks, Setting, examine
from mimetic2.threshold.checks.uncertain import (
    shifts,
    summary,
    uncertain,
    widen_conclusion,
    widen_identification,
    widen_onset,
)
from mimetic2.threshold.conclusion import Conclusion, conclude
from mimetic2.threshold.curve import Curve, NullBand, Onset, find_onset, fit_curve, null_band, thinned
from mimetic2.threshold.describe import shape_rows, verdict_facts
from mimetic2.threshold.identification import Identification, fit_identification
from mimetic2.threshold.observations import LEAST_CONCEPTS, LEAST_COUNTS, Observations, SideColumns, observe
from mimetic2.threshold.paper import PENALTY, paper_threshold
from mimetic2.threshold.result import ThresholdResult
from mimetic2.threshold.segmentation import Floats
from mimetic2.threshold.sentence import paper_sentence, robust_sentence
from mimetic2.threshold.table import ThresholdTable, read_threshold_table
from mimetic2.threshold.verdict import DRAWS, Verdict

METHODS = ("robust", "paper")
LEAST_DRAWS = 19  # 1 / (1 + 19) is the least p that is significant at 5 %


def find_threshold(
    counts: Any,
    scores: Any,
    *,
    concepts: Sequence[str] | None = None,
    score_se: Any = None,
    null_score: Any = None,
    identified: Sequence[bool | None] | None = None,
    method: str = "robust",
    penalty: float = PENALTY,
    level: float = 0.95,
    seed: int = 0,
    excluded: Mapping[str, int] | None = None,
    beside: SideColumns | None = None,
    draws: int = DRAWS,
) -> ThresholdResult:
    """Find the imitation threshold of concepts with ``counts`` training images and imitation ``scores``, both (n,).

    ``score_se`` (n,) gives weights, ``null_score`` (n, may hold NaN) the onset, ``identified`` (n, None = not ranked)
    N50 and N90. ``method`` "robust" decides between shapes and may name no threshold; "paper" follows arXiv 2410.15002.
    ``penalty`` belongs to the paper's rule, reported in both. ``excluded`` counts concepts left out, by reason.
    ``beside`` holds optional columns, each of which makes a check possible.

    Raises :class:`InputError`, naming column and row (from 1), for values that are no finite numbers, negative counts
    or se, columns of different length and names given twice; for a negative penalty, a level outside (.5, 1), fewer
    than 19 ``draws`` (no test could reject), and fewer than 8 concepts or 5 distinct counts (paper: 2 concepts).
    """
    counts, scores, beside, seed = _checked(counts, scores, concepts, method, level, seed, draws, beside)
    if excluded is not None and not isinstance(excluded, Mapping):
        raise InputError(f"excluded is {type(excluded).__name__}", accepted="a mapping of reasons to numbers")
    paper = paper_threshold(counts, scores, penalty=penalty, seed=seed)
    common: dict[str, Any] = {
        "method": method,
        "level": level,
        "seed": seed,
        "n_concepts": len(counts),
        "paper": paper,
        "excluded": dict(excluded or {}),
        "identification": _identification(counts, identified, beside.rank1_among_20, level),
    }
    if method == "paper":
        return ThresholdResult(
            sentence=paper_sentence(paper), threshold=paper.threshold, change_points=paper.change_points, **common
        )
    observed = observe(counts, scores, score_se, null_score, identified, beside)
    return _robust(observed, common, draws)


def _checked(
    counts: Any,
    scores: Any,
    concepts: Sequence[str] | None,
    method: str,
    level: float,
    seed: int,
    draws: int,
    beside: SideColumns | None,
) -> tuple[Floats, Floats, SideColumns, int]:
    """Counts, scores, optional columns and seed; an error for any argument that is wrong."""
    if method not in METHODS:
        raise InputError(f"unknown method {method!r}", accepted=", ".join(METHODS))
    if not 0.5 < number(level, "level") < 1:
        raise InputError(f"the level is {level}", accepted="numbers between 0.5 and 1, such as 0.95")
    whole(draws, "draws", LEAST_DRAWS)
    counts = number_column(counts, "counts", minimum=0)
    if len(counts) and counts.max() > LARGEST_COUNT:
        row = int(counts.argmax()) + 1
        raise InputError(
            f"is too large ({counts.max():g})", row=row, column="counts", accepted=f"0 to {LARGEST_COUNT:,}"
        )
    scores = number_column(scores, "scores", n=len(counts))
    if beside is not None and not isinstance(beside, SideColumns):
        raise InputError(f"beside is {type(beside).__name__}", accepted="SideColumns(...)")
    beside = (beside or SideColumns()).checked(len(counts))
    if concepts is not None:
        names = name_column(concepts, "concepts", len(counts))
        beside = replace(beside, concepts=names if beside.concepts is None else beside.concepts)
    return counts, scores, beside, whole(seed, "seed")


def threshold_of(table: ThresholdTable | str | Path, **options: Any) -> ThresholdResult:
    """:func:`find_threshold` of a table as :func:`read_threshold_table` reads it; ``options`` are passed on."""
    if not isinstance(table, ThresholdTable | str | Path):
        raise InputError(f"the table is {type(table).__name__}", accepted="a path, or read_threshold_table(path)")
    if not isinstance(table, ThresholdTable):
        path, table = table, read_threshold_table(table)
        left_out = sum(table.excluded.values())
        least = LEAST_CONCEPTS if options.get("method") != "paper" else 2
        if len(table.concepts) < least:
            rows = "1 row" if len(table.concepts) == 1 else f"{len(table.concepts)} rows"
            have = f"has {rows} with a score" + (f", {left_out} excluded" if left_out else "")
            other = " (--method paper: 2)" if least == LEAST_CONCEPTS else ""
            raise InputError(have, file=path, accepted=f"{least} rows or more{other}")
        distinct = len(np.unique(table.counts))
        if distinct < LEAST_COUNTS and options.get("method") != "paper":
            problem = f"has {distinct} distinct count{'s' if distinct > 1 else ''} among the rows with a score"
            raise InputError(
                problem, file=path, column="count", accepted=f"{LEAST_COUNTS} or more (--method paper: any)"
            )
    return find_threshold(
        table.counts,
        table.scores,
        concepts=table.concepts,
        score_se=table.score_se,
        null_score=table.null_score,
        identified=table.identified,
        excluded=table.excluded,
        beside=table.beside,
        **options,
    )


def _identification(
    counts: Floats, identified: Sequence[bool | None] | None, among_20: Floats | None, level: float
) -> Identification | None:
    if identified is None:
        return None
    identified = truth_column(identified, "identified", len(counts))
    ranked = np.array([value is not None for value in identified])
    outcome = np.array([bool(value) for value in identified], dtype=np.float64)
    shares = None if among_20 is None else among_20[ranked]
    return fit_identification(counts[ranked], outcome[ranked], level, shares)


def _robust(observed: Observations, common: dict[str, Any], draws: int) -> ThresholdResult:
    seed, level = common["seed"], common["level"]
    setting = Setting(level, seed, draws)
    found = conclude(observed.counts, observed.scores, observed.score_se, level=level, seed=seed, draws=draws)
    design, fits = found.design, found.fits
    curve, drawn = fit_curve(design, observed.scores, level, generator(seed, "curve"), draws)
    band, onset = _onset(observed, curve, drawn, setting)
    moved = shifts(observed, found, curve, onset, common["identification"], setting) if uncertain(observed) else None
    details: dict[str, Any] = {"tau2": None if found.tau2 is None else float(f"{found.tau2:.6g}"), "draws": draws}
    if moved is not None:
        found, onset = widen_conclusion(found, moved, level), widen_onset(onset, moved, level)
        common["identification"] = widen_identification(common["identification"], moved, level)
        details |= summary(moved)
    place = found.place
    facts = verdict_facts(found, level)
    if "bound" in facts:
        details |= {
            "largest_rise": round(facts["bound"].inner, 6),
            "largest_rise_anywhere": round(facts["bound"].anywhere, 6),
        }
    checks = examine(observed, found, drawn, moved, setting)
    return ThresholdResult(
        sentence=robust_sentence(found.verdict, facts | {"fall": checks.fall}),
        verdict=found.verdict.value,
        threshold=place.threshold,
        threshold_kind=place.kind,
        interval=place.interval,
        change_points=(place.threshold,) if place.kind == "step" and place.threshold is not None else (),
        onset=onset,
        shapes=shape_rows(design, fits),
        tests={name: None if p is None else round(p, 6) for name, p in asdict(found.tests).items()},
        association=correlation(observed.counts, observed.scores, generator(seed, "association"), draws),
        sensitivity=checks.sensitivity,
        bounds=checks.bounds,
        groups=checks.groups,
        assumptions=checks.assumptions,
        controls=checks.controls,
        curve_grid=thinned(curve),
        null_band=band,
        details=details | dict(place.details),
        warnings=_warnings(found, checks),
        **common,
    )


def _warnings(found: Conclusion, checks: Checks) -> tuple[str, ...]:
    """Those of the conclusion, and, where a rise is named, what speaks against a mere rise or independent concepts."""
    if found.verdict not in (Verdict.STEP, Verdict.GRADUAL):
        return found.warnings
    fall = (f"the score does not only rise, as every shape here does: {checks.fall}",) if checks.fall else ()
    clusters = (f"concepts may not be independent: {checks.clusters}",) if checks.clusters else ()
    return (*found.warnings, *fall, *clusters)


def _onset(
    observed: Observations, curve: Curve, drawn: Floats, setting: Setting
) -> tuple[NullBand | None, Onset | None]:
    if observed.null_score is None:
        return None, None
    rng = generator(setting.seed, "onset")
    found = find_onset(curve, drawn, observed.null_score, setting.level, rng)
    source = "invented names" if observed.beside.invented_null else "other concepts"
    return null_band(observed.null_score, setting.level, source), Onset(*found) if found else None
