"""Three ways to find all names in a buffer of laid-out captions; they find the same.

Hyperscan's literal matcher is the quickest where names are rare, an Aho-Corasick automaton does its work where
Hyperscan has no wheel, and a table of the names' first bytes is the quickest where most captions name somebody: the
other two hand every find to Python one at a time, the table gives arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Protocol

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]
Hits = tuple[Ints, Ints]

SPACE = ord(" ")
_LONG = 8
_BLOCK = 1 << 15  # words whose arrays stay in the second-level cache
_MIX = np.uint64(0x9E3779B97F4A7C15)  # 2⁶⁴ over the golden ratio (Knuth, TAOCP 3, section 6.4)


def literal(phrase: str) -> bytes:
    """What is searched for. A short name has its closing space, or it would be found in many longer words.

    A long one does without: Hyperscan looks at a literal's last eight bytes first, and a space tells less than a letter
    (at 20 000 names the scan takes 7.8 instead of 12.4 ms for 4 MB). Whether the word ends there is checked afterwards.
    """
    data = f" {phrase}".encode()
    return data if len(data) > _LONG else data + b" "


class Scanner(Protocol):
    """Finds literals in a buffer, overlapping ones too; the buffer begins and ends with a space."""

    def scan(self, data: bytes) -> Hits:
        """Indexes of the literals found, and the position after the last byte of each find, in any order."""


class HyperscanScanner:
    """Literals by Hyperscan (Vectorscan)."""

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
    """Literals by an Aho-Corasick automaton."""

    def __init__(self, literals: Sequence[bytes]) -> None:
        from ahocorasick_rs import BytesAhoCorasick, Implementation

        self._automaton = BytesAhoCorasick(list(literals), implementation=Implementation.DFA)

    def scan(self, data: bytes) -> Hits:
        """As :meth:`Scanner.scan`."""
        finds = self._automaton.find_matches_as_indexes(data, overlapping=True)
        found = np.fromiter(chain.from_iterable(finds), np.int64, 3 * len(finds)).reshape(-1, 3)
        return found[:, 0], found[:, 2]


class TableScanner:
    """Whole names by a hash table of how their first two words begin, looked up for every word of the buffer at once.

    Bytes are compared eight at a time, as 64-bit numbers read at any position. A name's slot comes from its first eight
    bytes and the first four of its second word, or from fewer, as it has them, its closing space included. For each
    pair of such sizes that the list has, all words are looked up once; few sizes are told apart, to keep these few.
    """

    def __init__(self, literals: Sequence[bytes]) -> None:
        texts = [literal[1:].rstrip(b" ") + b" " for literal in literals]
        self._pieces = -(-max(map(len, texts)) // 8)
        text, mask = _eights(texts, self._pieces)
        head, head_mask = _eights([_start(text, (8, 4, 3, 2)) for text in texts], 1)
        second, second_mask = _eights([_start(text.split(b" ", 1)[1], (4, 2, 0)) for text in texts], 1)
        bits = min(max(16, (64 * len(texts)).bit_length()), 21)
        self._shift = np.uint64(64 - bits)
        slots = self._slots(head[0], second[0])
        order = np.argsort(slots, kind="stable")
        self._first = np.searchsorted(slots[order], np.arange((1 << bits) + 1)).astype(np.int64)
        self._used = np.diff(self._first) > 0
        self.largest_slot = int(np.diff(self._first).max())
        self._text, self._mask, self._literal = text[:, order], mask[:, order], order
        self._length = np.array([len(literal) for literal in literals], np.int64)[order]
        self._masks = np.unique(np.stack([head_mask[0], second_mask[0]]), axis=1).T

    def _slots(self, heads: Words, second: Words) -> Ints:
        return (((heads * _MIX) ^ second) * _MIX >> self._shift).astype(np.int64)

    def scan(self, data: bytes) -> Hits:
        """As :meth:`Scanner.scan`."""
        padded = data + bytes(8 * self._pieces + 8)
        eights = np.ndarray(len(data) + 8 * self._pieces, "<u8", padded, offset=1, strides=(1,))
        spaces = np.flatnonzero(np.frombuffer(data, np.uint8) == SPACE)
        found = [(spaces[:0], spaces[:0])]
        for start in range(0, len(spaces) - 1, _BLOCK):
            block = spaces[start : start + _BLOCK + 1]
            heads = eights[block]
            for head_mask, second_mask in self._masks:
                slots = self._slots(heads[:-1] & head_mask, heads[1:] & second_mask)
                found.append(self._compare(eights, block, slots))
        names, starts = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return self._literal[names], starts + self._length[names]

    def _compare(self, eights: Words, spaces: Ints, slots: Ints) -> Hits:
        """Names (by their place in the table) that stand behind spaces whose words have the slots; and those spaces."""
        near = np.flatnonzero(self._used[slots])
        first, last = self._first[slots[near]], self._first[slots[near] + 1]
        names, which = spread(first, last - first)
        starts = spaces[near[which]]
        for piece in range(self._pieces):
            same = np.flatnonzero((eights[starts + 8 * piece] & self._mask[piece][names]) == self._text[piece][names])
            names, starts = names[same], starts[same]
        return names, starts


def _start(text: bytes, sizes: Sequence[int]) -> bytes:
    """As many first bytes as the largest of the sizes that the text has."""
    return text[: next(size for size in sizes if size <= len(text))]


def _eights(texts: Sequence[bytes], pieces: int) -> tuple[Words, Words]:
    """Texts as 64-bit numbers, (pieces, n), zero behind the text's end; and the masks of the bytes they have."""
    text = np.frombuffer(b"".join(text.ljust(8 * pieces, b"\0") for text in texts), "<u8")
    lengths = np.array([len(text) for text in texts])
    mask = np.where(np.arange(8 * pieces) < lengths[:, None], np.uint8(255), np.uint8(0)).view("<u8")
    return text.reshape(-1, pieces).T.copy(), mask.T.copy()


def spread(first: Ints, sizes: Ints) -> Hits:
    """The numbers ``first[i], first[i] + 1, …``, ``sizes[i]`` of them, for each i in turn; and i of each."""
    which = np.repeat(np.arange(len(sizes)), sizes)
    within = np.arange(len(which)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return first[which] + within, which


def changes(numbers: Ints) -> npt.NDArray[np.bool_]:
    """Where a number differs from the one before; the first does."""
    differs = np.ones(len(numbers), bool)
    np.not_equal(numbers[1:], numbers[:-1], out=differs[1:])
    return differs


SCANNERS: dict[str, Callable[[Sequence[bytes]], Scanner]] = {
    "hyperscan": HyperscanScanner,
    "automaton": AutomatonScanner,
    "table": TableScanner,
}


def default_scanner() -> str:
    """The name of the quickest scanner for rare names that is installed."""
    try:
        import hyperscan  # noqa: F401
    except ImportError:
        return "automaton"
    return "hyperscan"
