"""The audit: count the protected concepts, compare, choose rows, and count again without them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from mimetic2.audit.criterion import Limit, limit_of
from mimetic2.audit.dropping import rows_to_drop
from mimetic2.audit.exposure import OVER, POSSIBLY, exposure
from mimetic2.concepts import read_concepts
from mimetic2.counting import find_shards, mentioning_rows, recount
from mimetic2.errors import InputError
from mimetic2.files import keep_inputs, write_json
from mimetic2.tables import read_table, write_table

TABLE, ROWS, SUMMARY, SHARDS = "audit.csv", "rows-to-drop.parquet", "audit.json", "shards"
CAUTIONS = (
    "A caption that does not name a concept may still show it: such rows are neither counted nor listed here.",
    "The limit comes from one model with its prompts; another model, or the same one trained anew, may imitate at "
    "fewer images.",
)


@dataclass(frozen=True)
class Audit:
    """What an audit found; ``table`` is audit.csv, ``dropped`` the rows listed in rows-to-drop.parquet.

    ``warnings`` are the run's own: what makes its number doubtful makes the limit doubtful.
    """

    folder: Path
    limit: Limit
    table: pl.DataFrame
    dropped: pl.DataFrame
    warnings: tuple[str, ...] = ()

    def number(self, status: str) -> int:
        """How many concepts have the status ``over``, ``possibly over`` or ``under``."""
        return int((self.table["status"] == status).sum())

    @property
    def over(self) -> int:
        """Concepts that are, or may be, over the limit."""
        return self.number(OVER) + self.number(POSSIBLY)

    def to_dict(self) -> dict[str, Any]:
        """The content of audit.json."""
        statuses = {status.replace(" ", "_"): self.number(status) for status in (OVER, POSSIBLY, "under")}
        limit = {"criterion": self.limit.criterion, "count": self.limit.count, "meaning": self.limit.meaning}
        return {
            "schema_version": 1,
            "limit": limit,
            "concepts": len(self.table),
            **statuses,
            "rows_to_drop": len(self.dropped),
            "warnings": list(self.warnings),
            "cautions": list(CAUTIONS),
        }


def audit(
    run: Path,
    captions: Sequence[str],
    protect: Path,
    out: Path,
    *,
    criterion: str | None = None,
    seed: int = 0,
    text_column: str | None = None,
    url_column: str | None = None,
    workers: int | None = None,
) -> Audit:
    """Audit ``captions`` for the concepts listed in ``protect`` by what ``run`` found; write ``out``.

    Writes audit.csv (a row a concept: exposure before, rows to drop, mentions after), rows-to-drop.parquet (file, row,
    url, caption, concepts) and audit.json. Rows are dropped until fewer of them name a concept than the limit has
    images, whatever verification says of them; that this holds is counted anew from the files. Minors in the list are
    counted too: only captions are read.
    Raises :class:`InputError` for a wrong list or captions, and where the run has no number to take a limit from.
    """
    from mimetic2.threshold.text import load_document

    document = load_document(run)
    keep_inputs([out / name for name in (TABLE, ROWS, SUMMARY)], [protect, run, *find_shards(captions, quiet=True)])
    limit = limit_of(document, criterion)
    concepts = read_concepts(protect)
    columns: dict[str, Any] = {"text_column": text_column, "workers": workers}
    found = mentioning_rows(captions, concepts, folder=out / SHARDS, url_column=url_column, **columns)
    before = dict.fromkeys((concept.name for concept in concepts), 0)
    before |= dict(found.group_by("concept").len().iter_rows())
    table = exposure(before, _verified(run), document, limit.count)
    over = table.filter(pl.col("status").is_in([OVER, POSSIBLY]))["concept"].to_list()
    dropped = rows_to_drop(found, dict.fromkeys(over, limit.count - 1), seed=seed)
    write_table(out / ROWS, dropped)
    after = recount(captions, concepts, read_table(out / ROWS, ["file", "row"]), **columns)
    _check(after, over, limit)
    result = Audit(out, limit, _with_rows(table, dropped, after), dropped, tuple(document["warnings"]))
    write_table(
        out / TABLE, result.table, decimals=dict.fromkeys(("identified", "identified_low", "identified_high"), 6)
    )
    write_json(out / SUMMARY, result.to_dict())
    return result


def _verified(run: Path) -> pl.DataFrame:
    path = run / "counts.csv"
    return read_table(path, ["concept"]) if path.is_file() else pl.DataFrame()


def _check(after: pl.DataFrame, over: Sequence[str], limit: Limit) -> None:
    """The recount must agree: captions that changed meanwhile would make the list of rows wrong."""
    left = after.filter(pl.col("concept").is_in(list(over)) & (pl.col("mentions") >= limit.count))
    if not left.is_empty():
        name, number = left.row(0)
        raise InputError(f"'{name}' still has {number:,} mentions after dropping: the captions changed meanwhile")


def _with_rows(table: pl.DataFrame, dropped: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    named = dropped.select(pl.col("concepts").str.split("|").alias("concept")).explode("concept")
    numbers = named.group_by("concept").len("rows_to_drop").with_columns(pl.col("rows_to_drop").cast(pl.Int64))
    return (
        table.join(numbers, on="concept", how="left", maintain_order="left")
        .join(after.rename({"mentions": "mentions_after"}), on="concept", how="left", maintain_order="left")
        .with_columns(pl.col("rows_to_drop").fill_null(0))
    )
