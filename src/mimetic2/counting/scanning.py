"""One shard of captions, read once: mentions per concept and each concept's sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mimetic2.counting.matching import Matcher
from mimetic2.counting.readers import Batch, Columns, batches
from mimetic2.counting.sampling import Ints, Sample, Sampler, pair_hashes
from mimetic2.counting.scanners import changes

_FLAGS = {"nsfw": 1.0, "unsafe": 1.0, "true": 1.0, "unsure": 0.5, "unlikely": 0.0, "false": 0.0}


@dataclass(frozen=True)
class Tally:
    """What a shard says: rows read, mentions (one number per concept) and the sample."""

    rows: int
    mentions: Ints
    sample: Sample


def scan_shard(path: str, matcher: Matcher, columns: Columns, *, concepts: int, sample: int, seed: int) -> Tally:
    """Count the mentions of a shard and sample the rows that have one.

    Raises :class:`InputError` for a missing column, ``UnreadableShard`` for a file that cannot be read to its end.
    """
    rows_read, mentions = 0, np.zeros(concepts, np.int64)
    sampler = Sampler(concepts, sample, seed)
    for batch in batches(path, columns):
        rows, indexes = matcher.match(batch.texts)
        rows_read += len(batch.texts)
        if len(rows):
            mentions += np.bincount(indexes, minlength=concepts)
            if sample:
                _sample(sampler, batch, rows, indexes)
    return Tally(rows_read, mentions, sampler.sample())


def _sample(sampler: Sampler, batch: Batch, rows: Ints, indexes: Ints) -> None:
    """Offer the sampler the rows that mention a concept, which are sorted."""
    import pyarrow as pa

    new = changes(rows)
    distinct, which = rows[new], np.cumsum(new) - 1
    captions = _texts(batch.texts, distinct)
    urls = _texts(batch.urls, distinct) if batch.urls is not None else pa.repeat(b"", len(distinct))
    urls = urls.cast(pa.large_binary())
    hashes = pair_hashes(sampler.seed, urls, captions)
    near = sampler.near(hashes[which], indexes)
    if not len(near):
        return
    used = which[near]
    unsafe = np.full(len(distinct), np.nan)
    if batch.unsafe is not None:
        wanted = np.unique(used)
        unsafe[wanted] = unsafe_flags(batch.unsafe, distinct[wanted])
    url, caption = (_take(texts, used) for texts in (urls, captions))
    sampler.add(Sample(indexes[near], hashes[used], url, caption, np.ones(len(near), np.int64), unsafe[used]))


def _texts(array: Any, rows: Ints) -> Any:
    """The rows of a text column as bytes; a null is an empty text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.fill_null(_take(array, rows).cast(pa.binary()), b"").cast(pa.large_binary())


def _take(array: Any, rows: Ints) -> Any:
    """The rows of a column, not copied where they are all of them in turn."""
    import pyarrow as pa

    whole = len(rows) == len(array) and bool((rows == np.arange(len(rows))).all())
    return array if whole else array.take(pa.array(rows))


def unsafe_flags(array: Any, rows: Ints) -> npt.NDArray[np.float64]:
    """Probabilities of an unsafe image from numbers or from LAION's words; what is neither, flags the image."""
    import pyarrow as pa

    return np.array([_flag(cell) for cell in array.take(pa.array(rows)).to_pylist()])


def _flag(cell: object) -> float:
    text = cell.decode("utf-8", "replace") if isinstance(cell, bytes) else "" if cell is None else str(cell)
    text = text.strip().lower()
    if text in ("", "nan"):
        return float("nan")
    try:
        return _FLAGS[text] if text in _FLAGS else min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 1.0
