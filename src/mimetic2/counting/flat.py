"""Captions laid out for one scan: folded words separated by single spaces, rows separated by a byte no text has.

The layout is ``␠word␠word␠<FF>␠word␠<FF>…``: every word has a space on both sides and no row's words touch another's.
So a literal search for ``␠samuel␠l␠jackson␠`` is the definition of a mention, with no check of boundaries afterwards,
and nothing can match across two captions (byte FF never occurs in UTF-8).

ASCII rows, nearly all, are folded by one table look-up of the whole buffer; the others apart, also in one go, because
folding changes their length.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

_SEPARATOR = 0xFF
_WORD, _OTHER, _MARK = 0, 1, 2
_SPACE, _NEWLINE = ord(" "), ord("\n")


@dataclass(frozen=True)
class Flat:
    """A laid-out buffer; ``rows`` maps its rows to rows of the batch (None: they are the same).

    ``foreign`` lists rows of the batch that are in the buffer but are not folded there: hits in them do not count.
    """

    data: bytes
    rows: npt.NDArray[np.int64] | None
    foreign: npt.NDArray[np.int64]

    def rows_at(self, positions: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The batch's row of each byte position."""
        separators = np.flatnonzero(np.frombuffer(self.data, np.uint8) == _SEPARATOR)
        found = np.searchsorted(separators, positions).astype(np.int64)
        return found if self.rows is None else self.rows[found]


def lay_out(texts: Any) -> list[Flat]:
    """One buffer of all ASCII rows and, if there are others, one of those.

    ``texts``: pyarrow array of strings or of UTF-8 bytes; null rows are empty captions. Invalid UTF-8 reads as U+FFFD.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = texts.cast(pa.binary())
    if texts.null_count:
        texts = pc.fill_null(texts, b"")
    texts = _valid(texts)
    foreign = _non_ascii_rows(texts)
    flats = [Flat(_collapse(_join(texts, b" \xff ").translate(_ascii_table())), None, foreign)]
    if len(foreign):
        folded = _fold_all(_join(texts.take(pa.array(foreign)), b"\xff"))
        flats.append(Flat(_collapse(folded), foreign, np.empty(0, np.int64)))
    return flats


def _valid(texts: Any) -> Any:
    """The same captions without the byte that separates rows, which only invalid UTF-8 has."""
    import pyarrow as pa

    _, offsets, data = texts.buffers()
    if data is None or not len(texts):
        return texts
    first, last = (int(np.frombuffer(offsets, np.int32)[texts.offset + end]) for end in (0, len(texts)))
    if b"\xff" not in data.slice(first, last - first).to_pybytes():
        return texts
    return pa.array([text.decode("utf-8", "replace").encode() for text in texts.to_pylist()], pa.binary())


def _join(texts: Any, separator: bytes) -> bytes:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not len(texts):
        return b""
    joined = pc.binary_join(pa.ListArray.from_arrays(pa.array([0, len(texts)], pa.int32()), texts), separator)
    return bytes(joined[0].as_buffer())


def _collapse(data: bytes) -> bytes:
    """One space between words, one at either end."""
    codes = np.frombuffer(b" %b " % data, np.uint8)
    spaces = codes == _SPACE
    repeated = spaces[1:] & spaces[:-1]
    if not repeated.any():
        return codes.tobytes()
    kept = np.ones(len(codes), bool)
    kept[1:] = ~repeated
    return codes[kept].tobytes()


def _non_ascii_rows(texts: Any) -> npt.NDArray[np.int64]:
    if not len(texts):
        return np.empty(0, np.int64)
    _, offset_buffer, data = texts.buffers()
    offsets = np.frombuffer(offset_buffer, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    if data is None:
        return np.empty(0, np.int64)
    used = np.frombuffer(data, np.uint8)[offsets[0] : offsets[-1]]
    positions = np.flatnonzero(used >= 0x80) + int(offsets[0])
    rows = np.searchsorted(offsets, positions, side="right").astype(np.int64) - 1
    return rows[np.flatnonzero(np.diff(rows, prepend=-1))]


@cache
def _ascii_table() -> bytes:
    """Lower-cases ASCII letters and turns what is no word character into a space; other bytes stay."""
    table = bytearray(range(256))
    for code in range(128):
        character = chr(code).lower()
        table[code] = ord(character) if character.isalnum() or character == "_" else _SPACE
    return bytes(table)


@cache
def _classes() -> npt.NDArray[np.uint8]:
    """For each code point: in a word, a mark that folding drops, or neither."""
    classes = np.full(sys.maxunicode + 1, _OTHER, np.uint8)
    everything = "".join(map(chr, range(sys.maxunicode + 1)))
    for run in re.finditer(r"\w+", everything):
        classes[run.start() : run.end()] = _WORD
    classes[[code for code, character in enumerate(everything) if unicodedata.combining(character)]] = _MARK
    return classes


def _fold_all(joined: bytes) -> bytes:
    """Fold rows separated by byte FF, all at once.

    A line feed stands for the separator meanwhile. That changes nothing: no normalisation form composes or reorders
    across a line feed, and case folding looks at single characters.
    """
    lines = joined.translate(_LINES).decode("utf-8", "replace")
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", lines).casefold())
    codes = np.frombuffer(folded.encode("utf-32-le", "replace"), np.uint32)
    kinds = _classes()[codes]
    spaced = np.where((kinds == _OTHER) & (codes != _NEWLINE), np.uint32(_SPACE), codes)[kinds != _MARK]
    text: str = spaced.tobytes().decode("utf-32-le")
    return text.encode().replace(b"\n", b" \xff ")


_LINES = bytes(_SPACE if code == _NEWLINE else _NEWLINE if code == _SEPARATOR else code for code in range(256))
