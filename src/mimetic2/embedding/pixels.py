"""From a decoded image to the square of numbers that a network was trained on.

Each network has its own recipe, which is part of a vector's identity: scores move with the resampling filter, the
crop and the normalisation. Resizing is Pillow's bicubic with antialiasing, on 8-bit pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from mimetic2.embedding.base import Vectors, normalise

Pixels = npt.NDArray[np.float32]
MAX_ASPECT = 20
"""Longer images are refused: their shorter side would be blown up to the square's while the rest is cut off anyway."""
TOO_LONG = f"more than {MAX_ASPECT} times as long as wide"


@dataclass(frozen=True)
class Recipe:
    """Resize the shorter side to ``edge`` pixels, cut the centre of ``size`` x ``size``, normalise each channel.

    With ``stretch`` both sides are resized to ``size`` and nothing is cut. The two libraries in use place an odd
    margin differently: transformers halves it downwards, torchvision rounds half to even (``half_to_even``).
    """

    size: int
    edge: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    stretch: bool = False
    half_to_even: bool = False

    @property
    def key(self) -> str:
        """The recipe in words, for the identity; a change of any part changes it."""
        shape = f"stretch {self.size}" if self.stretch else f"edge {self.edge}, crop {self.size}"
        rounding = ", half to even" if self.half_to_even else ""
        return f"bicubic {shape}{rounding}, mean {_numbers(self.mean)}, std {_numbers(self.std)}"

    def __call__(self, image: Image.Image) -> Pixels:
        """Normalised pixels, (3, size, size) float32, of an RGB image."""
        values = np.asarray(self._square(image), np.float32) / np.float32(255)
        scaled = (values - np.array(self.mean, np.float32)) / np.array(self.std, np.float32)
        return np.ascontiguousarray(scaled.transpose(2, 0, 1))

    def _square(self, image: Image.Image) -> Image.Image:
        if self.stretch:
            return image.resize((self.size, self.size), Image.Resampling.BICUBIC)
        shorter = min(image.size)
        width, height = (int(self.edge * side / shorter) for side in image.size)
        resized = image.resize((width, height), Image.Resampling.BICUBIC)
        left, top = self._margin(width), self._margin(height)
        return resized.crop((left, top, left + self.size, top + self.size))

    def _margin(self, side: int) -> int:
        spare = side - self.size
        return round(spare / 2) if self.half_to_even else spare // 2


def _numbers(values: Sequence[float]) -> str:
    return "/".join(f"{value:.8g}" for value in values)


def too_long(image: Image.Image) -> str | None:
    """Why this image cannot be cut to a square, or None."""
    return TOO_LONG if max(image.size) > MAX_ASPECT * min(image.size) else None


def spread(vectors: Sequence[Vectors], reasons: Sequence[str | None], dim: int) -> tuple[Vectors, list[str | None]]:
    """Unit vectors (n, dim) in the rows without a reason, NaN in the others."""
    rows = np.full((len(reasons), dim), np.nan, np.float32)
    usable = [row for row, reason in enumerate(reasons) if reason is None]
    if usable:
        rows[usable] = np.stack(vectors)
    return normalise(rows), list(reasons)
