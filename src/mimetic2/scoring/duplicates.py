"""Generated images that nearly equal a real one: memorisation, reported apart from imitation.

Two signs. The picture: the perceptual hashes differ in few bits, as those of a copy do that was rescaled or
recompressed (not of a crop or a mirror image). The vector: nearer to a real image than any two different real images of
one concept are to each other, and nearer than `NEAR`; that is a hint to look, not a finding, since images that imitate
perfectly come as near by chance.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from mimetic2.embedding.table import EmbeddingTable
from mimetic2.scoring.similarity import Matrix, check_comparable, reference_centre, unit

MAX_BITS = 16
"""At most this many of the hash's 256 bits differ between near duplicates. Measured on 220 photographs: copies of half
the size and JPEG quality 50 differ in 16 at most, so do 93 % of those of a third of the size and quality 30; two
different photographs differ in 36 at least, two pictures of one imaginary painter in 24 at least."""
NEAR = 0.99
PICTURE, VECTOR = "picture", "vector"
SCHEMA = {
    "concept": pl.String,
    "generated": pl.String,
    "kind": pl.String,
    "real": pl.String,
    "bits": pl.Int64,
    "cosine": pl.Float64,
    "sign": pl.String,
}


def near_duplicates(generated: EmbeddingTable, real: Mapping[str, EmbeddingTable]) -> pl.DataFrame:
    """A row for each generated image and kind of real ones of its concept that it nearly equals; the nearest one.

    ``real``: tables by kind, ``reference`` and ``training``. ``bits``: differing bits, null without a hash; ``cosine``
    null without a vector; ``sign``: ``picture`` or, where only that speaks, ``vector``. Rows without a vector are
    compared by their picture alone. Raises `InputError` where vectors come from different embedders.
    """
    check_comparable([generated, *real.values()])
    centre = reference_centre(real["reference"]) if "reference" in real else None
    made = _rows(generated)
    records = []
    for kind, table in real.items():
        theirs = _rows(table)
        least = max([NEAR, *(_nearest_pair(_Images(table, rows, centre)) for rows in theirs.values())])
        for name in sorted(made.keys() & theirs.keys()):
            own = _Images(generated, made[name], centre)
            records += _of_concept(name, kind, own, _Images(table, theirs[name], centre), least)
    return pl.DataFrame(records, schema=SCHEMA, orient="row").sort("concept", "generated", "kind")


def summarise(found: pl.DataFrame, generated: EmbeddingTable, real: Mapping[str, EmbeddingTable]) -> dict[str, Any]:
    """How many images were compared, with how many real ones, and how many generated ones nearly equal one of them."""
    images = {
        sign: found.filter(pl.col("sign") == sign).unique(["concept", "generated"]).height for sign in (PICTURE, VECTOR)
    }
    return {
        "generated": _images_of(generated),
        "real": {kind: _images_of(table) for kind, table in real.items()},
        **images,
        "concepts": found.filter(pl.col("sign") == PICTURE)["concept"].n_unique(),
    }


def _images_of(table: EmbeddingTable) -> int:
    return table.frame.filter(pl.col("fingerprint").is_not_null()).unique(["concept", "path"]).height


class _Images:
    """A concept's images: paths, hashes (n, bytes) and unit vectors (n, d), rows zero or NaN where there is none."""

    def __init__(self, table: EmbeddingTable, rows: pl.DataFrame, centre: Matrix | None) -> None:
        self.paths = rows["path"].to_list()
        self.hashed = rows["fingerprint"].is_not_null().to_numpy()
        marks = [mark if mark is not None else bytes(32) for mark in rows["fingerprint"]]
        self.hashes = np.frombuffer(b"".join(marks), np.uint8).reshape(len(marks), -1)
        self.vectors = unit(table.vectors[rows["row"].to_numpy()], centre)

    def bits(self, other: _Images) -> npt.NDArray[np.int64]:
        """Differing bits (n, m); 256 where a hash is missing."""
        differing = np.stack([np.bitwise_count(other.hashes ^ mark).sum(1) for mark in self.hashes]).astype(np.int64)
        differing[~self.hashed[:, None] | ~other.hashed] = 256
        return differing

    def cosines(self, other: _Images) -> Matrix:
        """(n, m); -1 where a vector is missing."""
        return np.nan_to_num(self.vectors @ other.vectors.T, nan=-1.0)


def _rows(table: EmbeddingTable) -> dict[str, pl.DataFrame]:
    """By concept, the rows (their number, path, fingerprint) that have a file."""
    rows = table.frame.with_row_index("row").filter(pl.col("path").is_not_null())
    parts = rows.select("concept", "row", "path", "fingerprint").partition_by("concept", maintain_order=True)
    return {part["concept"][0]: part for part in parts}


def _nearest_pair(images: _Images) -> float:
    """The highest cosine of two images of a concept that are no copies of each other."""
    cosines = images.cosines(images)
    cosines[images.bits(images) <= MAX_BITS] = -1.0
    np.fill_diagonal(cosines, -1.0)
    return float(cosines.max(initial=-1.0))


def _of_concept(name: str, kind: str, made: _Images, real: _Images, least: float) -> list[tuple[object, ...]]:
    bits, cosines = made.bits(real), made.cosines(real)
    records: list[tuple[object, ...]] = []
    for place, path in enumerate(made.paths):
        by_picture, by_vector = int(bits[place].argmin()), int(cosines[place].argmax())
        if bits[place, by_picture] <= MAX_BITS:
            nearest, sign = by_picture, PICTURE
        elif cosines[place, by_vector] > least:
            nearest, sign = by_vector, VECTOR
        else:
            continue
        differing, cosine = int(bits[place, nearest]), float(cosines[place, nearest])
        shown = (differing if differing < 256 else None, cosine if cosine > -1.0 else None)
        records.append((name, path, kind, real.paths[nearest], *shown, sign))
    return records
