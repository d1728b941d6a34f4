"""Laying a face on the template that ArcFace networks were trained on: five landmarks, one similarity transform.

The template's places are those published with ArcFace (Deng et al. 2019) for 112 pixels: left eye, right eye, nose,
left and right corner of the mouth, as seen in the picture. Coordinates are (x, y) with pixel centres at whole numbers.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]
Picture = npt.NDArray[np.uint8]

SIZE = 112
TEMPLATE: Points = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)


def similarity_transform(source: Points, target: Points) -> Points | None:
    """The rotation, scale and shift, (2, 3), that takes ``source`` (n, 2) nearest to ``target`` in least squares.

    Umeyama 1991: never a reflection. None where no scale above 0 fits, as when the source points are one point.
    """
    source_mean, target_mean = source.mean(0), target.mean(0)
    centred, wanted = source - source_mean, target - target_mean
    variance = float((centred**2).sum()) / len(source)
    if not variance > 0:
        return None
    left, singular, right = np.linalg.svd(wanted.T @ centred / len(source))
    signs = np.array([1.0, np.sign(np.linalg.det(left) * np.linalg.det(right))])
    rotation = left @ np.diag(signs) @ right
    scale = float((singular * signs).sum()) / variance
    if not scale > 0:
        return None
    linear = rotation * scale
    return np.column_stack([linear, target_mean - linear @ source_mean])


def warp(picture: Picture, transform: Points, size: int = SIZE) -> Picture:
    """The picture (h, w, 3) seen through ``transform`` (source to target), (size, size, 3).

    Bilinear without antialiasing, black outside, as the networks saw their training faces.
    """
    height, width = picture.shape[:2]
    back = np.linalg.inv(np.vstack([transform, [0, 0, 1]]))[:2]
    rows, columns = np.mgrid[:size, :size].astype(np.float64)
    x, y = np.einsum("ij,jrc->irc", back, np.stack([columns, rows, np.ones_like(rows)]))
    framed = np.pad(picture.astype(np.float64), ((1, 1), (1, 1), (0, 0)))
    x, y = np.clip(x, -1, width) + 1, np.clip(y, -1, height) + 1
    left, top = np.minimum(np.floor(x), width).astype(int), np.minimum(np.floor(y), height).astype(int)
    right_part, lower_part = (x - left)[..., None], (y - top)[..., None]
    upper = framed[top, left] * (1 - right_part) + framed[top, left + 1] * right_part
    lower = framed[top + 1, left] * (1 - right_part) + framed[top + 1, left + 1] * right_part
    blended = upper * (1 - lower_part) + lower * lower_part
    aligned: Picture = np.rint(blended).astype(np.uint8)
    return aligned
