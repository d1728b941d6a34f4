"""The paper's procedure from scores to threshold (Verma et al., arXiv 2410.15002), ties made visible.

Concepts are sorted by count; the rank, not the count, is the axis; the scores are cut exactly with an absolute penalty;
the threshold is the count of the first concept after the first cut, whichever way the score moves there. The reference
leaves the order of tied counts to an unstable sort: here the order is stable and the thresholds of other orders are
reported beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mimetic2.errors import InputError
from mimetic2.seeding import generator
from mimetic2.threshold.arguments import number, number_column
from mimetic2.threshold.segmentation import Floats, batched_change_points, change_points, check_penalty

PENALTY = 0.9
OUTLIER_FACTOR = 4.0
TIE_ORDERS, _LEAST_ORDERS = 200, 20
_ALL_ORDERS = 2000  # concepts: beyond, an order takes long and fewer are tried


@dataclass(frozen=True)
class PaperThreshold:
    """What the paper's rule says of a table.

    ``tie_orders``: the threshold if tied counts kept the order given, its reverse, or went by their scores up or down.
    ``tie_range`` is the smallest and largest threshold over ``n_orders`` random orders of tied counts
    (:func:`orders_tried`), None if no order has one; ``tie_without`` is the share of orders without a threshold.
    ``outliers`` are row numbers (from 0, in the order given) of concepts before the first cut that score more than four
    times those concepts' mean.
    """

    threshold: int | None
    change_points: tuple[int, ...]
    penalty: float
    tie_orders: dict[str, int | None]
    tie_range: tuple[int, int] | None
    tie_without: float
    n_orders: int
    n_tied: int
    mean_before: float
    mean_after: float | None
    outliers: tuple[int, ...]

    def to_dict(self) -> dict[str, Any]:
        """The ``paper`` part of threshold.json."""
        return {
            "threshold": self.threshold,
            "change_points": list(self.change_points),
            "penalty": self.penalty,
            "tie_orders": dict(self.tie_orders),
            "tie_range": list(self.tie_range) if self.tie_range else None,
            "tie_without": round(self.tie_without, 6),
            "n_orders": self.n_orders,
            "n_tied": self.n_tied,
            "mean_before": round(self.mean_before, 6),
            "mean_after": None if self.mean_after is None else round(self.mean_after, 6),
            "n_outliers": len(self.outliers),
        }


def paper_threshold(counts: Any, scores: Any, *, penalty: float = PENALTY, seed: int = 0) -> PaperThreshold:
    """The paper's threshold of ``counts`` and ``scores``, both of shape (n,), n ≥ 2; ties keep the order given.

    Raises :class:`InputError` for fewer than two rows, values that are not finite, negative counts or penalty.
    """
    counts = number_column(counts, "counts", minimum=0)
    scores = number_column(scores, "scores", n=len(counts))
    check_penalty(number(penalty, "penalty"))
    if len(counts) < 2:
        raise InputError(f"there are {len(counts)} concepts with a score", accepted="2 or more")
    order = np.argsort(counts, kind="stable")
    sorted_counts, sorted_scores = counts[order], scores[order]
    breaks = change_points(sorted_scores, penalty)
    first = breaks[0] if breaks else None
    mean_before = float(sorted_scores[:first].mean())
    before = sorted_scores[: first or 0]
    sizes = np.unique(counts, return_counts=True)[1]
    n_tied = int(sizes[sizes > 1].sum())
    orders = orders_tried(len(counts)) if n_tied else 1
    again = _over_tie_orders(sorted_counts, sorted_scores, penalty, seed, orders) if n_tied else [breaks]
    thresholds = [round(float(sorted_counts[found[0]])) for found in again if found]
    return PaperThreshold(
        threshold=round(float(sorted_counts[first])) if first is not None else None,
        change_points=tuple(round(float(sorted_counts[b])) for b in breaks),
        penalty=penalty,
        tie_orders=_in_named_orders(counts, scores, penalty, breaks, tied=n_tied > 0),
        tie_range=(min(thresholds), max(thresholds)) if thresholds else None,
        tie_without=1 - len(thresholds) / orders,
        n_orders=orders,
        n_tied=n_tied,
        mean_before=mean_before,
        mean_after=float(sorted_scores[first:].mean()) if first is not None else None,
        outliers=tuple(int(row) for row in order[: first or 0][before > OUTLIER_FACTOR * mean_before]),
    )


def orders_tried(n: int) -> int:
    """Random orders of tied counts tried among ``n`` concepts: 200; beyond 2 000, 200 · (2 000/n)², at least 20."""
    return max(_LEAST_ORDERS, round(TIE_ORDERS * min(1.0, _ALL_ORDERS / n) ** 2))


def _in_named_orders(
    counts: Floats, scores: Floats, penalty: float, given: list[int], *, tied: bool
) -> dict[str, int | None]:
    """The threshold in each of four orders of tied counts; the range over random ones need not contain them."""
    place = np.arange(len(counts))
    keys = {"given": place, "reversed": -place, "score_ascending": scores, "score_descending": -scores}
    found: dict[str, int | None] = {}
    for name, key in keys.items():
        order = np.lexsort((place, key, counts))
        breaks = change_points(scores[order], penalty) if tied and name != "given" else given
        found[name] = round(float(counts[order][breaks[0]])) if breaks else None
    return found


def _over_tie_orders(counts: Floats, scores: Floats, penalty: float, seed: int, orders: int) -> list[list[int]]:
    """Change points in each of ``orders`` random orders of tied counts (``counts`` ascending)."""
    keys = generator(seed, "paper", "ties").random((orders, len(counts)))
    blocks = np.unique(counts, return_inverse=True)[1]
    shuffled = np.argsort(blocks + keys, axis=1)  # keys stay below 1, so blocks stay in order
    return batched_change_points(scores[shuffled], penalty)
