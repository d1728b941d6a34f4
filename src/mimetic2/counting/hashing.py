"""Keyed 64-bit hashes of many byte strings at once: SipHash-1-3, in numpy.

SipHash (Aumasson and Bernstein, *SipHash: a fast short-input PRF*, 2012) is a pseudo-random function of its key, so
hashes under one seed say nothing about those under another, and no pattern in the texts shows. With one round a word
and three at the end it is what Python hashes its own strings with. Where most captions name somebody, hashing them one
by one took longer than everything else together.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]

LONG = 1024
"""Longer texts are hashed by their BLAKE2b digest (64 bytes), since all rows wait for the longest."""
_BLOCK = 1 << 13  # texts whose state stays in the first-level caches
_CONSTANTS = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)


def key_of(purpose: str, seed: int) -> bytes:
    """The 16-byte key of a study's seed."""
    return hashlib.blake2b(f"mimetic2 {purpose} {seed}".encode(), digest_size=16).digest()


def keyed_hashes(key: bytes, texts: Any) -> Words:
    """The SipHash-1-3 of each text under ``key`` (16 bytes); ``texts``: pyarrow array of binary without nulls."""
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = texts.cast(pa.large_binary())
    lengths = pc.binary_length(texts).to_numpy()
    if len(lengths) and lengths.max() > LONG:
        short = [hashlib.blake2b(text).digest() if len(text) > LONG else text for text in texts.to_pylist()]
        texts = pa.array(short, pa.large_binary())
    hashes = np.empty(len(texts), np.uint64)
    for start in range(0, len(texts), _BLOCK):
        hashes[start : start + _BLOCK] = _block(key, texts.slice(start, _BLOCK))
    return hashes


def _block(key: bytes, texts: Any) -> Words:
    """Texts from the one with most words on, so that those which still have words are always the first ones."""
    _, offset_buffer, data = texts.buffers()
    offsets = np.frombuffer(offset_buffer, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    padded = (b"" if data is None else data.slice(offsets[0], offsets[-1] - offsets[0]).to_pybytes()) + bytes(8)
    eights = np.ndarray(len(padded) - 7, "<u8", padded, strides=(1,))
    lengths = np.diff(offsets)
    order = np.argsort((-(lengths // 8)).astype(np.int16), kind="stable")
    starts, lengths = (offsets[:-1] - offsets[0])[order], lengths[order]
    words = lengths // 8
    state = _State(key, len(texts))
    for word in range(int(words[0])):
        left = int(np.searchsorted(-words, -word))
        state.take_in(eights[starts[:left] + 8 * word])
    rest = (lengths % 8).astype(np.uint64)
    last = eights[starts + 8 * words] & ((np.uint64(1) << (rest * np.uint64(8))) - np.uint64(1))
    state.take_in(last | (lengths.astype(np.uint64) << np.uint64(56)))
    hashes = np.empty(len(texts), np.uint64)
    hashes[order] = state.finish()
    return hashes


class _State:
    """The four words of SipHash's state for each text; all arithmetic is modulo 2⁶⁴ and in place."""

    def __init__(self, key: bytes, texts: int) -> None:
        halves = np.frombuffer(key, "<u8")
        self._v = [np.full(texts, constant ^ int(halves[i % 2]), np.uint64) for i, constant in enumerate(_CONSTANTS)]
        self._spare = np.empty(texts, np.uint64)

    def take_in(self, words: Words) -> None:
        """The next word of the first ``len(words)`` texts."""
        size = len(words)
        self._v[3][:size] ^= words
        self._round(size)
        self._v[0][:size] ^= words

    def finish(self) -> Words:
        """The hashes of all texts."""
        v0, v1, v2, v3 = self._v
        v2 ^= np.uint64(0xFF)
        for _ in range(3):
            self._round(len(v0))
        return v0 ^ v1 ^ v2 ^ v3

    def _round(self, size: int) -> None:
        v0, v1, v2, v3 = (v[:size] for v in self._v)
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
        spare = self._spare[: len(words)]
        np.right_shift(words, np.uint64(64 - bits), out=spare)
        np.left_shift(words, np.uint64(bits), out=words)
        words |= spare
