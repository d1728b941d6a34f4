"""The paper's effective counts (arXiv 2410.15002 and its released code), for `procedure: paper`.

Faces are counted by the box: an image with two matching faces counts twice, a collage as often as it has faces. Nothing
alive means count 0, as if the concept had never been seen. `effective` does neither.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import polars as pl

from mimetic2.counting.effective import SCHEMA
from mimetic2.errors import InputError


def face_count(verified: int, mentions: int, downloaded: int) -> int:
    """Verified faces scaled from the downloaded images to all mentions, half a face rounded up."""
    return math.floor(verified * mentions / downloaded + 0.5) if downloaded else verified


def artwork_count(verified: int, artworks: int, mentions: int, downloaded: int) -> int:
    """Verified pictures scaled in two steps: to all artworks among the mentions (rounded down), then half to even.

    ``artworks`` of the ``downloaded`` images are works of art at all.
    """
    if not artworks:
        return verified
    return round(verified * math.floor(artworks * mentions / downloaded) / artworks)


def paper_counts(mentions: pl.DataFrame, verified: pl.DataFrame, *, faces: bool) -> pl.DataFrame:
    """Counts with the columns of `effective.SCHEMA`, in the order of ``mentions``; intervals and bounds stay empty.

    ``mentions`` has columns concept, mentions; ``verified`` is a table of `verify_sample`, with ``matches`` (matching
    faces of each image) for faces; for art, optionally ``of_kind``, without which every readable image is one. status:
    ``zero`` without mentions, ``missing`` (yet count 0) with nothing alive, else ``ok``.
    """
    if faces and "matches" not in verified.columns:
        raise InputError("is missing: how many faces of each image match", column="matches")
    rows = pl.col("multiplicity")
    alive = pl.col("alive")
    found = pl.col("matches").fill_null(0) if faces else pl.col("verified").cast(pl.Int64)
    artwork = pl.col("of_kind") if "of_kind" in verified.columns else pl.lit(True)
    sums = verified.group_by("concept").agg(
        rows.sum().alias("sampled"),
        rows.filter(alive).sum().alias("alive"),
        rows.filter(alive & artwork).sum().alias("artworks"),
        (rows * found).filter(alive & artwork).sum().alias("verified"),
    )
    tallies = {row["concept"]: row for row in sums.iter_rows(named=True)}
    numbers = mentions["mentions"].cast(pl.Int64).to_list()
    table = [
        _row(name, number, tallies.get(name, {}), faces)
        for name, number in zip(mentions["concept"], numbers, strict=True)
    ]
    more = [column for column in mentions.columns if column not in SCHEMA]
    counts = pl.DataFrame(table, schema=SCHEMA, orient="row")
    return counts.hstack(mentions.select(more)) if more else counts


def _row(name: str, mentions: int, tally: Mapping[str, int], faces: bool) -> tuple[object, ...]:
    sampled, alive, artworks, found = (tally.get(key, 0) for key in ("sampled", "alive", "artworks", "verified"))
    count = face_count(found, mentions, alive) if faces else artwork_count(found, artworks, mentions, alive)
    status = "zero" if mentions == 0 else "missing" if alive == 0 else "ok"
    return (name, count, None, None, mentions, sampled, alive, found, status, None, None)
