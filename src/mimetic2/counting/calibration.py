"""From labelled pairs to a cut-off: ROC curve, operating point, and error rates on concepts that did not choose it.

A pair is an image and a concept's set of references, compared by the very statistic that will be deployed, with a
label: does the image show the concept? Concepts are split in two halves. One chooses the cut-off; the other measures
its errors; pairs of a concept of one half with an image of the other are not used, so that no person or painter is on
both sides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from mimetic2.counting.correction import ErrorRates
from mimetic2.counting.exact import binomial_interval
from mimetic2.errors import InputError
from mimetic2.seeding import derive_seed, generator

RESAMPLES = 1000
LEAST_CONCEPTS = 4
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """A cut-off (an image passes strictly above it) and what it was measured to do.

    ``roc`` has a row a possible cut-off of the choosing half: cutoff, sensitivity, specificity. ``rates``,
    ``sensitivity_interval`` and ``specificity_interval`` come from the other half alone.
    """

    cutoff: float
    auc: float
    roc: pl.DataFrame
    rates: ErrorRates
    sensitivity_interval: tuple[float, float]
    specificity_interval: tuple[float, float]
    level: float
    choosing: tuple[str, ...]
    measuring: tuple[str, ...]


def calibrate(pairs: pl.DataFrame, *, seed: int = 0, level: float = 0.95) -> Calibration:
    """Choose the cut-off with the largest Se + Sp − 1 (Youden 1950) on one half, measure Se and Sp on the other.

    ``pairs`` has columns concept (whose references), shown (whom the image shows; any other text for a stranger) and
    similarity (finite). Intervals hold what Clopper and Pearson give for independent images and what a bootstrap over
    concepts gives, since images of one concept err together. Raises `InputError` for fewer than four concepts or a
    half without pairs of both kinds.
    """
    for column in ("concept", "shown", "similarity"):
        if column not in pairs.columns:
            raise InputError("is missing", column=column, accepted="concept, shown, similarity")
    if not pairs["similarity"].is_finite().fill_null(False).all():
        raise InputError("is not finite", column="similarity")
    names = pairs["concept"].unique().sort().to_list()
    if len(names) < LEAST_CONCEPTS:
        raise InputError(f"{len(names)} concepts are too few to split", accepted=f"from {LEAST_CONCEPTS}")
    order = sorted(names, key=lambda name: derive_seed(seed, "calibration", name))
    choosing, measuring = order[: len(order) // 2], order[len(order) // 2 :]
    halves = [_inside(pairs, half, set(names)) for half in (choosing, measuring)]
    for half in halves:
        if half["same"].n_unique() < 2:
            raise InputError(
                "a half of the concepts lacks pairs of one kind", accepted="same and different pairs of all"
            )
    roc = roc_curve(halves[0]["similarity"].to_numpy(), halves[0]["same"].to_numpy())
    best = int((roc["sensitivity"] + roc["specificity"]).arg_max() or 0)
    cutoff = float(roc["cutoff"][best])
    rates = error_rates(halves[1], cutoff)
    positive, negative = _intervals(halves[1], cutoff, rates, level, seed)
    auc = area(halves[1]["similarity"].to_numpy(), halves[1]["same"].to_numpy())
    return Calibration(
        cutoff, auc, roc, rates, positive, negative, level, tuple(sorted(choosing)), tuple(sorted(measuring))
    )


def roc_curve(similarity: Floats, same: npt.NDArray[np.bool_]) -> pl.DataFrame:
    """Columns cutoff (midway between neighbouring values), sensitivity, specificity; ties move together."""
    values = np.unique(similarity)
    cutoffs = np.concatenate([[values[0] - 1e-6], (values[:-1] + values[1:]) / 2, [values[-1]]])
    positives, negatives = np.sort(similarity[same]), np.sort(similarity[~same])
    sensitivity = 1 - np.searchsorted(positives, cutoffs, "right") / len(positives)
    specificity = np.searchsorted(negatives, cutoffs, "right") / len(negatives)
    return pl.DataFrame({"cutoff": cutoffs, "sensitivity": sensitivity, "specificity": specificity})


def area(similarity: Floats, same: npt.NDArray[np.bool_]) -> float:
    """Area under the ROC curve: how often a same pair is more alike than a different one, ties one half."""
    positives, negatives = similarity[same], np.sort(similarity[~same])
    below = np.searchsorted(negatives, positives, "left")
    upto = np.searchsorted(negatives, positives, "right")
    return float((below + upto).sum() / (2 * len(positives) * len(negatives)))


def error_rates(pairs: pl.DataFrame, cutoff: float) -> ErrorRates:
    """How many pairs (columns similarity, same) the cut-off judges rightly."""
    same, passed = pairs["same"].to_numpy(), pairs["similarity"].to_numpy() > cutoff
    return ErrorRates(int((same & passed).sum()), int(same.sum()), int((~same & ~passed).sum()), int((~same).sum()))


def _inside(pairs: pl.DataFrame, half: list[str], names: set[str]) -> pl.DataFrame:
    """Pairs whose concept is in the half and whose image shows one of the half or a stranger."""
    others = names - set(half)
    kept = pairs.filter(pl.col("concept").is_in(half) & ~pl.col("shown").is_in(sorted(others)))
    return kept.with_columns((pl.col("concept") == pl.col("shown")).alias("same"))


def _intervals(
    pairs: pl.DataFrame, cutoff: float, rates: ErrorRates, level: float, seed: int
) -> tuple[tuple[float, float], tuple[float, float]]:
    by_concept = (
        pairs.with_columns((pl.col("similarity") > cutoff).alias("passed"))
        .group_by("concept")
        .agg(
            (pl.col("same") & pl.col("passed")).sum().alias("tp"),
            pl.col("same").sum().alias("p"),
            (~pl.col("same") & ~pl.col("passed")).sum().alias("tn"),
            (~pl.col("same")).sum().alias("n"),
        )
        .sort("concept")
        .select("tp", "p", "tn", "n")
        .to_numpy()
    )
    drawn = generator(seed, "calibration bootstrap").integers(0, len(by_concept), (RESAMPLES, len(by_concept)))
    tp, p, tn, n = by_concept[drawn].sum(1).T
    tails = [(1 - level) / 2, (1 + level) / 2]
    result = []
    for right, total, (k, m) in ((tp, p, (rates.passed, rates.positives)), (tn, n, (rates.rejected, rates.negatives))):
        low, high = np.quantile(right / np.maximum(total, 1), tails)
        exact_low, exact_high = binomial_interval(k, m, level)
        result.append((min(float(low), exact_low), max(float(high), exact_high)))
    return result[0], result[1]
