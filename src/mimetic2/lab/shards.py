"""The shipped files of the training set: Parquet shards, the list of concepts, the references."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from mimetic2.errors import InputError
from mimetic2.files import atomic, folder_name
from mimetic2.lab.links import reference_pictures
from mimetic2.lab.rows import SCHEMA, training_rows
from mimetic2.lab.world import painters
from mimetic2.tables import write_table

SHARDS = 8
SHIPPED = Path(__file__).with_name("training_set")
_BRANCH = 51


def shard_tables() -> list[pl.DataFrame]:
    """The rows dealt at random over the shards, then sorted inside each: sorted rows compress to a fraction."""
    rows = training_rows()
    dealt = np.random.default_rng(_BRANCH).integers(0, SHARDS, rows.height)
    columns = ["shown", "subject", "seed", "URL", "TEXT"]
    return [rows.filter(pl.Series(dealt == shard)).sort(columns, maintain_order=True) for shard in range(SHARDS)]


def write_shards(folder: Path) -> list[Path]:
    """Write the training set as ``part-0.parquet`` … into ``folder``; returns the paths."""
    paths = []
    for number, table in enumerate(shard_tables()):
        path = folder / f"part-{number}.parquet"
        with atomic(path) as temporary:
            table.write_parquet(temporary, compression="zstd", compression_level=19)
        paths.append(path)
    return paths


def shipped_shards() -> list[Path]:
    """The shards that come with the package, in order."""
    return sorted(SHIPPED.glob("*.parquet"))


def read_shards(paths: list[Path]) -> pl.DataFrame:
    """All rows of the shards, in order. Raises `InputError` without shards or without a column."""
    if not paths:
        raise InputError("no shards of a training set", accepted="part-*.parquet as `lab build` writes them")
    tables = []
    for path in paths:
        table = pl.read_parquet(path)
        for column in SCHEMA:
            if column not in table.columns:
                raise InputError("is missing", file=path, column=column, accepted="shards of `lab build`")
        tables.append(table.select(list(SCHEMA)))
    return pl.concat(tables)


def concepts_table() -> pl.DataFrame:
    """The concept list: ``concept`` and ``aliases`` (separated by ``|``), one row a painter."""
    return pl.DataFrame(
        {
            "concept": [painter.name for painter in painters()],
            "aliases": ["|".join(painter.aliases) for painter in painters()],
        }
    )


def write_concepts(path: Path) -> None:
    """Write the concept list as CSV."""
    write_table(path, concepts_table())


def write_counts(path: Path) -> None:
    """Write the true counts as CSV: ``concept`` and ``count``."""
    columns = {"concept": [painter.name for painter in painters()], "count": [painter.count for painter in painters()]}
    write_table(path, pl.DataFrame(columns))


def write_references(folder: Path, number: int = 24) -> None:
    """Write the reference pictures as ``<folder>/<concept>/<index>.png``."""
    from PIL import Image

    for name, pictures in reference_pictures(number).items():
        own = folder / folder_name(name)
        own.mkdir(parents=True, exist_ok=True)
        for index, picture in enumerate(pictures):
            Image.fromarray(picture).save(own / f"{index:02d}.png")
