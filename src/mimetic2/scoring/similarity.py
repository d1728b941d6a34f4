"""Cosines between sets of vectors, and the centring that belongs to some embedders."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mimetic2.embedding.base import Vectors
from mimetic2.embedding.table import EmbeddingTable
from mimetic2.errors import InputError

Matrix = npt.NDArray[np.float64]
STATISTICS = ("max_cosine", "mean_cosine")
"""How an image is compared with a set of references: its best cosine, or its mean cosine."""


def check_comparable(tables: Sequence[EmbeddingTable]) -> None:
    """Raise `InputError` unless all vectors come from one embedder, its weights and a way of decoding.

    Options, such as how many faces an image may have, select images and leave vectors comparable.
    """
    if len({(t.identity.name, t.identity.version, t.identity.weights_sha256, t.identity.decoder) for t in tables}) > 1:
        raise InputError(f"vectors are not comparable: {', '.join(str(table.identity) for table in tables)}")


def unit(vectors: npt.NDArray[np.floating], centre: npt.NDArray[np.floating] | None = None) -> Matrix:
    """Rows minus ``centre`` (d,), divided by their Euclidean length; (n, d) float64. Rows without direction are NaN."""
    rows = np.asarray(vectors, np.float64)
    if centre is not None:
        rows = rows - centre
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        result: Matrix = rows / lengths
    return result


def reference_centre(reference: EmbeddingTable) -> Matrix | None:
    """The point that this table's embedder is centred on: the mean, each concept weighing the same, of the usable
    reference vectors, (d,); None for embedders that are not centred.
    """
    if not reference.identity.centred:
        return None
    usable = reference.usable
    if not usable.any():
        raise InputError("there is no usable reference image to centre the vectors on")
    names = reference.frame["concept"].to_numpy()[usable]
    vectors = reference.vectors[usable].astype(np.float64)
    means = [vectors[names == name].mean(0) for name in np.unique(names)]
    centre: Matrix = np.mean(means, axis=0)
    return centre


def similarity(
    images: Vectors, references: Vectors, statistic: str = "max_cosine", *, centre: Matrix | None = None
) -> Matrix:
    """Similarity of each image (n, d) to the set of references (m, d): (n,) float64, NaN where the image is NaN.

    ``centre``: what :func:`reference_centre` gives for the pool, with embedders that are centred. Reference rows that
    are NaN are left out. Raises `InputError` for an unknown statistic or no usable reference.
    """
    if statistic not in STATISTICS:
        raise InputError(f"unknown statistic '{statistic}'", accepted=", ".join(STATISTICS))
    pool = unit(references, centre)
    pool = pool[np.isfinite(pool).all(1)]
    if not len(pool):
        raise InputError("there is no usable reference image to compare with")
    rows = unit(images, centre)
    if statistic == "mean_cosine":
        means: Matrix = rows @ pool.mean(0)
        return means
    best: Matrix = (rows @ pool.T).max(1)
    return best
