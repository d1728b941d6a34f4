"""Whom a uniform sample of the dataset shows: images of listed concepts whose captions do not name them.

Most of the sample shows strangers, so as little as possible is kept: an image is fetched, compared with the listed
concepts' references, and deleted; of each link remain the names that matched, or the reason why there was no image. No
vector is stored.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from mimetic2.concepts import Concept
from mimetic2.counting.captionless import captionless_rows
from mimetic2.counting.correction import ErrorRates
from mimetic2.counting.judge import Judge
from mimetic2.counting.matching import Matcher
from mimetic2.counting.sources import Source
from mimetic2.counting.uniform import RowSample
from mimetic2.errors import InputError
from mimetic2.progress import log

BATCH = 2000
"""Links whose images are on disk at the same time."""
NO_LINK = "no link"
Opener = Callable[[pl.DataFrame], AbstractContextManager[Source]]
"""Makes the images of some rows (url, caption, punsafe) available, for as long as the context lasts."""
SCHEMA = {
    "concept": pl.String,
    "rows": pl.Int64,
    "inspected": pl.Int64,
    "named": pl.Int64,
    "matched": pl.Int64,
    "unnamed": pl.Int64,
    "estimate": pl.Int64,
    "upper": pl.Int64,
    "upper_corrected": pl.Int64,
}


@dataclass(frozen=True)
class Survey:
    """``table``: a row a concept with the columns of `SCHEMA`; ``dead``: rows of the sample without image by reason.

    ``rows`` is what the dataset has, ``missing_rows`` (an estimate) those of them in files that could not be read,
    ``sampled`` what was drawn of the others.

    ``inspected`` rows had an image; of these, ``named`` have a caption that names the concept, ``matched`` an image
    that passes its verification, ``unnamed`` the latter without the former.
    """

    table: pl.DataFrame
    rows: int
    sampled: int
    inspected: int
    dead: Mapping[str, int]
    level: float
    corrected: bool
    missing_rows: int = 0

    @property
    def summary(self) -> dict[str, Any]:
        """All but the table, as plain JSON."""
        facts = {
            key: getattr(self, key) for key in ("rows", "missing_rows", "sampled", "inspected", "level", "corrected")
        }
        return {"schema_version": 1, **facts, "dead": dict(self.dead)}


def survey(
    sample: RowSample,
    judge: Judge,
    opener: Opener,
    state: Path,
    *,
    level: float = 0.95,
    rates: ErrorRates | None = None,
) -> Survey:
    """Look at the sampled rows, batch by batch, and bound each concept's rows that do not name it.

    ``state`` is the file by which an interrupted call goes on. The bounds are exact (`captionless_rows`), one-sided, of
    this level for each concept; ``upper`` holds whatever the false matches, ``upper_corrected`` (with ``rates``) if
    random images are mistaken as often as the labelled ones were. Raises `InputError` if no image could be looked at.
    """
    found = _look(sample.frame, judge, opener, state)
    reasons = [found[url][0] if url else NO_LINK for url in sample.frame["url"]]
    alive = [reason is None for reason in reasons]
    inspected = sum(alive)
    if not inspected:
        raise InputError(f"none of the {len(alive)} sampled rows has an image", accepted="a larger sample")
    named = _named(judge.concepts, sample.frame["caption"].to_list())
    rows = []
    for concept in judge.concepts:
        hits = [ok and concept.name in found[url][1] for url, ok in zip(sample.frame["url"], alive, strict=True)]
        says = [ok and row in named[concept.name] for row, ok in enumerate(alive)]
        unnamed = sum(hit and not said for hit, said in zip(hits, says, strict=True))
        plain = captionless_rows(unnamed, inspected, sample.rows, level=level)
        corrected = captionless_rows(unnamed, inspected, sample.rows, level=level, rates=rates) if rates else None
        numbers = (sample.rows, inspected, sum(says), sum(hits), unnamed)
        estimate = (corrected or plain).estimate
        rows.append((concept.name, *numbers, estimate, plain.upper, corrected.upper if corrected else None))
    dead = Counter(reason for reason in reasons if reason is not None)
    table = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    lost = dict(sorted(dead.items()))
    return Survey(table, sample.rows, len(alive), inspected, lost, level, rates is not None, sample.missing)


def _look(rows: pl.DataFrame, judge: Judge, opener: Opener, state: Path) -> dict[str, tuple[str | None, list[str]]]:
    with closing(_open(state, judge.identity())) as database:
        known = {
            str(url): (reason, json.loads(shown))
            for url, reason, shown in database.execute("SELECT url, reason, shown FROM links")
        }
        links = rows.unique("url", keep="first", maintain_order=True).filter(pl.col("url") != "")
        todo = links.filter(~pl.col("url").is_in(list(known)))
        for start in range(0, todo.height, BATCH):
            batch = todo.slice(start, BATCH)
            log(f"look at links {links.height - todo.height + start + 1:,} and on of {links.height:,}")
            with opener(batch) as source:
                found = judge.matches(batch["url"].to_list(), source)
            with database:
                entries = [(url, reason, json.dumps(shown)) for url, (reason, shown) in found.items()]
                database.executemany("INSERT OR REPLACE INTO links VALUES (?, ?, ?)", entries)
            known |= found
    return known


def _open(path: Path, identity: str) -> sqlite3.Connection:
    """The state, empty where it was made by other concepts, references or cut-off; readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    database = sqlite3.connect(path)
    try:
        with database:
            database.execute("CREATE TABLE IF NOT EXISTS identity (digest TEXT)")
            database.execute("CREATE TABLE IF NOT EXISTS links (url TEXT PRIMARY KEY, reason TEXT, shown TEXT)")
            stored = database.execute("SELECT digest FROM identity").fetchone()
            if stored is None or stored[0] != identity:
                database.execute("DELETE FROM links")
                database.execute("DELETE FROM identity")
                database.execute("INSERT INTO identity VALUES (?)", (identity,))
    except sqlite3.DatabaseError as error:
        database.close()
        raise InputError(f"is no usable state ({error}); delete it", file=path) from error
    return database


def _named(concepts: Sequence[Concept], captions: Sequence[str]) -> dict[str, set[int]]:
    import pyarrow as pa

    rows, indexes = Matcher(concepts).match(pa.array(captions, pa.string()))
    named: dict[str, set[int]] = {concept.name: set() for concept in concepts}
    for row, index in zip(rows.tolist(), indexes.tolist(), strict=True):
        named[concepts[index].name].add(row)
    return named
