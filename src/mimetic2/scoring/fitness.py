"""Can this embedder tell these concepts apart at all? Measured on the real references, before any score is read.

The discrimination gap of a concept is the mean cosine of pairs of its own references minus the mean cosine of its
references with those of the other concepts of its group. Where the gap is surely negative, a high score means nothing
(arXiv 2605.09030 finds this for a fifth of the artists with a style descriptor's raw cosine).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from mimetic2.scoring.pool import Pool
from mimetic2.scoring.similarity import Matrix
from mimetic2.scoring.student import quantile

SCHEMA = {
    "concept": pl.String,
    "n_reference": pl.Int64,
    "gap": pl.Float64,
    "gap_low": pl.Float64,
    "gap_high": pl.Float64,
    "rank1": pl.Float64,
    "not_separated": pl.Boolean,
}


def measure_fitness(pool: Pool, groups: Mapping[str, str | None], level: float = 0.95) -> pl.DataFrame:
    """A row a concept with references: gap with a jackknife-t interval, rank-1 accuracy, whether surely not separated.

    ``rank1``: share of its references that fit its other references better, strictly, than any other concept's, with
    the same number of references for all.
    """
    names = list(pool.references)
    if not names:
        return pl.DataFrame(schema=SCHEMA)
    vectors = {name: pool.reference_images(name) for name in names}
    means = np.stack([vectors[name].mean(0) for name in names])
    size = pool.equal - 1
    equal_means = np.stack([vectors[name][:size].mean(0) for name in names])
    sizes = Counter(groups.get(name) for name in names)
    totals = {key: means[[groups.get(name) == key for name in names]].sum(0) for key in sizes}
    records = []
    for place, name in enumerate(names):
        group = groups.get(name)
        found: tuple[float, float, float] | tuple[None, None, None] = (None, None, None)
        if sizes[group] > 1:
            own = gap(vectors[name], (totals[group] - means[place]) / (sizes[group] - 1), level)
            found = (own.value, own.low, own.high)
        rank1 = _rank1(vectors[name][: size + 1], equal_means, place) if len(names) > 1 else None
        records.append((name, len(vectors[name]), *found, rank1, found[2] is not None and found[2] < 0))
    return pl.DataFrame(records, schema=SCHEMA, orient="row")


@dataclass(frozen=True)
class Gap:
    """Mean cosine among a concept's references minus that with something else, and its interval."""

    value: float
    low: float
    high: float


def gap(own: Matrix, other: Matrix, level: float) -> Gap:
    """How much more alike references are to one another than to ``other``, with a jackknife-t interval.

    ``own`` (m, d), m >= 3, are unit vectors, each compared with the others; ``other`` (d,) is a mean of unit vectors.
    """
    m, total = len(own), own.sum(0)

    def value(sums: Matrix, count: int) -> Matrix:
        pairs = (np.einsum("...d,...d->...", sums, sums) - count) / (count * (count - 1))
        result: Matrix = pairs - sums @ other / count
        return result

    found = float(value(total, m))
    without = value(total - own, m - 1)
    error = float(np.sqrt((m - 1) / m * ((without - without.mean()) ** 2).sum()))
    reach = quantile(level, m - 1) * error
    return Gap(found, found - reach, found + reach)


def _rank1(own: Matrix, means: Matrix, place: int) -> float:
    fits = own @ means.T
    left_out = (own @ own.sum(0) - 1) / (len(own) - 1)
    fits[:, place] = -np.inf
    return float((left_out > fits.max(1)).mean())
