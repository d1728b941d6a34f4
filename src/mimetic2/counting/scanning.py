"""One shard of captions, read once: mentions per concept and each concept's sample."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from mimetic2.counting.matching import Matcher
from mimetic2.counting.readers import Columns, batches
from mimetic2.counting.sampling import BottomK, Entry, pair_hash


@dataclass
class Tally:
    """What a shard says: rows read, mentions (one number per concept) and the samples of concepts mentioned."""

    rows: int
    mentions: npt.NDArray[np.int64]
    samples: dict[int, list[Entry]] = field(default_factory=dict)


def scan_shard(path: str, matcher: Matcher, columns: Columns, *, concepts: int, sample: int, seed: int) -> Tally:
    """Count the mentions of a shard and sample the rows that have one."""
    tally = Tally(0, np.zeros(concepts, np.int64))
    samples: dict[int, BottomK] = {}
    value = pair_hash(seed)
    for texts, urls in batches(path, columns):
        rows, indexes = matcher.match(texts)
        tally.rows += len(texts)
        if not len(rows):
            continue
        tally.mentions += np.bincount(indexes, minlength=concepts)
        if sample:
            _sample(rows, indexes, texts, urls, samples, sample, value)
    tally.samples = {index: kept.entries() for index, kept in samples.items()}
    return tally


def _sample(
    rows: npt.NDArray[np.int64],
    indexes: npt.NDArray[np.int64],
    texts: Any,
    urls: Any,
    samples: dict[int, BottomK],
    sample: int,
    value: Any,
) -> None:
    distinct, where = np.unique(rows, return_inverse=True)
    captions = _values(texts, distinct)
    links = _values(urls, distinct) if urls is not None else [""] * len(distinct)
    hashes = [value(link, caption) for link, caption in zip(links, captions, strict=True)]
    for position, index in zip(where.tolist(), indexes.tolist(), strict=True):
        if index not in samples:
            samples[index] = BottomK(sample)
        samples[index].add(hashes[position], links[position], captions[position])


def _values(array: Any, rows: npt.NDArray[np.int64]) -> list[str]:
    import pyarrow as pa

    taken = array.take(pa.array(rows)).cast(pa.binary()).to_pylist()
    return ["" if cell is None else cell.decode("utf-8", "replace") for cell in taken]
