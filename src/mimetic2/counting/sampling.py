"""A uniform sample of the rows that mention each concept: the k pairs (url, caption) with the smallest keyed hashes.

Every distinct pair has one pseudo-random number, a hash keyed by the study's seed; the k smallest are a uniform sample
without replacement (bottom-k sketch; Cohen and Kaplan, *Summarizing data using bottom-k sketches*, PODC 2007). Which
pairs those are depends on neither the order of rows nor how they are spread over shards and workers. Equal pairs are
one entry with a multiplicity, and that is exact in the same pass: the k-th smallest hash only falls, so a pair that is
in the sample at the end was in it from its first appearance on. Pairs of equal hash are taken to be equal: at 63 bits,
two different ones among a million meet with a chance of 5e-8.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from mimetic2.counting.hashing import key_of, keyed_hashes

Ints = npt.NDArray[np.int64]
_LARGEST = np.iinfo(np.int64).max
_PENDING = 1 << 16


def pair_hashes(seed: int, urls: Any, captions: Any) -> Ints:
    """The 63-bit keyed hash of each (url, caption): of the URL's length in 8 bytes, little end first, and both texts.

    ``urls``, ``captions``: pyarrow arrays of ``large_binary`` without nulls.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    sizes = np.asarray(pc.binary_length(urls), "<u8")
    lengths = pa.Array.from_buffers(pa.binary(8), len(urls), [None, pa.py_buffer(sizes)]).cast(pa.large_binary())
    texts = pc.binary_join_element_wise(lengths, urls, captions, pa.scalar(b"", pa.large_binary()))
    return (keyed_hashes(key_of("sample", seed), texts) >> np.uint64(1)).astype(np.int64)


@dataclass(frozen=True)
class Sample:
    """Sampled pairs as columns of equal length, concepts by their index in the list.

    ``unsafe``: the largest probability of an unsafe image that any row of the pair gives, NaN if none gives one.
    ``url``, ``caption``: pyarrow arrays of bytes (``large_binary``), which need no object a row.
    """

    concept: Ints
    hash: Ints
    url: Any
    caption: Any
    multiplicity: Ints
    unsafe: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.concept)


def empty_sample() -> Sample:
    """A sample of nothing."""
    import pyarrow as pa

    ints, texts = np.empty(0, np.int64), pa.array([], pa.large_binary())
    return Sample(ints, ints, texts, texts, ints, np.empty(0))


def bottom(parts: Sequence[Sample], k: int) -> Sample:
    """The k distinct pairs of smallest hash per concept of all parts together, by concept, then hash."""
    import pyarrow as pa

    columns = {field.name: [getattr(part, field.name) for part in parts] for field in fields(Sample)}
    texts = {name: pa.concat_arrays(columns.pop(name)) for name in ("url", "caption")}
    joined = {name: np.concatenate(column) for name, column in columns.items()}
    if not len(joined["concept"]):
        return empty_sample()
    order = np.lexsort((joined["hash"], joined["concept"]))
    concept, hashes = joined["concept"][order], joined["hash"][order]
    new_concept = np.diff(concept, prepend=-1) != 0
    first = np.flatnonzero(new_concept | (np.diff(hashes, prepend=-1) != 0))
    multiplicity = np.add.reduceat(joined["multiplicity"][order], first)
    unsafe = np.fmax.reduceat(joined["unsafe"][order], first)
    starts = np.flatnonzero(new_concept[first])
    rank = np.arange(len(first)) - np.repeat(starts, np.diff(starts, append=len(first)))
    kept = rank < k
    first = first[kept]
    url, caption = (texts[name].take(pa.array(order[first])) for name in ("url", "caption"))
    return Sample(concept[first], hashes[first], url, caption, multiplicity[kept], unsafe[kept])


class Sampler:
    """Collects the samples of all concepts. Once a concept has k pairs, only smaller hashes are looked at."""

    def __init__(self, concepts: int, k: int, seed: int) -> None:
        self.k, self.seed = k, seed
        self._limits = np.full(concepts, _LARGEST)
        self._kept = empty_sample()
        self._pending: list[Sample] = []
        self._waiting = 0

    def near(self, hashes: Ints, concepts: Ints) -> Ints:
        """Which of the (hash, concept) may still enter a sample."""
        return np.flatnonzero(hashes <= self._limits[concepts])

    def add(self, part: Sample) -> None:
        """Add pairs, equal ones too."""
        self._pending.append(part)
        self._waiting += len(part)
        if self._waiting > max(_PENDING, len(self._kept)):
            self.sample()

    def sample(self) -> Sample:
        """The samples of what was added so far."""
        if self._pending:
            self._kept = bottom([self._kept, *self._pending], self.k)
            self._pending, self._waiting = [], 0
            ends = np.flatnonzero(np.diff(self._kept.concept, append=-1))
            full = ends[np.diff(ends, prepend=-1) == self.k]
            self._limits[self._kept.concept[full]] = self._kept.hash[full]
        return self._kept
