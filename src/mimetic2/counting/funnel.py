"""The way from mentions to verified images, in rows, and what was lost on it."""

from __future__ import annotations

from typing import Any

import polars as pl

STEPS = ("mentions", "sampled", "alive", "verified")


def funnel_of(counts: pl.DataFrame, verified: pl.DataFrame) -> dict[str, Any]:
    """Totals over concepts of `STEPS`; ``dead`` and ``unjudged``: rows by reason.

    ``dead`` rows have no image. ``unjudged`` ones have an image without a vector (no face found): they are alive and
    not verified. Behind a filter, ``of_kind`` are the alive rows that passed it.
    """
    steps = {name: int(counts[name].sum()) for name in STEPS}
    if "of_kind" in verified.columns:
        steps["of_kind"] = int(verified.filter("of_kind")["multiplicity"].sum())
    return {**steps, "dead": _by_reason(verified, ~pl.col("alive")), "unjudged": _by_reason(verified, pl.col("alive"))}


def _by_reason(verified: pl.DataFrame, which: pl.Expr) -> dict[str, int]:
    rows = verified.filter(which & pl.col("reason").is_not_null())
    return dict(rows.group_by("reason").agg(pl.col("multiplicity").sum()).sort("reason").iter_rows())
