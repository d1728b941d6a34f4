"""Which rows to drop so that every concept that is over stays below its limit."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import polars as pl


def rows_to_drop(mentions: pl.DataFrame, keep: Mapping[str, int], *, seed: int = 0) -> pl.DataFrame:
    """The rows (columns file, row, url, caption, concepts) to drop so that at most ``keep[c]`` mentions of c remain.

    ``mentions`` has a line per row and concept as :func:`mimetic2.counting.mentioning_rows` gives them; concepts that
    ``keep`` does not name may keep all. Rows are gone through in the order of a keyed hash of (link, caption), and one
    is kept while all of its concepts may still keep one: the rows that remain are as good as drawn, equal rows go or
    stay together as far as the limit allows, and no row is dropped that was not over for one of its concepts.
    """
    over = mentions.filter(pl.col("concept").is_in(list(keep)))
    grouped = over.group_by("file", "row", maintain_order=True).agg(
        pl.col("url").first(), pl.col("caption").first(), pl.col("concept").alias("concepts")
    )
    order = [_rank(seed, url, caption) for url, caption in grouped.select("url", "caption").iter_rows()]
    ranked = grouped.with_columns(rank=pl.Series(order, dtype=pl.String)).sort("rank", "file", "row")
    left = dict(keep)
    dropped = []
    for names in ranked["concepts"].to_list():
        kept = all(left[name] > 0 for name in names)
        dropped.append(not kept)
        if kept:
            for name in names:
                left[name] -= 1
    chosen = ranked.filter(pl.Series(dropped, dtype=pl.Boolean)).sort("file", "row")
    return chosen.select("file", "row", "url", "caption", pl.col("concepts").list.join("|"))


def _rank(seed: int, url: str, caption: str) -> str:
    text = f"{len(url)}:{url}{caption}".encode()
    return hashlib.blake2b(text, digest_size=16, key=f"mimetic2 audit {seed}".encode()).hexdigest()
