"""Which rows of a batch of captions mention which concepts: one scan for all names together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mimetic2.concepts import Concept, check_searchable
from mimetic2.counting.flat import lay_out, rows_at
from mimetic2.counting.scanners import (
    SCANNERS,
    SPACE,
    Hits,
    Ints,
    Scanner,
    TableScanner,
    changes,
    default_scanner,
    literal,
    spread,
)

_DENSE = 0.4
"""Finds a caption from which on a table is quicker than a call of Python for each find (measured)."""
_SLICE = 1 << 15
"""Captions searched at a time; for larger arrays the kernel is asked for memory each time (a fifth of the time)."""
_CROWDED = 64
"""Names that begin alike and so share a slot of the table; with more it would be slow where they are frequent."""


class Matcher:
    """Finds which rows mention which concepts; a row is reported once per concept, overlapping names all count.

    ``scanner``: one of ``SCANNERS``; None: the quickest that is installed for batches like the one before.
    """

    def __init__(self, concepts: Sequence[Concept], scanner: str | None = None) -> None:
        owners: dict[str, list[int]] = {}
        for index, concept in enumerate(concepts):
            check_searchable(concept)
            for phrase in concept.phrases:
                owners.setdefault(phrase, []).append(index)
        self._concepts = len(concepts)
        self._literals = [literal(phrase) for phrase in owners]
        self._adapts = scanner is None
        self._sparse: Scanner | None = None
        self._table: TableScanner | None = None
        if owners:
            self._sparse = SCANNERS[scanner or default_scanner()](self._literals)
        self._scanner = self._sparse
        # Literal i belongs to the concepts _owner[_first[i] : _first[i + 1]]: an alias may be shared.
        self._first = np.cumsum([0, *(len(indexes) for indexes in owners.values())])
        self._closed = np.array([text.endswith(b" ") for text in self._literals], np.int64)
        self._owner = np.array([index for indexes in owners.values() for index in indexes], np.int64)

    def match(self, texts: Any) -> Hits:
        """Rows and concept indexes, sorted by row, then concept; ``texts`` as for :func:`lay_out`."""
        starts = range(0, len(texts) if self._scanner is not None else 0, _SLICE)
        found = [self._match(texts.slice(start, _SLICE)) + start * self._concepts for start in starts]
        keys = np.concatenate([np.empty(0, np.int64), *found])
        return keys // self._concepts, keys % self._concepts

    def _match(self, texts: Any) -> Ints:
        """Row × concepts + concept of each mention, sorted."""
        assert self._scanner is not None
        data = lay_out(texts)
        literals, ends = self._scanner.scan(data)
        if self._adapts:
            self._choose(len(literals) / len(texts))
        found = np.sort(self._keys(data, literals, ends))
        return found[np.flatnonzero(changes(found))]

    def _choose(self, finds: float) -> None:
        """The scanner of the next batch, from this one's finds a caption; it changes the time, not what is found."""
        if finds >= _DENSE and self._table is None:
            self._table = TableScanner(self._literals)
        crowded = self._table is not None and self._table.largest_slot > _CROWDED
        self._scanner = self._table if finds >= _DENSE and not crowded else self._sparse

    def _keys(self, data: bytes, literals: Ints, ends: Ints) -> Ints:
        """Row × concepts + concept of each find that is a whole name."""
        # A literal that has its closing space ends behind it, another before it: then the name is whole.
        whole = np.frombuffer(data, np.uint8)[ends - self._closed[literals]] == SPACE
        literals, rows = literals[whole], rows_at(data, ends[whole] - 1)
        first = self._first[literals]
        places, which = spread(first, self._first[literals + 1] - first)
        return rows[which] * self._concepts + self._owner[places]
