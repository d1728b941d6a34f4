"""What one analysis looks at: counts and scores by ascending count, and the optional columns beside them.

Only counts and scores are needed. Each optional column makes one more check possible; without it the check says what it
lacks. :mod:`mimetic2.threshold.checks` asks the same question again of altered observations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mimetic2.errors import InputError
from mimetic2.threshold.arguments import number_column
from mimetic2.threshold.segmentation import Floats

LEAST_CONCEPTS, LEAST_COUNTS = 8, 5  # fewer concepts or distinct counts give no conclusion
ENOUGH_INVENTED = 5  # invented names needed before their images make the null band


def conclusive(counts: Floats) -> bool:
    """Whether these concepts can give a conclusion."""
    return len(counts) >= LEAST_CONCEPTS and len(np.unique(counts)) >= LEAST_COUNTS


_NUMBERS = ("count_low", "count_high", "distinct", "weighted_count", "rank1_among_20", "control_score")


@dataclass(frozen=True)
class SideColumns:
    """Optional columns, each of shape (n,) in the order of the concepts; None where there is none.

    ``count_low``, ``count_high``: interval of each count (NaN: the count is certain). ``distinct``: different pictures
    among a concept's training images, given only where every mention was looked at. ``weighted_count``: the user's own
    count with unequal images. ``group``, ``control`` and ``not_separated`` as in scores.csv. ``rank1_among_20``: chance
    of rank 1 among 20 (NaN: not ranked). ``covariates``: by name, possible confounders. ``control_score``: what the
    images of invented names score against each concept's references. Not a column: ``fits_best``, of each invented
    name, whose references its images fit best.
    """

    concepts: Sequence[str] | None = None
    count_low: Floats | None = None
    count_high: Floats | None = None
    distinct: Floats | None = None
    weighted_count: Floats | None = None
    group: NDArray[np.str_] | None = None
    control: NDArray[np.bool_] | None = None
    not_separated: NDArray[np.bool_] | None = None
    rank1_among_20: Floats | None = None
    control_score: Floats | None = None
    covariates: Mapping[str, Floats] = field(default_factory=dict)
    fits_best: Mapping[str, str] = field(default_factory=dict)

    @property
    def invented_null(self) -> bool:
        """Whether enough invented names give the null scores: what the model draws when it knows nothing."""
        return self.control_score is not None and len(self.fits_best) >= ENOUGH_INVENTED

    def take(self, rows: Any) -> SideColumns:
        """The same columns for an index or mask of rows."""
        taken: dict[str, Any] = {
            name: np.asarray(values)[rows] for name, values in self._columns().items() if values is not None
        }
        covariates = {name: values[rows] for name, values in self.covariates.items()}
        return SideColumns(**taken, covariates=covariates, fits_best=self.fits_best)

    def _columns(self) -> dict[str, Any]:
        names = [column.name for column in fields(self) if column.name not in ("covariates", "fits_best")]
        return {name: getattr(self, name) for name in names}

    def checked(self, n: int) -> SideColumns:
        """The same columns as arrays; raises :class:`InputError` for one that is not as it should be, or not (n,)."""
        found: dict[str, Any] = {name: values for name, values in self._columns().items() if values is not None}
        for name, values in found.items():
            if name in _NUMBERS:
                found[name] = number_column(values, name, n=n, missing=True)
            elif np.shape(values) != (n,):
                raise InputError(f"{np.size(values)} values of {name} do not match {n} counts")
            elif name != "concepts":
                found[name] = np.asarray(values)
        covariates = {name: number_column(values, name, n=n, missing=True) for name, values in self.covariates.items()}
        return replace(self, **found, covariates=covariates)

    def check_intervals(self, counts: Floats) -> None:
        """Raise :class:`InputError` unless every count (n,) lies in its interval, which has two ends or none."""
        low, high = (np.full(len(counts), np.nan) if end is None else end for end in (self.count_low, self.count_high))
        for row, (count, a, b) in enumerate(zip(counts, low, high, strict=True), 1):
            if np.isnan(a) != np.isnan(b):
                lacks = "count_low" if np.isnan(a) else "count_high"
                raise InputError("is missing beside the other end", row=row, column=lacks, accepted="both or neither")
            if a > count or b < count:
                column, end = ("count_low", a) if a > count else ("count_high", b)
                problem = f"leaves the count outside ({end:.15g}, the count is {count:.15g})"
                raise InputError(problem, row=row, column=column, accepted="an interval around the count")


@dataclass(frozen=True)
class Observations:
    """Counts (n,) ascending, scores (n,), and what is known beside them.

    ``identified`` (n,) is 1, 0 or NaN (not ranked). Equal counts are in the order of their scores, so that the order of
    a table's rows changes nothing.
    """

    counts: Floats
    scores: Floats
    score_se: Floats | None = None
    null_score: Floats | None = None
    identified: Floats | None = None
    beside: SideColumns = field(default_factory=SideColumns)

    def take(self, rows: Any) -> Observations:
        """The observations at an index or mask of rows."""
        optional = {name: getattr(self, name) for name in ("score_se", "null_score", "identified")}
        taken = {name: None if values is None else values[rows] for name, values in optional.items()}
        return Observations(self.counts[rows], self.scores[rows], **taken, beside=self.beside.take(rows))

    def sorted(self) -> Observations:
        """Ascending by count, then score, then standard error."""
        last = np.zeros(len(self.counts)) if self.score_se is None else self.score_se
        return self.take(np.lexsort((last, self.scores, self.counts)))

    def with_counts(self, counts: Floats) -> Observations:
        """The same scores at other counts."""
        return replace(self, counts=counts).sorted()

    def with_scores(self, scores: Floats) -> Observations:
        """Other scores at the same counts, without standard errors: those belong to the scores as they were."""
        return replace(self, scores=scores, score_se=None).sorted()


def observe(
    counts: Floats,
    scores: Floats,
    score_se: Any,
    null_score: Any,
    identified: Sequence[bool | None] | None,
    beside: SideColumns,
) -> Observations:
    """Checked observations by ascending count; see :func:`mimetic2.threshold.find_threshold` for what is refused."""
    n, distinct = len(counts), len(np.unique(counts))
    if n < LEAST_CONCEPTS:
        raise InputError(f"only {n} concepts with a score", accepted=f"{LEAST_CONCEPTS} or more (paper: 2)")
    if distinct < LEAST_COUNTS:
        raise InputError(
            f"only {distinct} distinct count{'s' if distinct > 1 else ''}",
            accepted=f"{LEAST_COUNTS} or more (paper: any)",
        )
    beside.check_intervals(counts)
    optional: list[Floats | None] = []
    for name, values in (("score_se", score_se), ("null_score", null_score)):
        may_miss = name == "null_score"
        optional.append(None if values is None else number_column(values, name, n=n, missing=may_miss))
    se, null = optional
    if se is not None and not ((se >= 0).all() and se.max() > 0):
        raise InputError("a score_se is negative, or all are 0", accepted="numbers from 0, not all 0")
    if null is not None and not np.isfinite(null).any():
        null = None
    if beside.invented_null:
        null = beside.control_score
    ranks = None if identified is None else number_column(identified, "identified", n=n, missing=True)
    return Observations(counts, scores, se, null, ranks, beside).sorted()
