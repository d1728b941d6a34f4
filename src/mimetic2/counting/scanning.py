"""One shard of captions, read once: mentions per concept and each concept's sample."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from mimetic2.counting.matching import Matcher
from mimetic2.counting.readers import Batch, Columns, batches
from mimetic2.counting.sampling import BottomK, Entry, pair_hash

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
    samples: dict[int, BottomK] = {}
    value = pair_hash(seed)
    for batch in batches(path, columns):
        rows, indexes = matcher.match(batch.texts)
        tally.rows += len(batch.texts)
        if not len(rows):
            continue
        tally.mentions += np.bincount(indexes, minlength=concepts)
        if sample:
            distinct, where = np.unique(rows, return_inverse=True)
            entries = _entries(batch, distinct, value)
            for position, index in zip(where.tolist(), indexes.tolist(), strict=True):
                if index not in samples:
                    samples[index] = BottomK(sample)
                samples[index].add(entries[position])
    tally.samples = {index: kept.entries() for index, kept in samples.items()}
    return tally


def _entries(batch: Batch, rows: npt.NDArray[np.int64], value: Callable[[str, str], int]) -> list[Entry]:
    captions = _values(batch.texts, rows)
    links = _values(batch.urls, rows) if batch.urls is not None else [""] * len(rows)
    flags = _flags(batch.unsafe, rows) if batch.unsafe is not None else [None] * len(rows)
    return [
        Entry(value(link, caption), link, caption, 1, flag)
        for link, caption, flag in zip(links, captions, flags, strict=True)
    ]


def _values(array: Any, rows: npt.NDArray[np.int64]) -> list[str]:
    import pyarrow as pa

    taken = array.take(pa.array(rows)).cast(pa.binary()).to_pylist()
    return ["" if cell is None else cell.decode("utf-8", "replace") for cell in taken]


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
