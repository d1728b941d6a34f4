"""How many different pictures there are among a concept's verified rows.

Training sees rows, so the count is of rows; but fifty copies of one picture are not fifty pictures. Exact duplicates
have equal bytes; near duplicates differ in at most 16 of the 256 bits of a perceptual hash (low frequencies of the
cosine transform, see `embedding.decoding.fingerprint`), chained: a picture near any of a group belongs to it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

MAX_BITS = 16
SCHEMA = {
    "concept": pl.String,
    "exact_duplicates": pl.Int64,
    "near_duplicates": pl.Int64,
    "distinct": pl.Int64,
    "distinct_is": pl.String,
}
EXACT, LOWER_BOUND = "exact", "lower bound"


def with_duplicates(counts: pl.DataFrame, verified: pl.DataFrame, mentions: pl.DataFrame) -> pl.DataFrame:
    """``counts`` with the columns of :func:`count_duplicates`."""
    found = count_duplicates(verified, mentions)
    return counts.join(found, on="concept", how="left", maintain_order="left")


def count_duplicates(verified: pl.DataFrame, mentions: pl.DataFrame, *, max_bits: int = MAX_BITS) -> pl.DataFrame:
    """One row a concept of ``mentions``: among its verified rows, exact and near duplicates and distinct pictures.

    ``verified`` is the table of `verify_sample`. Rows = distinct + exact_duplicates + near_duplicates, where the last
    are pictures that only nearly repeat another one. ``distinct_is`` says ``exact`` where every mention was alive and
    looked at, else ``lower bound``: the rows not seen may hold more.
    """
    passed = {
        str(key[0]): part for key, part in verified.filter(pl.col("alive") & pl.col("verified")).group_by("concept")
    }
    alive = dict(verified.filter("alive").group_by("concept").agg(pl.col("multiplicity").sum()).iter_rows())
    rows = []
    most = pl.col("mentions_high" if "mentions_high" in mentions.columns else "mentions").cast(pl.Int64)
    for concept, number in mentions.select("concept", most).iter_rows():
        kind = EXACT if alive.get(concept, 0) == number else LOWER_BOUND
        exact, near, distinct = _of_one(passed[concept], max_bits) if concept in passed else (0, 0, 0)
        rows.append((concept, exact, near, distinct, kind))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _of_one(rows: pl.DataFrame, max_bits: int) -> tuple[int, int, int]:
    pictures = rows.unique("sha256").sort("sha256")
    marks = np.stack([np.frombuffer(mark, np.uint8) for mark in pictures["fingerprint"]])
    distinct = int(np.unique(near_groups(marks, max_bits)).size)
    return int(rows["multiplicity"].sum()) - pictures.height, pictures.height - distinct, distinct


def near_groups(marks: npt.NDArray[np.uint8], max_bits: int = MAX_BITS) -> npt.NDArray[np.intp]:
    """The group of each of n hashes (n, bytes): the smallest index among those it is chained to."""
    groups = np.arange(len(marks))
    for index in range(1, len(marks)):
        differing = np.bitwise_count(marks[:index] ^ marks[index]).sum(1)
        near = np.unique(groups[:index][differing <= max_bits])
        if near.size:
            groups[np.isin(groups, near)] = near[0]
            groups[index] = near[0]
    return groups
