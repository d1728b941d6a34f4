"""`arcface-onnx`: SCRFD finds faces, five landmarks align them, an ArcFace network describes them.

The networks are the user's own files (Guo et al. 2021; Deng et al. 2019); none comes with this package, because the
published ones are for non-commercial research. Only images of the study's own concepts are ever given to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from mimetic2.embedding.alignment import SIZE, TEMPLATE, Picture, Points, similarity_transform, warp
from mimetic2.embedding.base import Vectors, normalise
from mimetic2.embedding.decoding import DECODER
from mimetic2.embedding.faces import NO_FACE, Box, by_size, check_rule, choose
from mimetic2.embedding.onnx_models import WANTED, find_models, open_model, providers_for
from mimetic2.embedding.pixels import spread
from mimetic2.embedding.scrfd import MAX_OVERLAP, MIN_SCORE, Faces, Values, detect
from mimetic2.embedding.weights import combined
from mimetic2.errors import MissingRequirement
from mimetic2.files import sha256
from mimetic2.progress import log

FLAT_FACE = "landmarks in one point"
Run = Callable[[Values], list[Values]]


class ArcfaceOnnx:
    """See the module. ``weights``: a folder with the two ``.onnx`` files."""

    name, version = "arcface-onnx", "1"
    licence = "that of your files; InsightFace's models are for non-commercial research only"
    input_size, centred = SIZE, False

    def __init__(self, weights: Path | None = None, *, faces: str = "largest", device: str | None = None) -> None:
        self.faces, self.options = check_rule(faces), f"faces={faces}"
        if weights is None:
            raise MissingRequirement(
                f"arcface-onnx comes without weights: name them (--weights, in a study embedder_weights): {WANTED}"
            )
        self._detector, self._recogniser = find_models(weights)
        self.files = [self._detector.path, self._recogniser.path]
        self.weights_sha256 = combined([sha256(path) for path in self.files])
        self.dim = int(self._recogniser.width or 0)
        side = self._detector.detection_size
        self.decoder = f"{DECODER}; scrfd {side}, score {MIN_SCORE}, overlap {MAX_OVERLAP}; five points to {SIZE}"
        self._providers = providers_for(device)
        self._runs: tuple[Run, Run] | None = None
        log(f"{self.name}: licence: {self.licence}")

    def embed(self, images: Sequence[Image.Image]) -> tuple[Vectors, list[str | None]]:
        """L2-normalised vectors (n, dim) float32, NaN where the face rule excludes the image, and the reasons."""
        reasons: list[str | None] = []
        vectors: list[Vectors] = []
        for image in images:
            face, reason = self._face(image)
            reasons.append(reason)
            if face is not None:
                vectors.append(self._describe(face))
        return spread(vectors, reasons, self.dim)

    def embed_faces(self, images: Sequence[Image.Image]) -> tuple[list[Vectors], list[str | None]]:
        """Per image, vectors (k, dim) of all its faces, largest first, and why there are none or None."""
        found: list[Vectors] = []
        for image in images:
            faces, boxes = self._detect(image)
            aligned = [_aligned(image, faces.points[place]) for place in by_size(boxes)]
            vectors = [self._describe(face) for face in aligned if face is not None]
            found.append(normalise(np.stack(vectors)) if vectors else np.empty((0, self.dim), np.float32))
        return found, [None if len(vectors) else NO_FACE for vectors in found]

    def _detect(self, image: Image.Image) -> tuple[Faces, list[Box]]:
        faces = detect(self._opened()[0], image, self._detector.detection_size)
        return faces, [(left, top, right, bottom) for left, top, right, bottom in faces.boxes.tolist()]

    def _face(self, image: Image.Image) -> tuple[Picture | None, str | None]:
        """The aligned face that counts, (112, 112, 3) RGB, or the reason why there is none."""
        faces, boxes = self._detect(image)
        place, reason = choose(boxes, self.faces)
        if place is None:
            return None, reason
        face = _aligned(image, faces.points[place])
        return face, FLAT_FACE if face is None else None

    def _describe(self, face: Picture) -> Vectors:
        values = face.astype(np.float32).transpose(2, 0, 1)[None]
        if not self._recogniser.normalises:
            values = (values - np.float32(127.5)) / np.float32(127.5)
        output = self._opened()[1](np.ascontiguousarray(values))[0]
        return np.asarray(output, np.float32).reshape(self.dim)

    def _opened(self) -> tuple[Run, Run]:
        if self._runs is None:
            detector, recogniser = (
                open_model(graph.path, self._providers) for graph in (self._detector, self._recogniser)
            )
            self._runs = detector, recogniser
        return self._runs


def _aligned(image: Image.Image, points: Points) -> Picture | None:
    transform = similarity_transform(points, TEMPLATE)
    return None if transform is None else warp(np.asarray(image), transform)
