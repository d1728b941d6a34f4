"""What scoring by the paper's procedure gives back."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from mimetic2.embedding.base import Identity
from mimetic2.files import write_json
from mimetic2.scoring.result import DECIMALS, below
from mimetic2.tables import write_table


@dataclass(frozen=True, eq=False)
class PaperScores:
    """``table``: scores.csv without errors, nulls and ranks, which the paper has not, in its order before sorting;

    after the columns of every scores.csv: prompt_sd (over prompts, the paper's band), prompts_at_zero, compared_with
    (``training`` or ``curated``). The other tables are as in `ScoreResult`.
    """

    table: pl.DataFrame
    prompts: pl.DataFrame
    prompt_effects: pl.DataFrame
    near_duplicates: pl.DataFrame
    memorised: dict[str, Any]
    identity: Identity

    def save_run(self, run: Path) -> None:
        """Write ``scores.csv`` of a run and what explains it into its folder ``score``."""
        write_table(run / "scores.csv", self.table, decimals=DECIMALS)
        for name in ("prompts", "prompt_effects", "near_duplicates"):
            write_table(run / "score" / f"{name}.csv", below(getattr(self, name), run), decimals=DECIMALS)
        write_json(run / "score" / "summary.json", self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """A summary, as JSON takes it."""
        return {
            "embedder": self.identity.to_dict(),
            "readout": "paper",
            "n_concepts": self.table.height,
            "n_scored": self.table.filter(pl.col("excluded") == "").height,
            "excluded": dict(sorted(Counter(reason for reason in self.table["excluded"] if reason).items())),
            "compared_with": dict(sorted(Counter(self.table["compared_with"].drop_nulls()).items())),
            "memorised": self.memorised,
            "prompts_at_zero": int(self.table["prompts_at_zero"].sum()),
        }
