"""One shard of captions, read once: mentions per concept and each concept's sample."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from mimetic2.counting.matching import Matcher
from mimetic2.counting.readers import Batch, Columns, batches
from mimetic2.counting.sampling import BottomK, Entry, pair_hashes

_FLAGS = {"nsfw": 1.0, "unsafe": 1.0, "true": 1.0, "unsure": 0.5, "unlikely": 0.0, "false": 0.0}


@dataclass
class Tally:
    """What a shard says: rows read, mentions (one number per concept) and the samples of concepts mentioned."""

    rows: int
    mentions: npt.NDArray[np.int64]
    samples: dict[int, list[Entry]] = field(default_factory=dict)


def scan_shard(path: str, matcher: Matcher, columns: Columns, *, concepts: int, sample: int, seed: int) -> Tally:
    """Count the mentions of a shard and sample the rows that have one.

    Raises :class:`InputError` for a missing column, ``UnreadableShard`` for a file that cannot be read to its end.
    """
    tally = Tally(0, np.zeros(concepts, np.int64))
    sampler = _Sampler(concepts, sample, seed)
    for batch in batches(path, columns):
        rows, indexes = matcher.match(batch.texts)
        tally.rows += len(batch.texts)
        if len(rows):
            tally.mentions += np.bincount(indexes, minlength=concepts)
            sampler.add(batch, rows, indexes)
    tally.samples = {index: kept.entries() for index, kept in sampler.samples.items()}
    return tally


class _Sampler:
    """The samples of all concepts. Only rows whose hash is below a concept's limit, soon few, are looked at singly."""

    def __init__(self, concepts: int, k: int, seed: int) -> None:
        self.samples: dict[int, BottomK] = {}
        self._k, self._seed = k, seed
        self._limits = np.full(concepts, np.iinfo(np.int64).max)

    def add(self, batch: Batch, rows: npt.NDArray[np.int64], indexes: npt.NDArray[np.int64]) -> None:
        if not self._k:
            return
        distinct, where = np.unique(rows, return_inverse=True)
        captions = _bytes(batch.texts, distinct)
        links = _bytes(batch.urls, distinct) if batch.urls is not None else [b""] * len(distinct)
        hashes = pair_hashes(self._seed, links, captions)
        near = np.flatnonzero(hashes[where] <= self._limits[indexes])
        flags: dict[int, float | None] = {}
        if batch.unsafe is not None:
            wanted = np.unique(where[near])
            flags = dict(zip(wanted.tolist(), _flags(batch.unsafe, distinct[wanted]), strict=True))
        for position, index in zip(where[near].tolist(), indexes[near].tolist(), strict=True):
            link, caption = (data.decode("utf-8", "replace") for data in (links[position], captions[position]))
            kept = self.samples.get(index)
            if kept is None:
                kept = self.samples[index] = BottomK(self._k)
            kept.add(Entry(int(hashes[position]), link, caption, 1, flags.get(position)))
            self._limits[index] = kept.limit


def _bytes(array: Any, rows: npt.NDArray[np.int64]) -> list[bytes]:
    import pyarrow as pa

    taken = array.take(pa.array(rows)).cast(pa.binary())
    return [cell or b"" for cell in taken.to_pylist()]


def _flags(array: Any, rows: npt.NDArray[np.int64]) -> list[float | None]:
    """Probabilities of an unsafe image from numbers or from LAION's words; what is neither, flags the image."""
    import pyarrow as pa

    return [_flag(cell) for cell in array.take(pa.array(rows)).to_pylist()]


def _flag(cell: object) -> float | None:
    text = cell.decode("utf-8", "replace") if isinstance(cell, bytes) else "" if cell is None else str(cell)
    text = text.strip().lower()
    if text in ("", "nan"):
        return None
    try:
        return _FLAGS[text] if text in _FLAGS else min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 1.0
