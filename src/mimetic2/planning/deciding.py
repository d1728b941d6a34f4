"""Adaptive generation: the first images of a folder are embedded and scored before the others are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from mimetic2.countstable import read_counts
from mimetic2.tables import write_table

if TYPE_CHECKING:
    from mimetic2.concepts import Concept
    from mimetic2.embedding import Embedder

ALLOCATION = "allocation.csv"


def per_prompt(images: pl.DataFrame) -> str:
    """The least and the largest number of images that a concept got per prompt, in words."""
    each = images.group_by("concept", "prompt").len()["len"].to_list()
    return f"{min(each)} to {max(each)}"


@dataclass(frozen=True)
class Deciding:
    """Decides, from the ``first`` images per prompt in ``folder``, how many each concept gets: at most ``most`` per
    prompt, and ``budget`` in all.

    Scores come from ``embedder`` with ``reference`` images (a folder) and ``counts`` (a table). Vectors go to ``cache``
    where one is named. The decision is a function of the images, references and counts, so that a resumed call decides
    the same; see :mod:`mimetic2.planning.allocation`.
    """

    folder: Path
    concepts: Sequence[Concept]
    counts: Path
    reference: Path
    embedder: Embedder
    first: int
    most: int
    budget: int | None = None
    references: int = 10
    seed: int = 0
    exclude_unfit: bool = False
    readout: str = "mean"
    cache: Path | None = None

    def __call__(self, made: pl.DataFrame) -> Mapping[str, int]:
        """``made``: the table of the first images. Writes ``allocation.csv`` into the folder.

        Raises :class:`InputError` where too few concepts have a count and a score.
        """
        from mimetic2.embedding import embed_images, find_images
        from mimetic2.planning.further import further_images
        from mimetic2.scoring import score_concepts

        images = find_images(self.folder, self.concepts).filter(pl.col("index") < self.first)
        real = find_images(self.reference, self.concepts)
        result = score_concepts(
            embed_images(images, self.embedder, self.cache, label="embed first images"),
            embed_images(real, self.embedder, self.cache, label="embed references"),
            counts=read_counts(self.counts),
            concepts=self.concepts,
            references=self.references,
            seed=self.seed,
            exclude_unfit=self.exclude_unfit,
            readout=self.readout,
        )
        further = further_images(
            result, prompts=made["prompt"].n_unique(), first=self.first, most=self.most, budget=self.budget
        )
        write_table(self.folder / ALLOCATION, further.table, decimals={"image_sd": 6})
        return further.images
