"""What each prompt contributes: the score of a concept's images by prompt, and each prompt's effect over concepts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping

import numpy as np
import polars as pl

from mimetic2.scoring.pool import Pool
from mimetic2.scoring.similarity import Matrix
from mimetic2.scoring.standard_error import standard_error
from mimetic2.scoring.student import quantile

PROMPTS = {
    "concept": pl.String,
    "prompt": pl.String,
    "n_generated": pl.Int64,
    "n_excluded": pl.Int64,
    "score": pl.Float64,
    "score_se": pl.Float64,
}
EFFECTS = {
    "prompt": pl.String,
    "n_concepts": pl.Int64,
    "effect": pl.Float64,
    "effect_low": pl.Float64,
    "effect_high": pl.Float64,
}


def prompt_scores(pool: Pool, pairs: Mapping[str, Matrix]) -> pl.DataFrame:
    """A row a (concept, prompt) from each concept's matrix of pairs (images, references); columns as `PROMPTS`."""
    frame = pool.generated_table.frame
    failed = Counter(frame.filter(pl.col("reason").is_not_null()).select("concept", "prompt").iter_rows())
    rows = []
    for name, matrix in pairs.items():
        prompts = np.asarray(pool.prompts(name), dtype=str)
        for prompt in np.unique(prompts):
            block = matrix[prompts == prompt]
            error = standard_error(block, np.zeros(len(block), np.intp))
            missing = failed[(name, str(prompt))]
            shown = None if math.isnan(error) else error
            rows.append((name, str(prompt), len(block), missing, float(block.mean()), shown))
    return pl.DataFrame(rows, schema=PROMPTS, orient="row")


def prompt_effects(scores: pl.DataFrame, level: float = 0.95) -> pl.DataFrame:
    """How far each prompt lifts a score above the mean over prompts: mean over concepts, Student's t interval.

    ``scores`` has columns concept, prompt, score. Only concepts with a score for every prompt enter, so that the
    comparison is within concepts (randomised blocks). Columns as `EFFECTS`; no rows where there is nothing to compare.
    """
    scored = scores.filter(pl.col("score").is_not_null())
    every = scored["prompt"].unique().sort()
    complete = scored.filter(pl.len().over("concept") == len(every))
    number = complete["concept"].n_unique()
    if len(every) < 2 or number < 2:
        return pl.DataFrame(schema=EFFECTS)
    reach = quantile(level, number - 1) / math.sqrt(number)
    own = pl.col("score") - pl.col("score").mean().over("concept")
    effects = complete.with_columns(own.alias("effect")).group_by("prompt").agg(pl.len(), pl.col("effect"))
    rows = []
    for prompt, n, values in effects.sort("prompt").iter_rows():
        mean, spread = float(np.mean(values)), reach * float(np.std(values, ddof=1))
        rows.append((prompt, n, mean, mean - spread, mean + spread))
    return pl.DataFrame(rows, schema=EFFECTS, orient="row")
