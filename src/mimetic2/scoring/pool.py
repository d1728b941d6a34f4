"""Which vectors enter: a concept's generated images, its references drawn by seed, all centred and of length 1."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from mimetic2.embedding.table import EmbeddingTable
from mimetic2.errors import InputError
from mimetic2.scoring.similarity import Matrix, unit
from mimetic2.seeding import generator

MINIMUM_REFERENCES = 3
DUPLICATE = "same file as another reference"
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Pool:
    """Rows of both tables by concept. ``references[name]`` are the drawn rows in the order drawn."""

    generated_table: EmbeddingTable
    reference_table: EmbeddingTable
    generated: dict[str, Rows]
    references: dict[str, Rows]
    available: dict[str, int]
    centre: Matrix | None
    duplicates: Rows

    def images(self, name: str) -> Matrix:
        """Unit vectors of a concept's generated images, (n, d)."""
        return unit(self.generated_table.vectors[self.generated[name]], self.centre)

    def reference_images(self, name: str) -> Matrix:
        """Unit vectors of a concept's drawn references, (m, d)."""
        return unit(self.reference_table.vectors[self.references[name]], self.centre)

    def prompts(self, name: str) -> list[str]:
        """The prompts of the rows of :meth:`images`."""
        return self.generated_table.frame["prompt"].gather(self.generated[name]).to_list()

    @property
    def equal(self) -> int:
        """The number of references that every concept has."""
        return min((len(rows) for rows in self.references.values()), default=0)


def build_pool(
    generated: EmbeddingTable, reference: EmbeddingTable, names: Sequence[str], references: int, seed: int
) -> Pool:
    """Draw at most ``references`` references a concept; concepts with fewer than three have none.

    Files of equal bytes within a concept's references count once. The draw depends on the seed, the concept's name and
    the files' bytes only: neither on paths nor on other concepts. Raises `InputError` where the tables come from
    different embedders, weights or decoders.
    """
    if generated.identity != reference.identity:
        raise InputError(
            f"generated and reference vectors are not comparable: {generated.identity} and {reference.identity}"
        )
    if references < MINIMUM_REFERENCES:
        raise InputError(f"{references} references a concept are too few", accepted=f"from {MINIMUM_REFERENCES}")
    wanted = set(names)
    images = dict(_by_concept(generated.frame, wanted, ["prompt", "index", "path"]))
    drawn, available, repeated = {}, {}, []
    for name, rows in _by_concept(reference.frame, wanted, ["sha256", "path"]):
        digests = reference.frame["sha256"].gather(rows).to_list()
        first = [place for place, digest in enumerate(digests) if place == 0 or digest != digests[place - 1]]
        repeated.append(np.delete(rows, first))
        available[name] = len(first)
        if len(first) >= MINIMUM_REFERENCES:
            drawn[name] = rows[first][generator(seed, "references", name).permutation(len(first))[:references]]
    centre = None
    if reference.identity.centred and drawn:
        centre = np.mean([reference.vectors[rows].mean(0, dtype=np.float64) for rows in drawn.values()], axis=0)
    duplicates = np.concatenate(repeated) if repeated else np.empty(0, np.intp)
    return Pool(generated, reference, images, drawn, available, centre, duplicates)


def _by_concept(frame: pl.DataFrame, wanted: set[str], order: list[str]) -> Iterator[tuple[str, Rows]]:
    """Usable rows of each wanted concept, in the order of the given columns."""
    rows = frame.with_row_index("row").filter(pl.col("reason").is_null() & pl.col("concept").is_in(sorted(wanted)))
    rows = rows.sort("concept", *order).select("concept", "row")
    for part in rows.partition_by("concept", maintain_order=True):
        yield part["concept"][0], part["row"].to_numpy().astype(np.intp)
