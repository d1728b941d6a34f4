"""What scoring gives back: the table of scores, and the tables that explain it."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from mimetic2.countstable import DECIMALS as COUNT_DECIMALS
from mimetic2.embedding.base import Identity
from mimetic2.files import write_json
from mimetic2.tables import write_table

TABLES = (
    *("prompts", "prompt_effects", "variances", "nulls", "fitness"),
    *("identification", "controls", "excluded", "near_duplicates"),
)
DECIMALS = dict.fromkeys(
    (
        *(
            "score",
            "score_se",
            "null_score",
            "control_score",
            "null_sd",
            "null_highest",
            "gap",
            "gap_low",
            "gap_high",
            "rank1",
        ),
        *("rank1_among_20", "effect", "effect_low", "effect_high", "prompt_sd", "cosine"),
    ),
    6,
) | {"image_variance": 9, "reference_variance": 9, **COUNT_DECIMALS}


@dataclass(frozen=True, eq=False)
class ScoreResult:
    """Tables of one scoring.

    ``table``: scores.csv and, after its columns, rivals_better (of ``rivals``, those whose references fit at least as
    well) and not_separated (see `measure_fitness`). ``prompts``: (concept, prompt) with n_generated, n_excluded,
    score, score_se; ``prompt_effects`` over concepts: see the function of that name. ``variances``: see
    `variance_table`. ``nulls``: see `null_table`. ``fitness``: see `measure_fitness`. ``identification``: concept,
    better, rivals, rank1_among_20. ``controls``: for each control without references, whose references its images fit
    best. ``excluded``: every image without a vector, and why. ``near_duplicates``: generated images that nearly equal a
    real one, reported apart from imitation.
    """

    table: pl.DataFrame
    prompts: pl.DataFrame
    prompt_effects: pl.DataFrame
    variances: pl.DataFrame
    nulls: pl.DataFrame
    fitness: pl.DataFrame
    identification: pl.DataFrame
    controls: pl.DataFrame
    excluded: pl.DataFrame
    near_duplicates: pl.DataFrame
    memorised: dict[str, Any]
    identity: Identity
    readout: str
    references: int
    equal_references: int
    seed: int

    def save(self, path: str | Path) -> None:
        """Write the table to ``path`` and the others beside it, as ``<path without ending>.<name>.csv``."""
        no_reason = pl.col("excluded").replace("", None)  # CSV writes both alike, the other kinds do not
        write_table(path, self.table.with_columns(no_reason), decimals=DECIMALS)
        for name, beside in zip(TABLES, tables_beside(path), strict=True):
            write_table(beside, getattr(self, name), decimals=DECIMALS)

    def save_run(self, run: Path) -> None:
        """Write ``scores.csv`` of a run and, in its folder ``score``, the tables that explain it and a summary."""
        write_table(run / "scores.csv", self.table, decimals=DECIMALS)
        for name in TABLES:
            write_table(run / "score" / f"{name}.csv", below(getattr(self, name), run), decimals=DECIMALS)
        write_json(run / "score" / "summary.json", self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """A summary, as JSON takes it."""
        rank1 = self.fitness["rank1"].drop_nulls()
        return {
            "embedder": self.identity.to_dict(),
            "readout": self.readout,
            "references": self.references,
            "equal_references": self.equal_references,
            "seed": self.seed,
            "n_concepts": self.table.height,
            "n_scored": self.table.filter(pl.col("excluded") == "").height,
            "excluded": dict(sorted(Counter(reason for reason in self.table["excluded"] if reason).items())),
            "excluded_images": dict(sorted(Counter(self.excluded["reason"]).items())),
            "not_separated": int(self.fitness["not_separated"].sum()),
            "reference_rank1": None if rank1.is_empty() else float(rank1.to_numpy().mean()),
            "memorised": self.memorised,
        }


def tables_beside(path: str | Path) -> list[Path]:
    """Where :meth:`ScoreResult.save` writes the tables that explain the one at ``path``, in the order of `TABLES`."""
    path = Path(path)
    return [path.with_name(f"{path.stem}.{name}.csv") for name in TABLES]


def below(frame: pl.DataFrame, run: Path) -> pl.DataFrame:
    """The frame with paths of images relative to the run: a run can be moved and shown."""
    columns = [column for column in ("path", "generated", "real") if column in frame.columns]
    relative = {
        column: [path if path is None or "://" in path else _relative(path, run) for path in frame[column]]
        for column in columns
    }
    return frame.with_columns(pl.Series(name, paths, pl.String) for name, paths in relative.items())


def _relative(path: str, run: Path) -> str:
    return Path(os.path.relpath(path, run)).as_posix()
