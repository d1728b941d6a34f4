"""Images of a concept whose captions do not name it: how many could there be?

Counting by captions misses them. A uniform sample of the whole dataset, verified for the concept, bounds their
number. The paper's point estimate hides that no hit in 100 000 images still allows 69 000 in 2.3 billion.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from mimetic2.counting.correction import ErrorRates, rogan_gladen
from mimetic2.counting.exact import binomial_lower, binomial_upper
from mimetic2.errors import InputError


@dataclass(frozen=True, slots=True)
class Captionless:
    """Rows of the concept without its name: the estimate and its one-sided upper bound, in rows of the dataset."""

    estimate: int
    upper: int
    level: float
    found: int
    inspected: int
    rows: int


def captionless_rows(
    found: int, inspected: int, rows: int, *, level: float = 0.95, rates: ErrorRates | None = None
) -> Captionless:
    """Estimate and bound from ``found`` matching images without the name among ``inspected`` of a dataset's ``rows``.

    The bound is exact binomial (Clopper and Pearson 1934). With ``rates`` false matches are corrected: the error is
    shared among the upper limit of the apparent share and the lower limits of sensitivity and of the false-match
    rate, so that the bound holds with at least ``level``. Raises `InputError` for impossible numbers and when
    Se + Sp − 1 < 0.2.
    """
    if not (0 <= found <= inspected <= rows and inspected > 0):
        raise InputError(
            f"{found} found among {inspected} inspected of {rows} rows", accepted="0 ≤ found ≤ inspected ≤ rows"
        )
    error = 1 - level
    share = found / inspected
    if rates is None:
        upper = binomial_upper(found, inspected, error)
    else:
        share = rogan_gladen(share, rates)
        false_matches = binomial_lower(rates.negatives - rates.rejected, rates.negatives, error / 3)
        sensitivity = binomial_lower(rates.passed, rates.positives, error / 3)
        apparent = binomial_upper(found, inspected, error / 3)
        gap = sensitivity - false_matches
        upper = min(1.0, max(0.0, apparent - false_matches) / gap) if gap > 0 else 1.0
        upper = max(upper, share)
    return Captionless(math.floor(share * rows + 0.5), math.ceil(upper * rows - 1e-6), level, found, inspected, rows)
