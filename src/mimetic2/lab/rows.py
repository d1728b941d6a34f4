"""The training set as a table of captions and links, one row an image, as an image-text collection would hold it.

Columns: ``URL`` and ``TEXT`` as in LAION; ``painter`` is whom the caption names (empty: nobody), ``shown`` whose work
the image is, ``subject`` and ``seed`` which one: what training saw, also where the link is dead today.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
import polars as pl

from mimetic2.lab.captions import anonymous_caption, named_caption
from mimetic2.lab.drawing import SUBJECTS
from mimetic2.lab.links import GENERIC, LOST, SCHEME, Link
from mimetic2.lab.world import Painter, painters

GENERIC_ROWS = 36_000
ALIAS_SHARE = 0.3
REPEAT_SHARE = 0.03
DEAD_SHARE = 0.05
MISLABELLED = (0.05, 0.25)
"""The share of a painter's captions that show somebody else's work is drawn from this range."""

SCHEMA = {
    "URL": pl.String,
    "TEXT": pl.String,
    "painter": pl.String,
    "shown": pl.String,
    "subject": pl.String,
    "seed": pl.Int32,
}
_BRANCH = 41
_FIRST_MISLABELLED_SEED = 1_000_000

Row = tuple[str, str, str | None, str, str, int]


def training_rows() -> pl.DataFrame:
    """All rows in the order they are made, painter by painter; the same table every time."""
    rows: list[Row] = []
    for painter in painters():
        rng = np.random.default_rng([_BRANCH, 1 + painter.index])
        rows += _own_rows(painter, rng)
        rows += _mislabelled_rows(painter, rng)
    rows += _generic_rows(np.random.default_rng([_BRANCH, 0]))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _url(link: Link, rng: np.random.Generator, lost: str) -> str:
    return f"{SCHEME}{LOST}/{lost}" if rng.random() < DEAD_SHARE else str(link)


def _subject(rng: np.random.Generator) -> str:
    return SUBJECTS[int(rng.integers(len(SUBJECTS)))]


def _name(painter: Painter, rng: np.random.Generator) -> str:
    return painter.aliases[0] if painter.aliases and rng.random() < ALIAS_SHARE else painter.name


def _named_row(painter: Painter, link: Link, rng: np.random.Generator, lost: str) -> Row:
    text = named_caption(_name(painter, rng), link.subject, rng)
    return _url(link, rng, lost), text, painter.name, link.shown, link.subject, link.seed


def _own_rows(painter: Painter, rng: np.random.Generator) -> list[Row]:
    """Exactly ``painter.count`` rows that show the painter's work, exact repeats included."""
    rows: list[Row] = []
    for seed in range(painter.count):
        if rows and rng.random() < REPEAT_SHARE:
            rows.append(rows[int(rng.integers(len(rows)))])
        else:
            link = Link(painter.slug, _subject(rng), seed)
            rows.append(_named_row(painter, link, rng, f"{painter.index}-{seed}"))
    return rows


def _mislabelled_rows(painter: Painter, rng: np.random.Generator) -> Iterator[Row]:
    """Rows that name the painter and show a stranger's work or another painter's."""
    share = rng.uniform(*MISLABELLED)
    number = round(painter.count * share / (1 - share)) if painter.count else int(rng.choice([0, 0, 2, 6]))
    others = [other for other in painters() if other.count and other is not painter]
    for place in range(number):
        shown = GENERIC if rng.random() < 0.5 else others[int(rng.integers(len(others)))].slug
        seed = _FIRST_MISLABELLED_SEED + 1000 * painter.index + place
        yield _named_row(painter, Link(shown, _subject(rng), seed), rng, f"{painter.index}-x{place}")


def _generic_rows(rng: np.random.Generator) -> Iterator[Row]:
    """Rows whose captions name nobody; a few are repeats of the one before."""
    row: Row | None = None
    for seed in range(GENERIC_ROWS):
        if row is None or rng.random() >= REPEAT_SHARE:
            link = Link(GENERIC, _subject(rng), seed)
            text = anonymous_caption(link.subject, rng)
            row = (_url(link, rng, f"g{seed}"), text, None, link.shown, link.subject, link.seed)
        yield row


def true_counts(rows: pl.DataFrame) -> dict[str, int]:
    """For every painter's name, the number of rows that truly show their work under their name (or an alias)."""
    slugs = {painter.name: painter.slug for painter in painters()}
    truthful = rows.filter(pl.col("painter").is_not_null() & (pl.col("painter").replace(slugs) == pl.col("shown")))
    found = dict(truthful.group_by("painter").len().iter_rows())
    return {name: found.get(name, 0) for name in slugs}


def digest(rows: pl.DataFrame) -> str:
    """SHA-256 of the table's content in its order, whatever the file format or library version."""
    state = hashlib.sha256()
    for row in rows.select(list(SCHEMA)).iter_rows():
        state.update("\x1f".join("" if cell is None else str(cell) for cell in row).encode() + b"\x1e")
    return state.hexdigest()
