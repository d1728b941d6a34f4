"""From mentions and a verified sample to counts: how many training rows of a concept there are, and how sure that is.

A caption that names a concept need not show it, and links die. So a sample of the mentioning rows is fetched and
verified, and the share that passes is applied to all mentions. Rows are joined by concept; images were joined by
their address when they were verified, never by position.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from mimetic2.counting.correction import ErrorRates, corrected
from mimetic2.counting.exact import hypergeometric_interval
from mimetic2.errors import InputError

SCHEMA = {
    "concept": pl.String,
    "count": pl.Int64,
    "count_low": pl.Int64,
    "count_high": pl.Int64,
    "mentions": pl.Int64,
    "sampled": pl.Int64,
    "alive": pl.Int64,
    "verified": pl.Int64,
    "status": pl.String,
    "bound_low": pl.Int64,
    "bound_high": pl.Int64,
}


@dataclass(frozen=True, slots=True)
class Tally:
    """What is known of one concept, in rows: equal rows count as often as they stand in the captions.

    ``mentions_high`` exceeds ``mentions`` where part of the captions could not be read (`missing`).
    ``clumping`` is the design effect of equal rows (Kish 1965), Σm²/Σm over the multiplicities m of the sampled
    entries: ten copies of one picture say about the others as much as one.
    """

    mentions: int
    sampled: int
    alive: int
    verified: int
    clumping: float = 1.0
    mentions_high: int = 0


def effective_counts(
    mentions: pl.DataFrame,
    verified: pl.DataFrame,
    *,
    level: float = 0.95,
    rates: ErrorRates | None = None,
    seed: int = 0,
) -> pl.DataFrame:
    """Counts with intervals, bounds and status, one row a concept, in the order of ``mentions``.

    ``mentions`` has columns concept and mentions (rows of the captions that name it); its other columns are kept at
    the end. With a column mentions_high (captions that could not be read, `count_captions`) upper ends are those of
    so many mentions, of which nothing more is known than of the others; count and lower ends stay those of the rows
    read. ``verified`` has one row an (concept, url) of the sample: concept, alive, verified, and optionally
    multiplicity (default 1). The result has the columns of `SCHEMA`; all numbers are rows.

    count = mentions × verified/alive, rounded. [count_low, count_high] treats the alive entries as drawn from all
    mentions without replacement. [bound_low, bound_high] contains it and assumes of dead links in turn that none and
    that all show the concept. status: ``ok``; ``zero`` (no mention); ``missing`` (mentions, but nothing alive).

    With ``rates`` the errors of verification are corrected (Rogan and Gladen 1978) and the interval is simulated with
    ``seed``. Raises `InputError` for contradictory numbers and for a verification too poor to correct.
    """
    if not 0 < level < 1:
        raise InputError(f"the level is {level}", accepted="numbers between 0 and 1")
    tallies = _tallies(mentions, verified)
    rows = [_row(concept, tally, level, rates, seed) for concept, tally in tallies.items()]
    counts = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    more = [column for column in mentions.columns if column not in SCHEMA]
    return counts.hstack(mentions.select(more)) if more else counts


def _tallies(mentions: pl.DataFrame, verified: pl.DataFrame) -> dict[str, Tally]:
    weights = pl.col("multiplicity") if "multiplicity" in verified.columns else pl.lit(1)
    sums = (
        verified.with_columns(weights.cast(pl.Int64).alias("_rows"))
        .group_by("concept")
        .agg(
            pl.col("_rows").sum().alias("sampled"),
            pl.col("_rows").filter(pl.col("alive")).sum().alias("alive"),
            pl.col("_rows").filter(pl.col("alive") & pl.col("verified")).sum().alias("verified"),
            ((pl.col("_rows") ** 2).sum() / pl.col("_rows").sum()).alias("clumping"),
        )
    )
    found = {row["concept"]: row for row in sums.iter_rows(named=True)}
    unknown = set(found) - set(mentions["concept"])
    if unknown:
        raise InputError(f"the verified sample has '{min(unknown)}', the mentions do not", column="concept")
    tallies: dict[str, Tally] = {}
    most = mentions["mentions_high" if "mentions_high" in mentions.columns else "mentions"].cast(pl.Int64)
    for concept, number, high in zip(mentions["concept"], mentions["mentions"].cast(pl.Int64), most, strict=True):
        if concept in tallies:
            raise InputError(f"'{concept}' stands twice in the mentions", column="concept")
        own = found.get(concept, {})
        sampled, alive, passed = (int(own.get(name, 0)) for name in ("sampled", "alive", "verified"))
        tally = Tally(int(number), sampled, alive, passed, float(own.get("clumping", 1.0)), int(high))
        if sampled > number:
            raise InputError(f"'{concept}': {sampled} rows sampled of {number} mentions", column="mentions")
        if high < number:
            raise InputError(f"'{concept}': {high} is less than its {number} mentions", column="mentions_high")
        tallies[concept] = tally
    return tallies


def _row(concept: str, tally: Tally, level: float, rates: ErrorRates | None, seed: int) -> tuple[Any, ...]:
    facts = (tally.mentions, tally.sampled, tally.alive, tally.verified)
    if tally.mentions == 0:
        return (concept, 0, 0, tally.mentions_high, *facts, "zero", 0, tally.mentions_high)
    if tally.alive == 0:
        return (concept, None, 0, tally.mentions_high, *facts, "missing", 0, tally.mentions_high)

    def estimate(known: Tally) -> tuple[int, int, int, int, int]:
        if rates is not None:
            return corrected(known, rates, level=level, seed=seed, concept=concept)
        return _scaled(known, level)

    count, low, high, bound_low, bound_high = estimate(tally)
    if tally.mentions_high > tally.mentions:
        _, _, high, _, bound_high = estimate(replace(tally, mentions=tally.mentions_high))
    return (concept, count, low, high, *facts, "ok", min(bound_low, low), max(bound_high, high))


def _scaled(tally: Tally, level: float) -> tuple[int, int, int, int, int]:
    """(count, low, high, bound_low, bound_high) of a sample that is judged without error."""
    count = math.floor(tally.mentions * tally.verified / tally.alive + 0.5)
    low, high = _interval(tally, tally.verified, tally.alive, level)
    dead = tally.sampled - tally.alive
    bound_low, _ = _interval(tally, tally.verified, tally.sampled, level)
    _, bound_high = _interval(tally, tally.verified + dead, tally.sampled, level)
    return count, low, high, bound_low, bound_high


def _interval(tally: Tally, found: int, drawn: int, level: float) -> tuple[int, int]:
    """Hypergeometric inversion in units of independent entries, scaled back to rows and clipped to what is known."""
    clump = tally.clumping
    known_low, known_high = found, tally.mentions - (drawn - found)
    if known_low == known_high:
        return known_low, known_high
    population = max(1, round(tally.mentions / clump))
    draws = min(max(1, math.floor(drawn / clump)), population)
    share = found / drawn
    low, _ = hypergeometric_interval(math.floor(share * draws), draws, population, level)
    _, high = hypergeometric_interval(math.ceil(share * draws), draws, population, level)
    scale = tally.mentions / population
    low, high = math.floor(low * scale), math.ceil(high * scale)
    return min(max(low, known_low), known_high), max(min(high, known_high), known_low)
