"""After a study's first images: how many more each concept gets, read from the scores that the first ones give."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from mimetic2.planning.allocation import Spread, allocate, estimate_spread
from mimetic2.scoring.result import ScoreResult
from mimetic2.tables import numbers

SCHEMA = {"concept": pl.String, "count": pl.Float64, "image_sd": pl.Float64, "first": pl.Int64, "images": pl.Int64}


@dataclass(frozen=True)
class Further:
    """``table``: concept, count, image_sd (pooled over neighbours in count), first and images, both per prompt."""

    table: pl.DataFrame
    spread: Spread

    @property
    def images(self) -> dict[str, int]:
        """Images per prompt in the end, by concept; concepts without a score are not in it."""
        return dict(zip(self.table["concept"], self.table["images"], strict=True))


def further_images(result: ScoreResult, *, prompts: int, first: int, most: int, budget: int | None = None) -> Further:
    """Decide from the scores of ``first`` images per prompt; see :func:`mimetic2.planning.allocation.allocate`.

    Concepts without a score get no further images: what hindered the first ones hinders all. ``budget`` counts the
    images of all concepts, theirs included. Raises :class:`InputError` where too few concepts have a score.
    """
    scored = result.table.filter(pl.col("excluded").is_null() | (pl.col("excluded") == ""))
    frame = scored.join(result.variances, on="concept", how="left", maintain_order="left")
    counts = np.array(numbers(frame, "count"), dtype=np.float64)
    spread = estimate_spread(
        counts,
        frame["score"].to_numpy(),
        frame["n_generated"].to_numpy(),
        frame["image_variance"].fill_null(0.0).to_numpy(),
        frame["freedom"].to_numpy(),
        frame["reference_variance"].to_numpy(),
    )
    unscored = (result.table.height - frame.height) * first * prompts
    images = allocate(
        counts,
        spread,
        prompts=prompts,
        first=first,
        most=most,
        budget=None if budget is None else max(budget - unscored, 0),
    )
    sds = np.round(spread.within, 6)
    rows = zip(frame["concept"], counts.tolist(), sds.tolist(), [first] * len(images), images.tolist(), strict=True)
    return Further(pl.DataFrame(list(rows), schema=SCHEMA, orient="row"), spread)
