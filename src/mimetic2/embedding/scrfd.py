"""SCRFD's output turned into faces (Guo et al. 2021): boxes, scores and five landmarks, overlaps suppressed.

The network has levels of stride 8, 16, 32 (two anchors a place) or 8 to 128 (one). For each level it gives, place
after place in rows, scores, distances to the box's sides and offsets of the landmarks, both in strides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from mimetic2.embedding.alignment import Points

MIN_SCORE, MAX_OVERLAP = 0.5, 0.4
LEVELS = {9: ((8, 16, 32), 2), 15: ((8, 16, 32, 64, 128), 1)}
"""Strides and anchors a place, by number of outputs (three a level)."""
Values = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Faces:
    """In pixels: ``boxes`` (n, 4) as left, top, right, bottom, ``points`` (n, 5, 2) as x, y; ``scores`` (n,) fall."""

    boxes: Points
    scores: Points
    points: Points

    def take(self, rows: Sequence[int] | npt.NDArray[np.intp]) -> Faces:
        """The faces of those rows, in that order."""
        return Faces(self.boxes[rows], self.scores[rows], self.points[rows])


def detect(run: Callable[[Values], Sequence[Values]], image: Image.Image, size: int) -> Faces:
    """Faces of an RGB image in its own pixels; ``run`` is the network on a (1, 3, size, size) input."""
    pixels, scale = letterbox(image, size)
    values = (pixels.astype(np.float32) - np.float32(127.5)) / np.float32(128)
    found = suppress(decode(run(np.ascontiguousarray(values.transpose(2, 0, 1)[None])), size))
    return Faces(found.boxes / np.tile(scale, 2), found.scores, found.points / scale)


def letterbox(image: Image.Image, size: int) -> tuple[npt.NDArray[np.uint8], Points]:
    """The image scaled to fit a black square, in its upper left corner, and the scales of x and y."""
    longer = max(image.size)
    width, height = (max(1, size * side // longer) for side in image.size)
    canvas = np.zeros((size, size, 3), np.uint8)
    canvas[:height, :width] = np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))
    return canvas, np.array([width / image.width, height / image.height])


def decode(outputs: Sequence[Values], size: int) -> Faces:
    """All faces with a score above `MIN_SCORE`, in pixels of the square, best first."""
    strides, anchors = LEVELS[len(outputs)]
    parts: list[tuple[Points, Points, Points]] = []
    for level, stride in enumerate(strides):
        scores, sides, offsets = (np.asarray(outputs[level + kind * len(strides)], np.float64) for kind in range(3))
        rows, columns = np.divmod(np.arange((size // stride) ** 2), size // stride)
        places = np.repeat(np.column_stack([columns, rows]) * float(stride), anchors, 0)
        flat, reach = scores.reshape(-1), sides.reshape(-1, 4) * stride
        boxes = np.hstack([places - reach[:, :2], places + reach[:, 2:]])
        points = places[:, None] + offsets.reshape(-1, 5, 2) * stride
        keep = flat > MIN_SCORE
        parts.append((boxes[keep], flat[keep], points[keep]))
    boxes, scores, points = (np.concatenate(each) for each in zip(*parts, strict=True))
    return Faces(boxes, scores, points).take(np.argsort(-scores, kind="stable"))


def suppress(faces: Faces) -> Faces:
    """Without the faces whose box overlaps a better one by more than `MAX_OVERLAP` (intersection over union)."""
    kept: list[int] = []
    left, top, right, bottom = faces.boxes.T
    areas = np.maximum(right - left, 0) * np.maximum(bottom - top, 0)
    for row in range(len(areas)):
        wide = np.minimum(right[kept], right[row]) - np.maximum(left[kept], left[row])
        high = np.minimum(bottom[kept], bottom[row]) - np.maximum(top[kept], top[row])
        common = np.maximum(wide, 0) * np.maximum(high, 0)
        if not (common > MAX_OVERLAP * (areas[kept] + areas[row] - common)).any():
            kept.append(row)
    return faces.take(kept)
