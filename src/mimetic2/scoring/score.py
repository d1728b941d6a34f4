"""The imitation score of each concept: mean cosine of all pairs (generated, reference), and what goes with it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import polars as pl

from mimetic2.embedding.table import EmbeddingTable
from mimetic2.scoring.duplicates import near_duplicates
from mimetic2.scoring.fitness import measure_fitness
from mimetic2.scoring.identification import better_rivals, rank1_among
from mimetic2.scoring.pool import DUPLICATE, MINIMUM_REFERENCES, Pool, build_pool
from mimetic2.scoring.result import ScoreResult
from mimetic2.scoring.similarity import Matrix
from mimetic2.scoring.standard_error import image_variance, single_image_error, standard_error, strata
from mimetic2.tables import names as read_names
from mimetic2.tables import numbers

PROMPTS = {
    "concept": pl.String,
    "prompt": pl.String,
    "n_generated": pl.Int64,
    "n_excluded": pl.Int64,
    "score": pl.Float64,
    "score_se": pl.Float64,
}
IDENTIFICATION = {"concept": pl.String, "better": pl.Int64, "rivals": pl.Int64, "rank1_among_20": pl.Float64}
CONTROLS = {"concept": pl.String, "fits_best": pl.String, "score": pl.Float64}
CARRIED = ("count_low", "count_high", "status")


class ConceptLike(Protocol):
    """What scoring reads of a `Concept`."""

    @property
    def name(self) -> str:
        """The concept's name."""
        ...

    @property
    def group(self) -> str | None:
        """The set of concepts it is compared with."""
        ...

    @property
    def control(self) -> bool:
        """Meant to be absent from the training data."""
        ...

    @property
    def minor(self) -> bool:
        """Left out of everything."""
        ...


def score_concepts(
    generated: EmbeddingTable,
    reference: EmbeddingTable,
    *,
    counts: pl.DataFrame | None = None,
    references: int = 10,
    seed: int = 0,
    exclude_unfit: bool = False,
    groups: Mapping[str, str | None] | None = None,
    concepts: Sequence[ConceptLike] | None = None,
) -> ScoreResult:
    """Score every concept of ``concepts``, of ``counts`` (concept, count) and of both tables.

    At most ``references`` references a concept, drawn by seed; identification uses the same number for all. ``groups``
    overrides the concepts' groups. ``exclude_unfit`` leaves out concepts that the embedder surely does not separate.
    Missing is missing: a concept that cannot be scored has an empty score and a reason.

    Raises `InputError` where the tables are of different embedders or ``counts`` is malformed.
    """
    listed = {concept.name: concept for concept in concepts or ()}
    group = {name: concept.group for name, concept in listed.items()} | dict(groups or {})
    controls = {name for name, concept in listed.items() if concept.control}
    minors = {name for name, concept in listed.items() if concept.minor}
    given = _counts(counts)
    found = sorted({*generated.frame["concept"], *reference.frame["concept"]})
    everyone = list(dict.fromkeys([*listed, *given, *found]))
    pool = build_pool(generated, reference, [name for name in everyone if name not in minors], references, seed)
    fitness = measure_fitness(pool, group)
    flagged = dict(fitness.select("concept", "not_separated").iter_rows())
    unfit = {name for name, flag in flagged.items() if flag} if exclude_unfit else set()
    if unfit:
        pool = build_pool(generated, reference, [n for n in everyone if n not in minors | unfit], references, seed)
    scored = _Scores(pool, group)
    reasons = {name: _reason(name, pool, controls, minors, unfit) for name in everyone}
    usable = [name for name in everyone if not reasons[name]]
    errors = scored.errors(usable)
    identification = scored.identification(usable)
    rank = dict(zip(identification["concept"], identification["better"], strict=True))
    rows = []
    for name in everyone:
        score = None if reasons[name] else scored.score(name)
        reason = reasons[name]
        if counts is not None and not reason and given.get(name) is None:
            reason = "count missing" if name in given else "not in the counts"
        rows.append(
            {
                "concept": name,
                "count": given.get(name),
                "score": score,
                "score_se": errors.get(name),
                "null_score": None if score is None else scored.null(name),
                "identified": None if name not in rank else rank[name] == 0,
                "n_generated": len(pool.generated.get(name, ())),
                "n_reference": len(pool.references.get(name, ())),
                "excluded": reason,
                "rivals_better": rank.get(name),
                "rivals": len(pool.references) - 1 if name in rank else None,
                "not_separated": flagged.get(name),
            }
        )
    return ScoreResult(
        table=_with_extras(rows, counts, group if any(group.values()) else {}, controls),
        prompts=scored.by_prompt(usable),
        fitness=fitness,
        identification=identification,
        controls=scored.controls([name for name in everyone if name in controls and name not in pool.references]),
        excluded=_excluded(pool),
        near_duplicates=near_duplicates(generated, reference),
        identity=reference.identity,
        references=references,
        equal_references=pool.equal,
        seed=seed,
    )


def _counts(counts: pl.DataFrame | None) -> dict[str, float | None]:
    if counts is None:
        return {}
    return dict(zip(read_names(counts), numbers(counts, "count", minimum=0, missing=True), strict=True))


def _reason(name: str, pool: Pool, controls: set[str], minors: set[str], unfit: set[str]) -> str:
    """Why a concept has no score, '' if it has one."""
    if name in minors:
        return "minor"
    if name in unfit:
        return "not separated"
    if name not in pool.generated:
        why = pool.generated_table.frame.filter(pl.col("concept") == name)["reason"].drop_nulls().to_list()
        return Counter(sorted(why)).most_common(1)[0][0] if why else "no generated images"
    if name not in pool.references:
        if name in pool.available:
            return f"fewer than {MINIMUM_REFERENCES} reference images"
        if name in controls:
            return "control without references"
        return "no usable reference images"
    return ""


class _Scores:
    """Mean vectors of all concepts, and every mean of all pairs as a product of two of them."""

    def __init__(self, pool: Pool, group: Mapping[str, str | None]) -> None:
        self.pool, self.group = pool, group
        self.makers, self.targets = sorted(pool.generated), sorted(pool.references)
        self._maker = {name: place for place, name in enumerate(self.makers)}
        self._target = {name: place for place, name in enumerate(self.targets)}
        dim = pool.reference_table.identity.dim
        self.images = _stack([pool.images(name).mean(0) for name in self.makers], dim)
        vectors = [pool.reference_images(name) for name in self.targets]
        self.means = _stack([rows.mean(0) for rows in vectors], dim)
        self.equal_means = _stack([rows[: pool.equal].mean(0) for rows in vectors], dim)
        self._group_sums: dict[str | None, tuple[Matrix, int]] = {}
        for name, mean in zip(self.makers, self.images, strict=True):
            total, number = self._group_sums.get(group.get(name), (np.zeros(dim), 0))
            self._group_sums[group.get(name)] = (total + mean, number + 1)

    def score(self, name: str) -> float:
        return float(self.images[self._maker[name]] @ self.means[self._target[name]])

    def errors(self, names: Sequence[str]) -> dict[str, float | None]:
        """Standard errors; a concept with a single image borrows the others' mean variance between images."""
        errors, variances = {}, []
        for name in names:
            pairs, stratum = self._pairs(name), strata(self.pool.prompts(name))
            errors[name] = standard_error(pairs, stratum)
            variances.append(image_variance(pairs, stratum))
        known = [variance for variance in variances if not math.isnan(variance)]
        if known:
            for name in [name for name, error in errors.items() if math.isnan(error)]:
                errors[name] = single_image_error(self._pairs(name), float(np.mean(known)))
        return {name: None if math.isnan(error) else error for name, error in errors.items()}

    def _pairs(self, name: str) -> Matrix:
        pairs: Matrix = self.pool.images(name) @ self.pool.reference_images(name).T
        return pairs

    def null(self, name: str) -> float | None:
        """Mean score of the other concepts' images, of the same group, against this concept's references."""
        total, number = self._group_sums[self.group.get(name)]
        if number < 2:
            return None
        others = (total - self.images[self._maker[name]]) / (number - 1)
        return float(others @ self.means[self._target[name]])

    def identification(self, names: Sequence[str]) -> pl.DataFrame:
        rivals = len(self.targets) - 1
        if not names or rivals < 1:
            return pl.DataFrame(schema=IDENTIFICATION)
        fits = self.images[[self._maker[name] for name in names]] @ self.equal_means.T
        own = fits[np.arange(len(names)), [self._target[name] for name in names]]
        better = better_rivals(own, fits).tolist()
        rows = [(name, r, rivals, rank1_among(rivals, r)) for name, r in zip(names, better, strict=True)]
        return pl.DataFrame(rows, schema=IDENTIFICATION, orient="row")

    def controls(self, names: Sequence[str]) -> pl.DataFrame:
        rows = []
        for name in names:
            if name in self._maker and self.targets:
                fits = self.equal_means @ self.images[self._maker[name]]
                rows.append((name, self.targets[int(fits.argmax())], float(fits.max())))
        return pl.DataFrame(rows, schema=CONTROLS, orient="row")

    def by_prompt(self, names: Sequence[str]) -> pl.DataFrame:
        frame = self.pool.generated_table.frame
        failed = Counter(frame.filter(pl.col("reason").is_not_null()).select("concept", "prompt").iter_rows())
        rows = []
        for name in names:
            pairs = self._pairs(name)
            prompts = np.asarray(self.pool.prompts(name), dtype=str)
            for prompt in np.unique(prompts):
                block = pairs[prompts == prompt]
                error = standard_error(block, np.zeros(len(block), np.intp))
                score = float(block.mean())
                missing = failed[(name, str(prompt))]
                rows.append((name, str(prompt), len(block), missing, score, None if math.isnan(error) else error))
        return pl.DataFrame(rows, schema=PROMPTS, orient="row")


def _stack(rows: Sequence[Matrix], dim: int) -> Matrix:
    return np.stack(rows) if rows else np.empty((0, dim))


def _with_extras(
    rows: Sequence[Mapping[str, object]],
    counts: pl.DataFrame | None,
    group: Mapping[str, str | None],
    controls: set[str],
) -> pl.DataFrame:
    whole = all(row["count"] is None or float(str(row["count"])).is_integer() for row in rows)
    schema = {
        "concept": pl.String,
        "count": pl.Float64,
        **dict.fromkeys(("score", "score_se", "null_score"), pl.Float64),
        "identified": pl.Boolean,
        **dict.fromkeys(("n_generated", "n_reference"), pl.Int64),
        "excluded": pl.String,
        **dict.fromkeys(("rivals_better", "rivals"), pl.Int64),
        "not_separated": pl.Boolean,
    }
    table = pl.DataFrame(rows, schema=schema)
    if whole:
        table = table.with_columns(pl.col("count").cast(pl.Int64))
    if group:
        table = table.with_columns(pl.Series("group", [group.get(name) for name in table["concept"]], pl.String))
    if controls:
        table = table.with_columns(pl.Series("control", [name in controls for name in table["concept"]]))
    if counts is not None:
        carried = [column for column in CARRIED if column in counts.columns]
        extra = counts.with_columns(pl.col("concept").str.strip_chars()).select("concept", *carried)
        table = table.join(extra, on="concept", how="left", maintain_order="left")
    return table


def _excluded(pool: Pool) -> pl.DataFrame:
    parts = []
    for kind, table in (("generated", pool.generated_table), ("reference", pool.reference_table)):
        frame = table.frame.filter(pl.col("reason").is_not_null())
        parts.append(frame.select(pl.lit(kind).alias("kind"), "concept", "prompt", "index", "path", "reason"))
    repeated = pool.reference_table.frame[pool.duplicates]
    parts.append(
        repeated.with_columns(pl.lit(DUPLICATE).alias("reason"), pl.lit("reference").alias("kind")).select(
            "kind", "concept", "prompt", "index", "path", "reason"
        )
    )
    return pl.concat(parts)
