"""Mean vectors of all concepts: the mean cosine of all pairs is the product of two of them.

With unit vectors x of a concept's images and y of a concept's references, the mean over all pairs of x·y is the product
of the mean of the x and the mean of the y. A table of concepts by concepts thus costs one matrix product.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from mimetic2.scoring.pool import Pool
from mimetic2.scoring.similarity import Matrix


class Means:
    """Makers have images (C of them), targets have references (M); both sorted by name.

    ``images`` (C, d), ``references`` (M, d) and ``equal`` (M, d), the means over the same number of references for all.
    """

    def __init__(self, pool: Pool, group: Mapping[str, str | None]) -> None:
        self.pool, self.group = pool, group
        self.makers, self.targets = sorted(pool.generated), sorted(pool.references)
        self.maker = {name: place for place, name in enumerate(self.makers)}
        self.target = {name: place for place, name in enumerate(self.targets)}
        dim = pool.reference_table.identity.dim
        self.images = _stack([pool.images(name).mean(0) for name in self.makers], dim)
        vectors = [pool.reference_images(name) for name in self.targets]
        self.references = _stack([rows.mean(0) for rows in vectors], dim)
        self.equal = _stack([rows[: pool.equal].mean(0) for rows in vectors], dim)
        self._peers: dict[str | None, list[int]] = {}
        for name, place in self.maker.items():
            self._peers.setdefault(group.get(name), []).append(place)

    def others(self, name: str) -> npt.NDArray[np.intp]:
        """Places of the other makers of the same group."""
        peers = np.array(self._peers.get(self.group.get(name), []), np.intp)
        others: npt.NDArray[np.intp] = peers[peers != self.maker.get(name, -1)]
        return others

    def pairs(self, name: str) -> Matrix:
        """Cosines of a concept's images (rows) and its references (columns)."""
        cosines: Matrix = self.pool.images(name) @ self.pool.reference_images(name).T
        return cosines


def _stack(rows: Sequence[Matrix], dim: int) -> Matrix:
    return np.stack(rows) if rows else np.empty((0, dim))
