"""Which rows of a batch of captions mention which concepts: one scan for all names together.

Two engines give the same hits: Hyperscan's literal matcher, and an Aho-Corasick automaton where Hyperscan has no wheel.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from mimetic2.concepts import Concept, check_searchable
from mimetic2.counting.flat import Flat, lay_out

Hits = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]


_SPACE = ord(" ")
_LONG = 8


def _literal(phrase: str) -> bytes:
    """What is searched for. A short name has its closing space, or it would be found in many longer words.

    A long one does without: Hyperscan looks at a literal's last eight bytes first, and a space tells less than a letter
    (at 20 000 names the scan takes 7.8 instead of 12.4 ms for 4 MB). Whether the word ends there is checked afterwards.
    """
    data = f" {phrase}".encode()
    return data if len(data) > _LONG else data + b" "


class Scanner(Protocol):
    """Finds literals in a buffer, overlapping ones too."""

    def scan(self, data: bytes) -> Hits:
        """Indexes of the literals found, and the position after the last byte of each find."""


class HyperscanScanner:
    """Literals by Hyperscan (Vectorscan): the fastest measured where names are rare."""

    def __init__(self, literals: Sequence[bytes]) -> None:
        import hyperscan

        self._database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        self._database.compile(
            expressions=list(literals), ids=list(range(len(literals))), elements=len(literals), flags=0, literal=True
        )

    def scan(self, data: bytes) -> Hits:
        """As :meth:`Scanner.scan`."""
        found: list[int] = []
        append = found.append

        def hit(literal: int, _start: int, end: int, _flags: int, _context: object) -> None:
            append(literal)
            append(end)

        self._database.scan(data, match_event_handler=hit)
        pairs = np.array(found, np.int64).reshape(-1, 2)
        return pairs[:, 0], pairs[:, 1]


class AutomatonScanner:
    """Literals by an Aho-Corasick automaton; it returns finds in one list, which is quicker where they are many."""

    def __init__(self, literals: Sequence[bytes]) -> None:
        from ahocorasick_rs import BytesAhoCorasick, Implementation

        self._automaton = BytesAhoCorasick(list(literals), implementation=Implementation.DFA)

    def scan(self, data: bytes) -> Hits:
        """As :meth:`Scanner.scan`."""
        finds = self._automaton.find_matches_as_indexes(data, overlapping=True)
        found = np.fromiter(chain.from_iterable(finds), np.int64, 3 * len(finds)).reshape(-1, 3)
        return found[:, 0], found[:, 2]


SCANNERS: dict[str, Any] = {"hyperscan": HyperscanScanner, "automaton": AutomatonScanner}


def default_scanner() -> str:
    """The name of the quickest scanner that is installed."""
    try:
        import hyperscan  # noqa: F401
    except ImportError:
        return "automaton"
    return "hyperscan"


class Matcher:
    """Finds which rows mention which concepts; a row is reported once per concept, overlapping names all count."""

    def __init__(self, concepts: Sequence[Concept], scanner: str | None = None) -> None:
        owners: dict[str, list[int]] = {}
        for index, concept in enumerate(concepts):
            check_searchable(concept)
            for phrase in concept.phrases:
                owners.setdefault(phrase, []).append(index)
        self._concepts = len(concepts)
        self._scanner: Scanner | None = None
        if owners:
            self._scanner = SCANNERS[scanner or default_scanner()]([_literal(phrase) for phrase in owners])
        # Literal i belongs to the concepts _owner[_first[i] : _first[i + 1]]: an alias may be shared.
        self._first = np.cumsum([0, *(len(indexes) for indexes in owners.values())])
        self._closed = np.array([_literal(phrase).endswith(b" ") for phrase in owners], np.int64)
        self._owner = np.array([index for indexes in owners.values() for index in indexes], np.int64)

    def match(self, texts: Any) -> Hits:
        """Rows and concept indexes, sorted by row, then concept; ``texts`` as for :func:`lay_out`."""
        keys = [self._keys(flat) for flat in lay_out(texts)]
        found = np.unique(np.concatenate(keys)) if keys else np.empty(0, np.int64)
        return found // self._concepts if self._concepts else found, found % max(self._concepts, 1)

    def _keys(self, flat: Flat) -> npt.NDArray[np.int64]:
        if self._scanner is None:
            return np.empty(0, np.int64)
        literals, ends = self._scanner.scan(flat.data)
        # A literal that has its closing space ends behind it, another before it: then the name is whole.
        whole = np.frombuffer(flat.data, np.uint8)[ends - self._closed[literals]] == _SPACE
        literals, ends = literals[whole], ends[whole] - 1
        if not len(literals):
            return np.empty(0, np.int64)
        rows = flat.rows_at(ends)
        if len(flat.foreign):
            own = ~np.isin(rows, flat.foreign)
            literals, rows = literals[own], rows[own]
        shares = self._first[literals + 1] - self._first[literals]
        within = np.arange(shares.sum()) - np.repeat(np.cumsum(shares) - shares, shares)
        owners = self._owner[np.repeat(self._first[literals], shares) + within]
        keys: npt.NDArray[np.int64] = np.repeat(rows, shares) * self._concepts + owners
        return keys
