"""Keyed 64-bit hashes of many pairs of texts at once, in numpy: a universal hash, then SipHash of its value.

SipHash-1-3 (Aumasson and Bernstein, *SipHash: a fast short-input PRF*, 2012; what Python hashes its own strings with)
is a pseudo-random function of its key, so hashes under one seed say nothing about those under another, and no pattern
in the texts shows. To run it over whole texts took longer than to find the names in them. So pairs are first brought to
64 bits by a family of hash functions in which two pairs of equal lengths meet with a chance of 2⁻⁶⁴, whatever they are:
twice the top half of Multilinear-HM (Lemire and Kaser, *Strongly universal string hashing is fast*, 2014), with
different keys. A pseudo-random function of such a hash and the lengths is again pseudo-random (Wegman and Carter, *New
hash functions and their use in authentication and set equality*, 1981).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]

LONG = 1024
"""Of longer texts the BLAKE2b digest (64 bytes) is hashed, since all rows wait for the longest."""
_BLOCK = 1 << 13  # texts whose sums stay in the second-level cache
_LANES = 2
_HALF = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)
_CONSTANTS = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)


def key_of(purpose: str, seed: int) -> bytes:
    """The 16-byte key of a study's seed."""
    return hashlib.blake2b(f"mimetic2 {purpose} {seed}".encode(), digest_size=16).digest()


def keyed_hashes(key: bytes, first: Any, second: Any) -> Words:
    """The hash of each pair of texts under ``key`` (16 bytes).

    ``first``, ``second``: pyarrow arrays of binary, equally long and without nulls.
    """
    columns = [_short(texts) for texts in (first, second)]
    hashes = np.empty(len(first), np.uint64)
    for start in range(0, len(hashes), _BLOCK):
        size = min(_BLOCK, len(hashes) - start)
        sums = np.zeros((_LANES, size), np.uint64)
        packed = np.zeros(size, np.uint64)
        for (texts, lengths), keys in zip(columns, _keys(key), strict=True):
            _add_up(sums, texts.slice(start, size), keys)
            packed = (packed << _HALF) | (lengths[start : start + size].astype(np.uint64) & _LOW)
        universal = (sums[0] & ~_LOW) | (sums[1] >> _HALF)
        hashes[start : start + size] = siphash13(key, universal, packed)
    return hashes


def _short(texts: Any) -> tuple[Any, Ints]:
    """Texts of at most ``LONG`` bytes in place of the texts, and the lengths of these."""
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = texts.cast(pa.large_binary())
    lengths: Ints = pc.binary_length(texts).to_numpy()
    long = lengths > LONG
    if long.any():
        digests = [hashlib.blake2b(text.as_buffer()).digest() for text in texts.filter(pa.array(long))]
        texts = pc.replace_with_mask(texts, pa.array(long), pa.array(digests, pa.large_binary()))
    return texts, lengths


@lru_cache(maxsize=4)
def _keys(key: bytes) -> tuple[Words, Words]:
    """Two 64-bit numbers for each lane and word of eight bytes (word, lane, 2, 1), for either text."""
    shape = (2, LONG // 8, _LANES, 2, 1)
    numbers = np.frombuffer(hashlib.shake_256(key).digest(8 * int(np.prod(shape))), "<u8").reshape(shape)
    return numbers[0].astype(np.uint64), numbers[1].astype(np.uint64)


def _add_up(sums: Words, texts: Any, keys: Words) -> None:
    """Add to both lanes, for each word of a text and its halves a and b, (a + key) (b + other key) modulo 2⁶⁴."""
    order, words = _words(texts)
    own = np.zeros_like(sums)
    spare = np.empty((4, len(order)), np.uint64)
    for word, numbers in zip(words, keys, strict=False):
        size = len(word)
        a, b, left, right = spare[:, :size]
        np.bitwise_and(word, _LOW, out=a)
        np.right_shift(word, _HALF, out=b)
        for lane, (key, other) in zip(own, numbers, strict=True):
            np.add(a, key, out=left)
            np.add(b, other, out=right)
            np.multiply(left, right, out=left)
            lane[:size] += left
    for total, lane in zip(sums, own, strict=True):
        total[order] += lane


def _words(texts: Any) -> tuple[Ints, Iterator[Words]]:
    """An order of the texts, longest first; and in it the first eight bytes of each, the next of those that have them…

    Each array is overwritten by the next. Zeros follow a text's end.
    """
    _, offset_buffer, data = texts.buffers()
    offsets = np.frombuffer(offset_buffer, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    used = b"" if data is None else data.slice(offsets[0], offsets[-1] - offsets[0]).to_pybytes()
    lengths = np.diff(offsets)
    words = (lengths + 7) >> 3
    order = np.argsort((-words).astype(np.int16), kind="stable")
    starts, lengths, words = (offsets[:-1] - offsets[0])[order], lengths[order], words[order]
    ends = ~np.uint64(0) >> (8 * (8 * words - lengths)).astype(np.uint64)
    have = np.searchsorted(-words, -np.arange(1, words.max(initial=0) + 2), side="right")
    return order, _each_word(aligned(used), starts, have, ends)


def _each_word(eights: Words, starts: Ints, have: Ints, ends: Words) -> Iterator[Words]:
    """The words of texts from ``starts`` on; ``have[i]`` texts have word i, ``ends`` masks the last one of each."""
    whole, bits, back = _aim(starts)
    low, high, spare = (np.empty(len(starts), np.uint64) for _ in range(3))
    eights.take(whole, out=low, mode="clip")
    for size, after in pairwise(have):
        whole[:size] += 1
        eights.take(whole[:size], out=high[:size], mode="clip")
        word = low[:size]
        word >>= bits[:size]
        np.left_shift(high[:size], back[:size], out=spare[:size])
        word |= spare[:size]
        word[after:] &= ends[after:size]
        yield word
        low, high = high, low


def aligned(data: bytes) -> Words:
    """The bytes eight at a time, with zeros to read behind the end."""
    return np.frombuffer(data + bytes(16 - len(data) % 8), "<u8")


def _aim(positions: Ints) -> tuple[Ints, Words, Words]:
    """The aligned word that holds each position, the bits before it there, and the rest of 64 (shifts by 64 give 0)."""
    bits = ((positions & 7) << 3).view(np.uint64)
    return positions >> 3, bits, np.uint64(64) - bits


def siphash13(key: bytes, *words: Words) -> Words:
    """SipHash-1-3 of each column of words, eight bytes each."""
    state = _State(key, len(words[0]))
    for word in words:
        state.take_in(word)
    state.take_in(np.full(len(words[0]), 8 * len(words) % 256 << 56, np.uint64))
    return state.finish()


class _State:
    """The four words of SipHash's state for each text; all arithmetic is modulo 2⁶⁴ and in place."""

    def __init__(self, key: bytes, texts: int) -> None:
        halves = np.frombuffer(key, "<u8")
        self._v = [np.full(texts, constant ^ int(halves[i % 2]), np.uint64) for i, constant in enumerate(_CONSTANTS)]
        self._spare = np.empty(texts, np.uint64)

    def take_in(self, words: Words) -> None:
        """The next word of every text."""
        self._v[3] ^= words
        self._round()
        self._v[0] ^= words

    def finish(self) -> Words:
        """The hashes of all texts."""
        v0, v1, v2, v3 = self._v
        v2 ^= np.uint64(0xFF)
        for _ in range(3):
            self._round()
        return v0 ^ v1 ^ v2 ^ v3

    def _round(self) -> None:
        v0, v1, v2, v3 = self._v
        v0 += v1
        self._rotate(v1, 13)
        v1 ^= v0
        self._rotate(v0, 32)
        v2 += v3
        self._rotate(v3, 16)
        v3 ^= v2
        v0 += v3
        self._rotate(v3, 21)
        v3 ^= v0
        v2 += v1
        self._rotate(v1, 17)
        v1 ^= v2
        self._rotate(v2, 32)

    def _rotate(self, words: Words, bits: int) -> None:
        np.right_shift(words, np.uint64(64 - bits), out=self._spare)
        np.left_shift(words, np.uint64(bits), out=words)
        words |= self._spare
