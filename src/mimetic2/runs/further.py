"""Adaptive generation within a run: the first images are embedded and scored before the others are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from mimetic2.concepts import read_concepts
from mimetic2.runs.choices import embedder_of
from mimetic2.study import Adaptive, Study
from mimetic2.tables import read_table, write_table

ALLOCATION = "allocation.csv"


@dataclass(frozen=True)
class Further:
    """Decides, from the first images in ``folder``, how many images per prompt each concept gets in the end.

    Vectors go to the cache of the embedding stage, which finds them there. The decision is a function of the images,
    references and counts, so that a resumed run decides the same.
    """

    study: Study
    adaptive: Adaptive
    folder: Path
    concepts: Path
    counts: Path
    cache: Path

    def __call__(self, first: pl.DataFrame) -> Mapping[str, int]:
        """``first``: the table of the first images. Writes ``allocation.csv`` into the folder."""
        from mimetic2.embedding import embed_images, find_images
        from mimetic2.planning.further import further_images
        from mimetic2.scoring import score_concepts

        study, concepts = self.study, read_concepts(self.concepts)
        embedder = embedder_of(study)
        self.cache.parent.mkdir(mode=0o700, exist_ok=True)
        made = find_images(self.folder, concepts).filter(pl.col("index") < study.images)
        result = score_concepts(
            embed_images(made, embedder, self.cache, label="embed first images"),
            embed_images(find_images(study.reference, concepts), embedder, self.cache, label="embed references"),
            counts=read_table(self.counts),
            concepts=concepts,
            references=study.references,
            seed=study.seed,
            exclude_unfit=study.exclude_unfit,
            readout=study.readout,
        )
        further = further_images(
            result,
            prompts=first["prompt"].n_unique(),
            first=study.images,
            most=self.adaptive.most,
            budget=self.adaptive.budget,
        )
        write_table(self.folder / ALLOCATION, further.table, decimals={"image_sd": 6})
        return further.images
