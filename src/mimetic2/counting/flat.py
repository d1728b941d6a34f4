"""Captions laid out for one scan: folded words separated by single spaces, rows separated by a byte no text has.

The layout is ``␠word␠word␠<FF>␠word␠<FF>␠…``: every word has a space on both sides and no row's words touch another's.
So a literal search for ``␠samuel␠l␠jackson␠`` is the definition of a mention, with no check of boundaries afterwards,
and nothing can match across two captions (byte FF never occurs in UTF-8).

ASCII, nearly all, is folded by one table look-up of the whole buffer; then the runs of other characters, also in one
go, and put in place of what they were.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

_SEPARATOR = 0xFF
_WORD, _OTHER, _MARK = 0, 1, 2
_SPACE, _NEWLINE, _TAB = ord(" "), ord("\n"), ord("\t")
_GAP = 8
"""Foreign characters nearer to each other than this many bytes are folded in one piece with what is between."""


def rows_at(data: bytes, positions: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The row of each byte position of a buffer that :func:`lay_out` made."""
    separators = np.flatnonzero(np.frombuffer(data, np.uint8) == _SEPARATOR)
    return np.searchsorted(separators, positions).astype(np.int64)


def lay_out(texts: Any) -> bytes:
    """The buffer of all rows.

    ``texts``: pyarrow array of strings or of UTF-8 bytes; null rows are empty captions. Invalid UTF-8 reads as U+FFFD.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = texts.cast(pa.binary())
    if texts.null_count:
        texts = pc.fill_null(texts, b"")
    return _collapse(_fold_foreign(b" %b " % _join(_valid(texts)).translate(_ascii_table())))


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


def _join(texts: Any) -> bytes:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not len(texts):
        return b""
    rows = pa.ListArray.from_arrays(pa.array([0, len(texts)], pa.int32()), texts)
    return bytes(pc.binary_join(rows, b" \xff ")[0].as_buffer())


def _collapse(data: bytes) -> bytes:
    """One space between words. Arrow copies what is kept in blocks, several times as fast as numpy's masks."""
    import pyarrow as pa

    codes = np.frombuffer(data, np.uint8)
    spaces = codes == _SPACE
    kept = np.ones(len(codes), bool)
    np.logical_and(spaces[1:], spaces[:-1], out=kept[1:])
    np.logical_not(kept[1:], out=kept[1:])
    bits = pa.py_buffer(np.packbits(kept, bitorder="little"))
    mask = pa.Array.from_buffers(pa.bool_(), len(kept), [None, bits])
    bytes_ = pa.Array.from_buffers(pa.uint8(), len(codes), [None, pa.py_buffer(data)])
    collapsed: npt.NDArray[np.uint8] = bytes_.filter(mask).to_numpy()
    return collapsed.tobytes()


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


def _fold_foreign(data: bytes) -> bytes:
    """Fold what is not ASCII: each run of it with the character before, which a combining mark may change.

    No normalisation form composes or reorders across an ASCII character that follows, so a run may end before one.
    """
    foreign = np.flatnonzero(np.frombuffer(data, np.int8) < -1)  # as signed numbers; the separator is -1
    if not len(foreign):
        return data
    breaks = np.flatnonzero(np.diff(foreign) > _GAP)
    starts = (foreign[np.append(0, breaks + 1)] - 1).tolist()
    ends = (foreign[np.append(breaks, -1)] + 1).tolist()
    pieces = [data[: starts[0]]]
    for end, following in zip(ends, [*starts[1:], len(data)], strict=True):
        pieces += (b"", data[end:following])
    pieces[1::2] = _fold(b"\t".join(map(data.__getitem__, map(slice, starts, ends)))).split(b"\t")
    return b"".join(pieces)


def _fold(runs: bytes) -> bytes:
    """Fold runs separated by tabs, in which line feeds stand for the separators of rows.

    After the look-up of ASCII there are no other control characters, and folding leaves these as they are.
    """
    text = runs.replace(b"\xff", b"\n").decode("utf-8", "replace")
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    codes = np.frombuffer(folded.encode("utf-32-le"), np.uint32)
    kinds = _classes()[codes]
    other = (kinds == _OTHER) & (codes != _NEWLINE) & (codes != _TAB)
    spaced = np.where(other, np.uint32(_SPACE), codes)[kinds != _MARK]
    result: str = spaced.tobytes().decode("utf-32-le")
    return result.encode().replace(b"\n", b"\xff")
