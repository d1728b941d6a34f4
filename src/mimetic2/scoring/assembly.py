"""The tables that scoring gives back, put together from what was computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from mimetic2.scoring.identification import better_rivals, rank1_among
from mimetic2.scoring.pool import DUPLICATE, Pool
from mimetic2.scoring.readout import MeanCosine
from mimetic2.scoring.roster import Roster
from mimetic2.scoring.similarity import Matrix
from mimetic2.scoring.standard_error import strata, variance_parts

SCORES = {
    "concept": pl.String,
    "count": pl.Float64,
    **dict.fromkeys(("score", "score_se", "null_score"), pl.Float64),
    "identified": pl.Boolean,
    **dict.fromkeys(("n_generated", "n_reference"), pl.Int64),
    "excluded": pl.String,
}
"""The columns of scores.csv that every scoring has; others may follow."""
NULLS = {
    "concept": pl.String,
    "n_others": pl.Int64,
    **dict.fromkeys(("null_score", "null_sd", "null_highest"), pl.Float64),
    "nearest": pl.String,
}
IDENTIFICATION = {"concept": pl.String, "better": pl.Int64, "rivals": pl.Int64, "rank1_among_20": pl.Float64}
VARIANCES = {
    "concept": pl.String,
    "image_variance": pl.Float64,
    "freedom": pl.Int64,
    "reference_variance": pl.Float64,
}
CONTROLS = {"concept": pl.String, "fits_best": pl.String, "score": pl.Float64}
CONTROL_EXTRAS = {"control_score": pl.Float64, "fits_best": pl.String}
"""Further columns of scores.csv where there are invented names; see `control_columns`."""


def null_table(readout: MeanCosine, names: Sequence[str]) -> pl.DataFrame:
    """What the images of the other concepts of the group score against each concept's references.

    Mean, standard deviation over those concepts, the highest, and whose images score it (``nearest``).
    """
    means = readout.means
    rows: list[tuple[object, ...]] = []
    for name in names:
        others = means.others(name)
        scores = readout.cells[others, means.target[name]]
        if not len(others):
            rows.append((name, 0, None, None, None, None))
            continue
        best = int(scores.argmax())
        spread = float(scores.std(ddof=1)) if len(others) > 1 else None
        nearest = means.makers[int(others[best])]
        rows.append((name, len(others), float(scores.mean()), spread, float(scores[best]), nearest))
    return pl.DataFrame(rows, schema=NULLS, orient="row")


def identification_table(readout: MeanCosine, names: Sequence[str]) -> pl.DataFrame:
    """How many rivals' references each concept's images fit at least as well as its own."""
    means = readout.means
    rivals = len(means.targets) - 1
    if not names or rivals < 1:
        return pl.DataFrame(schema=IDENTIFICATION)
    fits = readout.equal[[means.maker[name] for name in names]]
    own = fits[np.arange(len(names)), [means.target[name] for name in names]]
    better = better_rivals(own, fits).tolist()
    rows = [(name, r, rivals, rank1_among(rivals, r)) for name, r in zip(names, better, strict=True)]
    return pl.DataFrame(rows, schema=IDENTIFICATION, orient="row")


def variance_table(pool: Pool, pairs: Mapping[str, Matrix]) -> pl.DataFrame:
    """What the standard errors are made of, so that the images of a further study can be planned.

    Variance of one image's score within its prompt, its degrees of freedom, and what the references add to the score's.
    """
    rows = [(name, *variance_parts(matrix, strata(pool.prompts(name)))) for name, matrix in pairs.items()]
    return pl.DataFrame(rows, schema=VARIANCES, orient="row")


def control_table(readout: MeanCosine, names: Sequence[str]) -> pl.DataFrame:
    """Whose references the images of each of ``names``, which have none of their own, fit best."""
    means, rows = readout.means, []
    for name in names:
        if name in means.maker and means.targets:
            fits = readout.equal[means.maker[name]]
            rows.append((name, means.targets[int(fits.argmax())], float(fits.max())))
    return pl.DataFrame(rows, schema=CONTROLS, orient="row")


def control_columns(readout: MeanCosine, invented: Sequence[str], names: Sequence[str]) -> dict[str, dict[str, object]]:
    """What invented names add to scores.csv, by concept.

    ``control_score`` of each of ``names``: the mean score of the invented names' images against its references.
    ``fits_best`` of each invented name: whose references its images fit best.
    """
    means = readout.means
    rows = [means.maker[name] for name in invented if name in means.maker]
    found: dict[str, dict[str, object]] = {}
    if rows:
        found = {name: {"control_score": float(readout.cells[rows, means.target[name]].mean())} for name in names}
    for row in control_table(readout, invented).iter_rows(named=True):
        found[row["concept"]] = {"fits_best": row["fits_best"]}
    return found


def excluded_table(pool: Pool) -> pl.DataFrame:
    """Every image that has no vector or repeats another reference, with the reason."""
    columns = ["kind", "concept", "prompt", "index", "path", "reason"]
    parts = []
    for kind, table in (("generated", pool.generated_table), ("reference", pool.reference_table)):
        frame = table.frame.filter(pl.col("reason").is_not_null())
        parts.append(frame.with_columns(pl.lit(kind).alias("kind")).select(columns))
    repeated = pool.reference_table.frame[pool.duplicates]
    labels = (pl.lit(DUPLICATE).alias("reason"), pl.lit("reference").alias("kind"))
    parts.append(repeated.with_columns(*labels).select(columns))
    return pl.concat(parts)


def score_table(
    rows: Sequence[Mapping[str, object]], roster: Roster, extras: Mapping[str, type[pl.DataType]]
) -> pl.DataFrame:
    """scores.csv: the columns of `SCORES`, ``extras``, then group, control and what the counts carry along."""
    table = pl.DataFrame(rows, schema=SCORES | dict(extras))
    counts = [count for count in table["count"] if count is not None]
    if all(float(count).is_integer() for count in counts):
        table = table.with_columns(pl.col("count").cast(pl.Int64))
    if any(roster.group.values()):
        table = table.with_columns(pl.Series("group", [roster.group.get(name) for name in table["concept"]], pl.String))
    if roster.controls:
        table = table.with_columns(pl.Series("control", [name in roster.controls for name in table["concept"]]))
    if roster.counts is not None:
        carried = [column for column in roster.counts.columns if column not in table.columns]
        extra = roster.counts.with_columns(pl.col("concept").str.strip_chars()).select("concept", *carried)
        table = table.join(extra, on="concept", how="left", maintain_order="left")
    return table
