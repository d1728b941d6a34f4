"""Generated images that nearly equal a reference image: memorisation, reported apart from imitation."""

from __future__ import annotations

import numpy as np
import polars as pl

from mimetic2.embedding.table import EmbeddingTable

MAX_BITS = 4
"""At most this many of the fingerprint's 256 bits differ between near duplicates. Among independently drawn pictures of
one imaginary painter, as alike as pictures get without copying, the smallest difference of 900 was 5."""
SCHEMA = {"concept": pl.String, "generated": pl.String, "reference": pl.String, "bits": pl.Int64}


def near_duplicates(generated: EmbeddingTable, reference: EmbeddingTable, max_bits: int = MAX_BITS) -> pl.DataFrame:
    """Pairs (concept, generated path, nearest reference path of the same concept, differing bits)."""
    real = {str(key[0]): part for key, part in _marked(reference).group_by("concept", maintain_order=True)}
    records = []
    for key, images in _marked(generated).group_by("concept", maintain_order=True):
        name = str(key[0])
        if name not in real:
            continue
        theirs = _bits(real[name])
        for path, mark in zip(images["path"], _bits(images), strict=True):
            differing = (theirs != mark).sum(1)
            nearest = int(differing.argmin())
            if differing[nearest] <= max_bits:
                records.append((name, path, real[name]["path"][nearest], int(differing[nearest])))
    return pl.DataFrame(records, schema=SCHEMA, orient="row")


def _marked(table: EmbeddingTable) -> pl.DataFrame:
    return table.frame.filter(pl.col("fingerprint").is_not_null()).select("concept", "path", "fingerprint")


def _bits(frame: pl.DataFrame) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    marks = [np.frombuffer(mark, np.uint8) for mark in frame["fingerprint"]]
    return np.unpackbits(np.stack(marks), axis=1)
