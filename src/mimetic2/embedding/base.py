"""What an embedder is: one small interface, and the identity that its vectors carry for ever."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
from PIL import Image

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Identity:
    """Everything that a vector depends on besides the image file.

    ``centred`` says that the vectors are raw features, from which scoring subtracts the reference pool's mean before
    it normalises them; otherwise they are L2-normalised. ``options`` are choices such as ``faces=largest``.
    """

    name: str
    version: str
    weights_sha256: str
    decoder: str
    dim: int
    centred: bool = False
    options: str = ""

    @property
    def key(self) -> str:
        """A short digest of all fields, for file names."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]

    def __str__(self) -> str:
        """As an error message names it."""
        parts = (f"{self.name} {self.version}", f"weights {self.weights_sha256[:16]}", self.decoder, self.options)
        return " ".join(part for part in parts if part)

    def to_dict(self) -> dict[str, Any]:
        """The fields, as JSON takes them."""
        return asdict(self)


@runtime_checkable
class Embedder(Protocol):
    """Turns decoded images into vectors. Third parties register a factory under ``mimetic2.embedders``."""

    name: str
    version: str
    weights_sha256: str
    licence: str
    input_size: int
    dim: int
    decoder: str
    centred: bool
    options: str

    def embed(self, images: Sequence[Image.Image]) -> tuple[Vectors, list[str | None]]:
        """Vectors (n, dim) float32 and, per image, None or why there is no vector (its row is then NaN).

        A vector depends on its own image only, to the last bit, whatever else stands in the batch.
        """
        ...


@runtime_checkable
class ReadsTexts(Protocol):
    """An embedder whose vectors of images and of texts can be compared, as filters do."""

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """L2-normalised vectors (n, dim) float32."""
        ...


def identity_of(embedder: Embedder) -> Identity:
    """The identity of the vectors that this embedder makes."""
    return Identity(
        name=embedder.name,
        version=embedder.version,
        weights_sha256=embedder.weights_sha256,
        decoder=embedder.decoder,
        dim=embedder.dim,
        centred=embedder.centred,
        options=embedder.options,
    )


def normalise(vectors: Vectors) -> Vectors:
    """Rows divided by their Euclidean length. Rows of length 0 have no direction and become NaN."""
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    lengths[lengths == 0] = np.nan
    unit: Vectors = (vectors / lengths).astype(np.float32)
    return unit
