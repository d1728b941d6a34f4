"""Concept lists as the Wikidata query service gives them: results of a SPARQL query, in JSON or CSV.

A result has a row for every combination of values, so an item with three aliases or two groups has several rows, and
different people have the same name. Rows are put together by item; items of one name become one concept, because
captions cannot tell them apart. What is left out is said.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from mimetic2.concepts.folding import words
from mimetic2.errors import InputError
from mimetic2.progress import log

_ITEM = re.compile(r"https?://www\.wikidata\.org/entity/(Q\d+)")
_NUMBER = re.compile(r"Q\d+")
ACCEPTED = "a query that selects ?item, ?concept (or ?itemLabel) and, optionally, ?alias or ?aliases, ?group"
LABEL = "Label"


@dataclass
class _Item:
    """What the rows of one item say together."""

    labels: set[str] = field(default_factory=set)
    aliases: set[str] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)


@dataclass
class _Named:
    """What the items of one name say together."""

    items: set[str] = field(default_factory=set)
    aliases: set[str] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)


def read_results(path: Path) -> pl.DataFrame:
    """The rows of results in JSON: the standard format (head, results) or the service's list of plain objects.

    Values are texts, as they stand; a variable without a value in a row is None. Raises :class:`InputError` for other
    JSON, and for results without rows.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"is not JSON ({error})", file=path, accepted=ACCEPTED) from error
    rows = content
    if isinstance(content, dict):
        results = content.get("results")
        rows = results.get("bindings") if isinstance(results, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError("holds no results of a SPARQL query", file=path, accepted=ACCEPTED)
    if not rows:
        raise InputError("names no concept", file=path)
    plain = [{name: _value(cell) for name, cell in row.items()} for row in rows]
    columns = list(dict.fromkeys(name for row in plain for name in row))
    return pl.DataFrame({name: [row.get(name) for row in plain] for name in columns}, dict.fromkeys(columns, pl.String))


def _value(cell: Any) -> str | None:
    value = cell.get("value") if isinstance(cell, dict) else cell
    return None if value is None else str(value)


def item_column(frame: pl.DataFrame) -> str | None:
    """The column whose cells are Wikidata's items; None for a table that is no result of its query service."""
    for column in frame.columns:
        cells = frame[column].drop_nulls().to_list()
        if cells and all(isinstance(cell, str) and _ITEM.fullmatch(cell.strip()) for cell in cells):
            return column
    return None


def concepts_of_results(frame: pl.DataFrame, path: Path) -> pl.DataFrame:
    """One row a name: concept, aliases (lists), group, notes (the items), in order of appearance.

    Items without a label are left out, and so are aliases without letter or digit; an item in several groups is put
    into the first by alphabet; of several labels (in several languages) the first by alphabet is the name, the others
    are aliases. Each is said on standard error. Raises :class:`InputError` without a column of names.
    """
    item = item_column(frame)
    name = next((c for c in ("concept", f"{item}{LABEL}") if c in frame.columns and c != item), None)
    if name is None:
        have = ", ".join(frame.columns)
        raise InputError(f"has no column of names; the columns are: {have}", file=path, accepted=ACCEPTED)
    group = next((column for column in (f"group{LABEL}", "group") if column in frame.columns), None)
    items: dict[str, _Item] = {}
    for row in frame.iter_rows(named=True):
        found = _ITEM.fullmatch((row[item] or "").strip()) if item is not None else None
        number, label = found.group(1) if found else "", (row[name] or "").strip()
        own = items.setdefault(number or label, _Item())
        own.labels.update([label] if label != number and words(label) else [])
        own.aliases.update(_aliases(row))
        own.groups.update(text for text in [(row[group] or "").strip() if group else ""] if text)
    named = _by_name(items)
    if not named:
        raise InputError("names no concept", file=path, accepted=ACCEPTED)
    _say(named, items.values())
    return _table(named)


def _by_name(items: dict[str, _Item]) -> dict[str, _Named]:
    named: dict[str, _Named] = {}
    for number, item in items.items():
        if item.labels:
            name, *others = sorted(item.labels)
            own = named.setdefault(name, _Named())
            own.items.update([number] if _NUMBER.fullmatch(number) else [])
            own.aliases.update(item.aliases, others)
            own.groups.update(item.groups)
    for name, own in named.items():
        own.aliases.discard(name)
    return named


def _aliases(row: dict[str, str | None]) -> Iterable[str]:
    texts = [*(row.get("aliases") or "").split("|"), row.get("alias") or ""]
    return [text.strip() for text in texts if text.strip()]


def _say(named: dict[str, _Named], items: Iterable[_Item]) -> None:
    shared = sorted(label for label, own in named.items() if len(own.items) > 1)
    labels = [len(item.labels) for item in items]
    several = sum(len(own.groups) > 1 for own in named.values())
    silent = sum(not words(alias) for own in named.values() for alias in own.aliases)
    facts = (
        (len(shared), f"names belong to several items ('{shared[0] if shared else ''}', …): each is one concept"),
        (labels.count(0), "items have no label in the query's language and are left out"),
        (sum(number > 1 for number in labels), "items have several labels: the first by alphabet names them"),
        (several, "concepts are in several groups and were put into the first by alphabet"),
        (silent, "aliases have no letter or digit and are left out"),
    )
    for number, text in facts:
        if number:
            log(f"{number} {text}")


def _table(named: dict[str, _Named]) -> pl.DataFrame:
    columns = {
        "concept": list(named),
        "aliases": [sorted(alias for alias in own.aliases if words(alias)) for own in named.values()],
        "group": [min(own.groups, default=None) for own in named.values()],
        "notes": [" ".join(sorted(own.items)) for own in named.values()],
    }
    return pl.DataFrame(columns, schema_overrides={"aliases": pl.List(pl.String), "group": pl.String})
