"""The imitation score of each concept: mean cosine of all pairs (generated, reference), and what goes with it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from mimetic2.embedding.table import EmbeddingTable
from mimetic2.scoring.assembly import (
    CONTROL_EXTRAS,
    control_columns,
    control_table,
    excluded_table,
    identification_table,
    null_table,
    score_table,
    variance_table,
)
from mimetic2.scoring.by_prompt import prompt_effects, prompt_scores
from mimetic2.scoring.duplicates import near_duplicates, summarise
from mimetic2.scoring.fitness import measure_fitness
from mimetic2.scoring.means import Means
from mimetic2.scoring.pool import Pool, build_pool
from mimetic2.scoring.readout import MeanCosine, read_out
from mimetic2.scoring.result import ScoreResult
from mimetic2.scoring.roster import ConceptLike, Roster, call_roll
from mimetic2.scoring.similarity import Matrix
from mimetic2.scoring.standard_error import image_variance, single_image_error, standard_error, strata

EXTRAS: dict[str, type[pl.DataType]] = {"rivals_better": pl.Int64, "rivals": pl.Int64, "not_separated": pl.Boolean}


def score_concepts(
    generated: EmbeddingTable,
    reference: EmbeddingTable,
    *,
    counts: pl.DataFrame | None = None,
    references: int = 10,
    seed: int = 0,
    exclude_unfit: bool = False,
    readout: str = "mean",
    groups: Mapping[str, str | None] | None = None,
    concepts: Sequence[ConceptLike] | None = None,
    training: EmbeddingTable | None = None,
) -> ScoreResult:
    """Score every concept of ``concepts``, of ``counts`` (concept, count) and of both tables.

    At most ``references`` references a concept, drawn by seed; identification uses the same number for all. ``groups``
    overrides the concepts' groups. ``exclude_unfit`` leaves out concepts that the embedder surely does not separate.
    ``readout`` is what is scored: ``mean`` (cosine), or on request ``csls`` or ``scaled`` (see `readout`).
    ``training``: real images of the training data; generated ones that nearly equal them are reported apart.
    Missing is missing: a concept that cannot be scored has an empty score and a reason.

    Raises `InputError` where the tables are of different embedders or ``counts`` is malformed.
    """
    roster = call_roll((generated, reference), counts, groups, concepts)
    pool = build_pool(generated, reference, roster.admitted(), references, seed)
    fitness = measure_fitness(pool, roster.group)
    flagged = dict(fitness.select("concept", "not_separated").iter_rows())
    unfit = {name for name, flag in flagged.items() if flag} if exclude_unfit else set()
    if unfit:
        pool = build_pool(generated, reference, roster.admitted(unfit), references, seed)
    scored = read_out(readout, Means(pool, roster.group))
    reasons = {name: roster.reason(name, pool, unfit) for name in roster.names}
    reasons |= {name: scored.reason(name) for name, reason in reasons.items() if not reason}
    usable = [name for name in roster.names if not reasons[name]]
    pairs = {name: scored.pairs(name) for name in usable}
    nulls, identification = null_table(scored, usable), identification_table(scored, usable)
    invented = [name for name in roster.names if name in roster.controls and name not in pool.references]
    prompts = prompt_scores(pool, pairs)
    real = {"reference": reference} | ({"training": training} if training is not None else {})
    duplicates = near_duplicates(generated, real)
    return ScoreResult(
        table=_table(roster, reasons, pool, scored, pairs, nulls, identification, flagged, invented),
        prompts=prompts,
        prompt_effects=prompt_effects(prompts),
        variances=variance_table(pool, pairs),
        nulls=nulls,
        fitness=fitness,
        identification=identification,
        controls=control_table(scored, invented),
        excluded=excluded_table(pool),
        near_duplicates=duplicates,
        memorised=summarise(duplicates, generated, real),
        identity=reference.identity,
        readout=readout,
        references=references,
        equal_references=pool.equal,
        seed=seed,
    )


def _table(
    roster: Roster,
    reasons: Mapping[str, str],
    pool: Pool,
    scored: MeanCosine,
    pairs: Mapping[str, Matrix],
    nulls: pl.DataFrame,
    identification: pl.DataFrame,
    flagged: Mapping[str, bool],
    invented: Sequence[str],
) -> pl.DataFrame:
    scores = {name: float(scored.cells[scored.means.maker[name], scored.means.target[name]]) for name in pairs}
    errors = _errors(pool, pairs)
    null = dict(nulls.select("concept", "null_score").iter_rows())
    better = {row[0]: row[1:] for row in identification.select("concept", "better", "rivals").iter_rows()}
    of_controls = control_columns(scored, invented, list(pairs))
    rows = []
    for name in roster.names:
        rank = better.get(name, (None, None))
        rows.append(
            {
                "concept": name,
                "count": roster.count.get(name),
                "score": scores.get(name),
                "score_se": errors.get(name),
                "null_score": null.get(name),
                "identified": None if rank[0] is None else rank[0] == 0,
                "n_generated": len(pool.generated.get(name, ())),
                "n_reference": len(pool.references[name]) if name in pool.references else pool.available.get(name, 0),
                "excluded": reasons[name] or roster.count_reason(name),
                "rivals_better": rank[0],
                "rivals": rank[1],
                "not_separated": flagged.get(name),
                **of_controls.get(name, {}),
            }
        )
    return score_table(rows, roster, EXTRAS | CONTROL_EXTRAS if of_controls else EXTRAS)


def _errors(pool: Pool, pairs: Mapping[str, Matrix]) -> dict[str, float | None]:
    """Standard errors; a concept with a single image borrows the others' mean variance between images."""
    stratum = {name: strata(pool.prompts(name)) for name in pairs}
    errors = {name: standard_error(matrix, stratum[name]) for name, matrix in pairs.items()}
    variances = [image_variance(matrix, stratum[name]) for name, matrix in pairs.items()]
    known = [variance for variance in variances if not math.isnan(variance)]
    if known:
        for name in [name for name, error in errors.items() if math.isnan(error)]:
            errors[name] = single_image_error(pairs[name], float(np.mean(known)))
    return {name: None if math.isnan(error) else error for name, error in errors.items()}
