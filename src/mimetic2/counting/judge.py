"""Which of the listed concepts an image shows, by their references and a cut-off."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mimetic2.concepts import Concept
from mimetic2.counting.looking import look_at
from mimetic2.counting.references import draw_references
from mimetic2.counting.sources import Source
from mimetic2.domains import Cutoff
from mimetic2.embedding import Embedder, EmbeddingTable
from mimetic2.embedding.base import Vectors, identity_of
from mimetic2.scoring import reference_centre, similarity
from mimetic2.scoring.similarity import Matrix


@dataclass(frozen=True)
class Judge:
    """What an image is compared with: concepts, their references' vectors, and the cut-off."""

    concepts: tuple[Concept, ...]
    embedder: Embedder
    references: EmbeddingTable
    cutoff: Cutoff

    def identity(self) -> str:
        """Changes with everything that decides a match."""
        parts = [sorted(identity_of(self.embedder).to_dict().items()), self.cutoff.model_dump()]
        digest = hashlib.sha256(json.dumps(parts, default=str).encode())
        digest.update(json.dumps([concept.name for concept in self.concepts]).encode())
        digest.update(self.references.vectors.tobytes())
        return digest.hexdigest()

    @cached_property
    def drawn(self) -> dict[str, Vectors]:
        """The vectors of the references that each concept is compared with, by its name."""
        number = self.cutoff.references
        return {concept.name: draw_references(self.references, concept.name, number) for concept in self.concepts}

    @cached_property
    def centre(self) -> Matrix | None:
        """The point that the embedder is centred on, if it is."""
        return reference_centre(self.references)

    def matches(self, urls: Sequence[str], source: Source) -> dict[str, tuple[str | None, list[str]]]:
        """Per link: why there is no image, or None; and the concepts that its image shows."""
        images = look_at(urls, source, self.embedder, None, every_face=False)
        seen = [(url, image.vectors) for url, image in images.items() if image.vectors is not None]
        shown: dict[str, list[str]] = {url: [] for url in urls}
        if seen:
            stacked = np.concatenate([vectors for _, vectors in seen])
            for concept in self.concepts:
                passed = (
                    similarity(stacked, self.drawn[concept.name], self.cutoff.statistic, centre=self.centre)
                    > self.cutoff.value
                )
                for index in np.flatnonzero(passed):
                    shown[seen[index][0]].append(concept.name)
        return {url: (None if images[url].alive else images[url].reason, shown[url]) for url in urls}
