"""A uniform sample of the rows that mention each concept: the k pairs (url, caption) with the smallest keyed hashes.

Every distinct pair has one pseudo-random number, a hash keyed by the study's seed; the k smallest are a uniform sample
without replacement (bottom-k sketch; Cohen and Kaplan, *Summarizing data using bottom-k sketches*, PODC 2007). Which
pairs those are depends on neither the order of rows nor how they are spread over shards and workers. Equal pairs are
one entry with a multiplicity, and that is exact in the same pass: the k-th smallest hash only falls, so a pair that is
in the sample at the end was in it from its first appearance on.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

_LARGEST = (1 << 63) - 1


class Entry(NamedTuple):
    """A distinct pair of the sample; ``unsafe`` is the largest probability any of its rows gives, None if none does."""

    hash: int
    url: str
    caption: str
    multiplicity: int = 1
    unsafe: float | None = None


def pair_hashes(seed: int, urls: Sequence[bytes], captions: Sequence[bytes]) -> npt.NDArray[np.int64]:
    """The 63-bit keyed hash of each (url, caption): BLAKE2b with the seed in its key."""
    blake2b, key = hashlib.blake2b, b"mimetic2 sample %d" % seed
    digests = [
        blake2b(b"%d:%b%b" % (len(url), url, caption), digest_size=8, key=key).digest()
        for url, caption in zip(urls, captions, strict=True)
    ]
    return (np.frombuffer(b"".join(digests), ">u8") >> 1).astype(np.int64)


class BottomK:
    """The k distinct pairs of smallest hash among those added, with their multiplicities."""

    def __init__(self, k: int) -> None:
        self.k = k
        self._entries: dict[tuple[int, str, str], Entry] = {}
        self._largest: list[tuple[int, tuple[int, str, str]]] = []

    def add(self, entry: Entry) -> None:
        """Add a pair; one seen before raises its multiplicity."""
        if self.k <= 0 or (len(self._entries) == self.k and entry.hash > -self._largest[0][0]):
            return
        key = entry[:3]
        known = self._entries.get(key)
        if known is not None:
            flags = [flag for flag in (known.unsafe, entry.unsafe) if flag is not None]
            self._entries[key] = Entry(*key, known.multiplicity + entry.multiplicity, max(flags, default=None))
            return
        self._entries[key] = entry
        heapq.heappush(self._largest, (-entry.hash, key))
        if len(self._entries) > self.k:
            del self._entries[heapq.heappop(self._largest)[1]]

    @property
    def limit(self) -> int:
        """No pair with a larger hash can enter the sample any more."""
        return -self._largest[0][0] if len(self._entries) == self.k else _LARGEST

    def merge(self, entries: Iterable[Entry]) -> None:
        """Add the entries of another sample of the same k and seed."""
        for entry in entries:
            self.add(entry)

    def entries(self) -> list[Entry]:
        """The sample, smallest hash first: its first j entries are a uniform sample of j."""
        return [self._entries[key] for key in sorted(self._entries)]
