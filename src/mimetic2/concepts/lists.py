"""Concept lists: names, aliases and groups.

A caption mentions a concept if the words of its name, or of an alias, stand in it consecutively, both sides folded.
Folding is what a reader of captions does without noticing: case, compatibility forms and accents do not matter. What
it does not bridge (ł, ø, đ, ı; unspaced scripts) an alias can.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl

from mimetic2.concepts.folding import words
from mimetic2.concepts.wikidata import concepts_of_results, item_column, read_results
from mimetic2.errors import InputError
from mimetic2.tables import booleans, names, read_table, require_columns, write_table

_ALIAS_SEPARATOR = "|"
MAX_NAME_BYTES = 1000


@dataclass(frozen=True)
class Concept:
    """Something a model may have learned to imitate: a person, a style, an object.

    ``control`` marks one that is meant to be absent from the training data, ``minor`` one that is left out of every
    stage (a person under age); ``group`` is the set of concepts it is compared with.
    """

    name: str
    aliases: tuple[str, ...] = ()
    group: str | None = None
    control: bool = False
    minor: bool = False
    notes: str = ""

    @cached_property
    def phrases(self) -> tuple[str, ...]:
        """The folded words of the name and of each alias, joined by single spaces, each once, the name's first."""
        return tuple(dict.fromkeys(" ".join(words(text)) for text in (self.name, *self.aliases)))


def read_concepts(path: str | Path) -> list[Concept]:
    """Read a concept list (CSV, JSON lines, Parquet): column ``concept``, the others optional; or a Wikidata query's
    results (JSON, or CSV with a column of items; see :mod:`mimetic2.concepts.wikidata`).

    ``aliases`` is text separated by ``|``, or a list in JSON lines and Parquet. Other columns are ignored.
    Raises :class:`InputError` naming the row of an empty or repeated name, and of one without letter or digit.
    """
    frame = _read(Path(path))
    if frame.is_empty():
        raise InputError("names no concept", file=path)
    found = [
        Concept(name=name, aliases=aliases, group=group, control=control, minor=minor, notes=notes or "")
        for name, aliases, group, control, minor, notes in zip(
            names(frame, file=path),
            _aliases(frame, path),
            _texts(frame, "group"),
            _flags(frame, "control", path),
            _flags(frame, "minor", path),
            _texts(frame, "notes"),
            strict=True,
        )
    ]
    for row, concept in enumerate(found, 2):
        check_searchable(concept, file=path, row=row)
    return found


def _read(path: Path) -> pl.DataFrame:
    if path.suffix == ".json" and path.is_file():
        return concepts_of_results(read_results(path), path)
    frame = read_table(path)
    if item_column(frame) is not None:
        return concepts_of_results(frame, path)
    require_columns(frame, ["concept"], path)
    return frame


def check_searchable(concept: Concept, *, file: str | Path | None = None, row: int | None = None) -> None:
    """Raise :class:`InputError` if the name or an alias has no word to look for, or is absurdly long."""
    for column, text in [("concept", concept.name), *(("aliases", alias) for alias in concept.aliases)]:
        found = words(text)
        if not found:
            problem = f"'{text}' has no letter or digit to look for in captions"
            raise InputError(problem, file=file, row=row, column=column)
        if len(" ".join(found).encode()) > MAX_NAME_BYTES:
            raise InputError(f"'{text[:40]}…' is longer than {MAX_NAME_BYTES} bytes", file=file, row=row, column=column)


def folded_alike(concepts: Sequence[Concept]) -> list[list[str]]:
    """The names that are equal once folded, together: no caption can tell them apart."""
    alike: dict[str, list[str]] = {}
    for concept in concepts:
        alike.setdefault(concept.phrases[0], []).append(concept.name)
    return [found for found in alike.values() if len(found) > 1]


def _texts(frame: pl.DataFrame, column: str) -> list[str | None]:
    if column not in frame.columns:
        return [None] * len(frame)
    return [None if cell is None or not str(cell).strip() else str(cell).strip() for cell in frame[column]]


def _flags(frame: pl.DataFrame, column: str, path: str | Path) -> list[bool]:
    if column not in frame.columns:
        return [False] * len(frame)
    return [bool(flag) for flag in booleans(frame, column, file=path)]


def _aliases(frame: pl.DataFrame, path: str | Path) -> list[tuple[str, ...]]:
    if "aliases" not in frame.columns:
        return [()] * len(frame)
    found = []
    for row, cell in enumerate(frame["aliases"].to_list(), 2):
        if cell is None or isinstance(cell, str):
            parts = (cell or "").split(_ALIAS_SEPARATOR)
        elif isinstance(cell, list) and all(isinstance(part, str) for part in cell):
            parts = cell
        else:
            accepted = f"names separated by {_ALIAS_SEPARATOR}, or a list of names"
            raise InputError(f"is {cell!r}", file=path, row=row, column="aliases", accepted=accepted)
        found.append(tuple(dict.fromkeys(part.strip() for part in parts if part.strip())))
    return found


def write_concepts(path: str | Path, concepts: Sequence[Concept]) -> None:
    """Write a concept list that :func:`read_concepts` reads back; the kind of file by its ending."""
    columns = {
        "concept": [concept.name for concept in concepts],
        "aliases": [_ALIAS_SEPARATOR.join(concept.aliases) for concept in concepts],
        "group": [concept.group or "" for concept in concepts],
        "control": [concept.control for concept in concepts],
        "minor": [concept.minor for concept in concepts],
        "notes": [concept.notes for concept in concepts],
    }
    texts = dict.fromkeys(("concept", "aliases", "group", "notes"), pl.String)
    flags = dict.fromkeys(("control", "minor"), pl.Boolean)
    write_table(path, pl.DataFrame(columns, schema_overrides={**texts, **flags}))
