"""How often each protected concept was seen, next to the limit, and what the run expects at that count."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from mimetic2.threshold import predict

OVER, POSSIBLY, UNDER = "over", "possibly over", "under"

SCHEMA = {
    "concept": pl.String,
    "mentions": pl.Int64,
    "count": pl.Int64,
    "count_low": pl.Int64,
    "count_high": pl.Int64,
    "basis": pl.String,
    "status": pl.String,
    "identified": pl.Float64,
    "identified_low": pl.Float64,
    "identified_high": pl.Float64,
}


def exposure(
    mentions: Mapping[str, int], verified: pl.DataFrame, document: Mapping[str, Any], limit: int
) -> pl.DataFrame:
    """One row a concept of ``mentions`` (concept to number of rows), with the columns of :data:`SCHEMA`.

    ``verified`` is the run's counts table. Where it has the concept with a verified sample, its shares of mentions
    (estimate, lower and upper end) are applied to these mentions: ``basis`` is ``verified``. Else nothing is known but
    that no more rows show the concept than name it: ``basis`` is ``mentions``, the interval starts at 0.
    ``status``: over if the lower end reaches the limit, possibly over if only the upper end does, else under.
    ``identified`` is the chance that the model's images of the concept are recognised at that count, null where the run
    says nothing.
    """
    shares = _shares(verified)
    rows = [_row(name, number, shares.get(name), document, limit) for name, number in mentions.items()]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _row(
    name: str, mentions: int, shares: tuple[float, float, float] | None, document: Mapping[str, Any], limit: int
) -> list[Any]:
    if shares is None:
        count, low, high, basis = mentions, 0, mentions, "mentions"
    else:
        middle, least, most = shares
        # A share that came from the same mentions must give the run's own ends back, not a neighbour by rounding.
        low, high = math.floor(mentions * least + 1e-9), min(math.ceil(mentions * most - 1e-9), mentions)
        count, basis = round(mentions * middle), "verified"
    status = OVER if low >= limit else POSSIBLY if high >= limit else UNDER
    return [name, mentions, count, low, high, basis, status, *_identified(document, count)]


def _shares(verified: pl.DataFrame) -> dict[str, tuple[float, float, float]]:
    """Share of a concept's mentions that show it, with its interval, for concepts of which images were verified."""
    wanted = ("concept", "mentions", "count", "count_low", "count_high", "alive")
    if any(column not in verified.columns for column in wanted):
        return {}
    found = {}
    for name, *cells in verified.select(wanted).iter_rows():
        mentions, count, low, high, alive = (_number(cell) for cell in cells)
        if mentions and alive and None not in (count, low, high):
            found[str(name)] = (count / mentions, low / mentions, high / mentions)  # type: ignore[operator]
    return found


def _number(cell: object) -> float | None:
    return None if cell is None or cell == "" else float(str(cell))


def _identified(document: Mapping[str, Any], count: int) -> Sequence[float | None]:
    if document.get("curve") is None:
        return [None, None, None]
    read = predict(document, count)
    return [read.identified, *(read.identified_interval or (None, None))]
