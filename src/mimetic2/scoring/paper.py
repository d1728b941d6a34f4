"""The paper's imitation score (arXiv 2410.15002, section on the imitation score; its released code where that is more
specific), reproduced with its choices, of which `score` takes none by default.

For a concept and a prompt: every training image is compared with all generated images, and the mean is taken over the
ten training images that fit them best. That mean grows with the number of training images on pure noise. A prompt none
of whose images could be embedded scores 0, as if it showed nothing. Prompts weigh the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from mimetic2.embedding.table import EmbeddingTable
from mimetic2.scoring.assembly import score_table
from mimetic2.scoring.by_prompt import PROMPTS, prompt_effects
from mimetic2.scoring.duplicates import near_duplicates, summarise
from mimetic2.scoring.paper_result import PaperScores
from mimetic2.scoring.roster import NO_IMAGES, ConceptLike, Roster, call_roll
from mimetic2.scoring.similarity import Matrix, check_comparable, reference_centre, unit

TOP = 10
TRAINING, CURATED = "training", "curated"
EXTRAS: dict[str, type[pl.DataType]] = {
    "prompt_sd": pl.Float64,
    "prompts_at_zero": pl.Int64,
    "compared_with": pl.String,
}


@dataclass(frozen=True)
class Rules:
    """What the paper does differently for faces and for art.

    A concept is compared with its verified training images where there are at least ``least_training`` of them, else
    with its curated references, of which there must be ``least_curated``. ``by_mentions``: concepts of equal count are
    ordered by mentions, then name; otherwise in the reverse of the list.
    """

    least_training: int
    least_curated: int
    by_mentions: bool


FACES, ART = Rules(10, 5, by_mentions=False), Rules(11, 1, by_mentions=True)


def prompt_score(images: Matrix, training: Matrix) -> float:
    """Mean of the ten largest mean cosines of a training image with the generated ones; 0 without images.

    ``images`` (n, d) and ``training`` (m, d), m >= 1, are unit vectors; all m count where there are fewer than ten.
    """
    if not len(images):
        return 0.0
    fits = training @ images.mean(0)
    return float(np.sort(fits)[-TOP:].mean())


def paper_scores(
    generated: EmbeddingTable,
    curated: EmbeddingTable,
    training: EmbeddingTable | None = None,
    *,
    rules: Rules = FACES,
    counts: pl.DataFrame | None = None,
    concepts: Sequence[ConceptLike] | None = None,
) -> PaperScores:
    """Score every concept of ``concepts``, of ``counts`` (concept, count, optionally mentions) and of the tables.

    ``training`` has a row a verified face (or picture), repeated where the training data repeat it. A concept without
    any generated file, or with too few references, has an empty score and a reason; one whose images all failed has 0.
    Raises `InputError` where the tables come from different embedders (how many faces an image may have, aside).
    """
    tables = [table for table in (generated, curated, training) if table is not None]
    check_comparable(tables)
    roster = call_roll((generated, curated), counts, None, concepts)
    centre = reference_centre(curated)
    found = [_Vectors(table, centre) for table in tables]
    prompts, rows = [], []
    for name in _order(roster, rules):
        reference, kind = _compared_with(name, found[1:], rules)
        reason = _reason(name, roster, found[0], reference, rules)
        scored = [] if reason else _by_prompt(name, found[0], reference)
        prompts += scored
        rows.append(_row(name, roster, scored, found[0], reference, None if reason else kind, reason))
    by_prompt = pl.DataFrame(prompts, schema=PROMPTS, orient="row")
    real = {"reference": curated} | ({"training": training} if training is not None else {})
    duplicates = near_duplicates(generated, real)
    return PaperScores(
        table=score_table(rows, roster, EXTRAS),
        prompts=by_prompt,
        prompt_effects=prompt_effects(by_prompt),
        near_duplicates=duplicates,
        memorised=summarise(duplicates, generated, real),
        identity=generated.identity,
    )


class _Vectors:
    """Unit vectors of a table by concept and by (concept, prompt)."""

    def __init__(self, table: EmbeddingTable, centre: Matrix | None) -> None:
        self.table, self.centre = table, centre
        rows = table.frame.with_row_index("row")
        usable = rows.filter(pl.col("reason").is_null())
        self.rows = dict(usable.group_by("concept", maintain_order=True).agg("row").iter_rows())
        self.cells = {
            (concept, prompt): own
            for concept, prompt, own in usable.group_by("concept", "prompt", maintain_order=True).agg("row").iter_rows()
        }
        self.sizes = Counter(rows.select("concept", "prompt").iter_rows())
        self.prompts: dict[str, list[str]] = {}
        for concept, prompt in sorted(self.sizes):
            self.prompts.setdefault(concept, []).append(prompt)

    def of(self, rows: Sequence[int]) -> Matrix:
        """(n, d) unit vectors of rows of the table."""
        return unit(self.table.vectors[np.asarray(rows, np.intp)], self.centre)


def _order(roster: Roster, rules: Rules) -> list[str]:
    """The order before sorting by count, which decides about ties: the reverse of the list; art: mentions, name."""
    names = list(roster.names)
    if not rules.by_mentions:
        return names[::-1]
    mentions: Mapping[str, Any] = {}
    if roster.counts is not None and "mentions" in roster.counts.columns:
        mentions = dict(roster.counts.select("concept", pl.col("mentions").cast(pl.Float64, strict=False)).iter_rows())
    return sorted(names, key=lambda name: (mentions.get(name) or 0.0, name))


def _compared_with(name: str, sources: Sequence[_Vectors], rules: Rules) -> tuple[Matrix, str]:
    """The verified training images if there are enough, else the curated references; (m, d) and which."""
    curated, training = sources[0], sources[1] if len(sources) > 1 else None
    if training is not None and len(training.rows.get(name, ())) >= rules.least_training:
        return training.of(training.rows[name]), TRAINING
    return curated.of(curated.rows.get(name, [])), CURATED


def _reason(name: str, roster: Roster, generated: _Vectors, reference: Matrix, rules: Rules) -> str:
    if name in roster.minors:
        return "minor"
    if name not in generated.prompts:
        return NO_IMAGES
    if not len(reference):
        return "no usable reference images"
    return f"fewer than {rules.least_curated} reference images" if len(reference) < rules.least_curated else ""


def _by_prompt(name: str, generated: _Vectors, reference: Matrix) -> list[tuple[Any, ...]]:
    rows = []
    for prompt in generated.prompts[name]:
        images = generated.of(generated.cells.get((name, prompt), []))
        missing = generated.sizes[name, prompt] - len(images)
        rows.append((name, prompt, len(images), missing, prompt_score(images, reference), None))
    return rows


def _row(
    name: str,
    roster: Roster,
    scored: Sequence[tuple[Any, ...]],
    generated: _Vectors,
    reference: Matrix,
    kind: str | None,
    reason: str,
) -> dict[str, object]:
    scores = [row[4] for row in scored]
    return {
        "concept": name,
        "count": roster.count.get(name),
        "score": float(np.mean(scores)) if scores else None,
        "score_se": None,
        "null_score": None,
        "identified": None,
        "n_generated": len(generated.rows.get(name, ())),
        "n_reference": len(reference),
        "excluded": reason or roster.count_reason(name),
        "prompt_sd": float(np.std(scores, ddof=1)) if len(scores) > 1 else None,
        "prompts_at_zero": sum(row[2] == 0 for row in scored),
        "compared_with": kind,
    }
