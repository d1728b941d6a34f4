"""Shards that could not be read: what share of the captions they are, and how many mentions they may hold.

The readable rows say how often a concept is mentioned; the missing ones are taken to be like them, as in a dataset
whose rows are spread over shards at random. With y mentions in R rows read, the mentions in M missing rows then have
the predictive distribution negative binomial(y + 1/2, R/(R + M)): Poisson counts, Jeffreys' prior on the rate (Gelman
et al., *Bayesian Data Analysis*, 3rd ed., section 2.6). Where shards are not alike (sorted by site, say), the bound is
too narrow, and no statistic of the readable shards can tell.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from mimetic2.counting.locations import size
from mimetic2.counting.readers import kind
from mimetic2.counting.shards import Outcome
from mimetic2.errors import InputError


def missing_rows(outcomes: Mapping[str, Outcome], read: Mapping[str, int]) -> int:
    """About how many rows the unreadable shards have; ``read``: rows of each readable one.

    What a shard's footer says, where that can be read. Else the larger of two guesses: by its size in bytes at the
    readable shards' density, and the mean of the readable shards of its kind (of all, if it is the only one of its
    kind). The bytes alone would not do: of a file that was cut short they say how little is left.
    """
    sizes = {shard: size(shard) for shard in outcomes}
    lost = 0.0
    for shard, outcome in outcomes.items():
        if outcome.result is None:
            alike = [other for other in read if kind(other) == kind(shard)] or list(read)
            rows = sum(read[other] for other in alike)
            by_size = sizes[shard] * rows / max(sum(sizes[other] for other in alike), 1)
            guess = max(1.0, by_size, rows / max(len(alike), 1))
            lost += outcome.rows if outcome.rows is not None else guess
    return math.ceil(lost)


def missing_share(rows: int, missing: int) -> float:
    """``missing`` as a share of all rows: those read and those missing."""
    return missing / max(rows + missing, 1)


def check_missing(outcomes: Mapping[str, Outcome], rows: int, missing: int, allowed: float) -> None:
    """Raise :class:`InputError` if ``missing`` of the ``rows`` + ``missing`` are a larger share than ``allowed``."""
    failed = {shard: outcome.reason for shard, outcome in outcomes.items() if outcome.result is None}
    share = missing_share(rows, missing)
    if failed and share > allowed:
        shard, reason = next(iter(failed.items()))
        others = f", nor can others, {len(failed)} in all, named above" if len(failed) > 1 else ""
        problem = f"cannot be read ({reason}){others}: {share:.2%} of all rows are missing, {allowed:.2%} may be"
        raise InputError(problem, file=shard, accepted="a repaired file, or --allow-missing P%")


def mentions_high(mentions: int, rows: int, missing: int, level: float = 0.95) -> int:
    """Mentions read plus the upper ``1 − (1 − level)/2`` quantile of those in the missing rows."""
    if not missing:
        return mentions
    if not rows:
        return missing
    tail = (1 - level) / 2
    shape, odds = mentions + 0.5, missing / rows
    mean = shape * odds
    deviation = math.sqrt(mean * (1 + odds))
    low, high = 0, math.ceil(mean + 40 * deviation + 40)
    while low < high:
        middle = (low + high) // 2
        if _tail(middle, shape, odds) <= tail:
            high = middle
        else:
            low = middle + 1
    return mentions + min(low, missing)


def _tail(k: int, shape: float, odds: float) -> float:
    """P(X > k) for the negative binomial with this shape and mean shape × odds, summed until terms vanish."""
    probability = odds / (1 + odds)
    x = k + 1
    log_term = math.lgamma(x + shape) - math.lgamma(shape) - math.lgamma(x + 1)
    log_term += shape * math.log1p(-probability) + x * math.log(probability)
    term, total = math.exp(log_term), 0.0
    mode = max(0.0, (shape - 1) * odds)
    while term > 1e-12 * max(total, 1e-12) or x < mode:
        if x < mode and term < 1e-300:
            return 1.0
        total += term
        term *= (x + shape) / (x + 1) * probability
        x += 1
    return total
