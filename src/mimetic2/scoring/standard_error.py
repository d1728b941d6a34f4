"""The standard error of a mean of all pairs, in closed form.

With rows (generated images, resampled within their prompt) and columns (references, resampled) drawn independently,
the mean over a matrix K of all pairs has variance a + b + t: a from the rows, b from the columns, t from their
interaction. The variance A of the row means estimates a + t, B of the column means b + t, and C of the doubly centred
matrix t, each without bias (two-way random effects; Owen 2007, *The pigeonhole bootstrap*, shows that resampling both
sides counts t up to three times). So A + B - C is unbiased; it is never let fall below A or B, which estimate less.
Prompts are fixed: differences between prompts do not enter.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mimetic2.scoring.similarity import Matrix


def strata(prompts: Sequence[str]) -> npt.NDArray[np.intp]:
    """The stratum of each image, (n,): its prompt; but one stratum for all where some prompt has a single image.

    A single image shows no spread within its prompt. Putting all images together counts the spread between prompts
    too, which errs on the side of caution.
    """
    _, codes, sizes = np.unique(np.asarray(prompts, dtype=str), return_inverse=True, return_counts=True)
    result: npt.NDArray[np.intp] = codes if sizes.min() > 1 else np.zeros(len(codes), np.intp)
    return result


def image_variance(pairs: Matrix, stratum: npt.NDArray[np.intp]) -> float:
    """Variance of a single image's mean cosine within its stratum, pooled over strata; NaN with one image."""
    freedom = len(pairs) - len(np.unique(stratum))
    if freedom < 1:
        return math.nan
    means = pairs.mean(1)
    return (
        sum(float(((means[stratum == code] - means[stratum == code].mean()) ** 2).sum()) for code in np.unique(stratum))
        / freedom
    )


def variance_parts(pairs: Matrix, stratum: npt.NDArray[np.intp]) -> tuple[float | None, int, float]:
    """:func:`image_variance` (None with one image), its degrees of freedom, and the variance due to the references."""
    variance = image_variance(pairs, stratum)
    freedom = len(pairs) - len(np.unique(stratum))
    return None if math.isnan(variance) else variance, freedom, float(pairs.mean(0).var(ddof=1)) / pairs.shape[1]


def single_image_error(pairs: Matrix, variance: float) -> float:
    """Standard error of a concept with one image (1, m), whose spread over images is taken from other concepts."""
    return math.sqrt(variance + float(pairs.mean(0).var(ddof=1)) / pairs.shape[1])


def standard_error(pairs: Matrix, stratum: npt.NDArray[np.intp]) -> float:
    """Standard error of ``pairs.mean()``; pairs (n, m) are cosines of n generated images and m references.

    NaN where there is one image or one reference only.
    """
    n, m = pairs.shape
    if n < 2 or m < 2:
        return math.nan
    rows = columns = both = 0.0
    column_means = pairs.mean(0)
    columns = float(column_means.var(ddof=1)) / m
    for code in np.unique(stratum):
        block = pairs[stratum == code]
        size = len(block)
        weight = (size / n) ** 2
        row_means = block.mean(1)
        rows += weight * float(row_means.var(ddof=1)) / size
        rest = block - row_means[:, None] - block.mean(0) + block.mean()
        both += weight * float((rest**2).sum()) / ((size - 1) * (m - 1) * size * m)
    return math.sqrt(max(rows + columns - both, rows, columns))
