"""Paints one picture in a given style.

Shapes are signed-distance-like fields turned into soft masks at 64 x 64 and box-filtered to 32 x 32, which gives
clean anti-aliased edges without a drawing library, and the same pixels every time from the same generator state.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from mimetic2.lab.style import Style

Field = npt.NDArray[np.float32]
Picture = npt.NDArray[np.uint8]

SIZE = 32
SUBJECTS = ("house", "tree", "boat", "face", "flower", "mountain")

_CANVAS = 2 * SIZE
_Y, _X = np.mgrid[0:_CANVAS, 0:_CANVAS].astype(np.float32) / _CANVAS + np.float32(0.5 / _CANVAS)
_PHASE_JITTER = 0.12
_COLOUR_JITTER = 0.02
_OUTLINE = ((-3, 0), (3, 0), (0, -3), (0, 3), (2, 2), (-2, 2), (2, -2), (-2, -2))


def _soft(field: Field, width: float) -> Field:
    """Turn a field into a mask: 0 where it is negative, 1 where positive, soft over ``width``."""
    mask: Field = 1 / (1 + np.exp(-np.clip(field / width, -20, 20)))
    return mask


def _wave(style: Style, dx: float, dy: float) -> Field:
    """The periodic field behind a texture; ``dx`` and ``dy`` shift its phase."""
    w = 2 * math.pi * style.frequency
    x, y = _X + (style.offset[0] + dx), _Y + (style.offset[1] + dy)
    cos, sin = math.cos(style.angle), math.sin(style.angle)
    u, v = x * cos + y * sin, y * cos - x * sin
    wave: Field
    match style.texture:
        case "stripes":
            wave = np.sin(w * u)
        case "checks":
            wave = np.sin(w * 0.8 * u) * np.sin(w * 0.8 * v) * 1.6
        case "dots":
            wave = (np.cos(w * u) + np.cos(w * v)) / 1.2 - 0.5
        case "waves":
            wave = np.sin(w * (u + 0.08 * np.sin(4 * math.pi * v)))
        case "zigzag":
            wave = np.sin(w * (u + 0.12 * np.abs((v * 2.5) % 1 * 2 - 1)))
        case "bars":
            wave = np.sign(np.sin(w * 0.5 * u)) * np.sin(w * v)
        case "rings":
            wave = np.sin(w * 1.3 * np.hypot(_X + (dx - 0.5), _Y + (dy - 0.5)))
        case "rays":
            spokes = round(style.frequency * 2)
            wave = np.sin(spokes * np.arctan2(_Y - 0.5, _X - 0.5) + 2 * math.pi * (style.offset[0] + dx))
        case _:
            wave = np.full_like(_X, -np.inf)
    return wave


def _texture(style: Style, rng: np.random.Generator) -> Field:
    dx, dy = (float(d) for d in rng.normal(size=2) * _PHASE_JITTER / style.frequency)
    if style.texture == "plain":
        return np.zeros_like(_X)
    return _soft(_wave(style, dx, dy) + style.duty, 0.12)


def _house(x: Field, y: Field, rng: np.random.Generator) -> tuple[Field, Field]:
    wall = np.minimum(1 - np.abs(x) * 1.15, np.minimum(y + 0.1, 1 - y))
    roof = np.minimum(y + 1.1 - np.abs(x) * 0.95, -0.05 - y)
    door = np.minimum(0.2 - np.abs(x), np.minimum(y - 0.35, 1 - y))
    return wall, np.maximum(roof, door)


def _tree(x: Field, y: Field, rng: np.random.Generator) -> tuple[Field, Field]:
    crown = 1 - np.hypot(x * 1.05, (y + 0.35) * 1.2)
    trunk = np.minimum(0.2 - np.abs(x), np.minimum(y - 0.4, 1.15 - y))
    return crown, trunk


def _boat(x: Field, y: Field, rng: np.random.Generator) -> tuple[Field, Field]:
    hull = np.minimum(np.minimum(y - 0.3, 0.9 - y), 1.2 - np.abs(x) - (y - 0.3) * 0.6)
    sail = np.minimum(np.minimum(x + 0.05, 0.85 - x), np.minimum(0.2 - y, y + 1.15 - x * 1.3))
    mast = np.minimum(0.09 - np.abs(x + 0.1), np.minimum(y + 1.1, 0.35 - y))
    return hull, np.maximum(sail, mast)


def _face(x: Field, y: Field, rng: np.random.Generator) -> tuple[Field, Field]:
    head = 1 - np.hypot(x * 1.2, y)
    eyes = 0.2 - np.hypot(np.abs(x) - 0.36, y + 0.22)
    mouth = np.minimum(0.42 - np.abs(x), 0.11 - np.abs(y - 0.42))
    return head, np.maximum(eyes, mouth)


def _flower(x: Field, y: Field, rng: np.random.Generator) -> tuple[Field, Field]:
    angle, radius = np.arctan2(y + 0.25, x), np.hypot(x, y + 0.25)
    turn = 1.57 + float(rng.normal()) * 0.15
    petals = 0.62 + 0.25 * np.cos(5 * angle + turn) - radius
    stem = np.minimum(0.1 - np.abs(x), np.minimum(y - 0.45, 1.2 - y))
    return petals, np.maximum(0.27 - radius, stem)


def _mountain(x: Field, y: Field, rng: np.random.Generator) -> tuple[Field, Field]:
    slope = y + 0.9 - np.abs(x) * 1.05
    snow = np.minimum(slope, -0.3 - y + 0.1 * np.cos(9 * x))
    return np.minimum(slope, 0.85 - y), snow


_SHAPES: dict[str, Callable[[Field, Field, np.random.Generator], tuple[Field, Field]]] = {
    "house": _house,
    "tree": _tree,
    "boat": _boat,
    "face": _face,
    "flower": _flower,
    "mountain": _mountain,
}


def _subject_masks(subject: str, size: float, rng: np.random.Generator) -> tuple[Field, Field]:
    """Masks of the subject's body and of its accents (door, trunk, sail, eyes, heart, snow)."""
    centre_x, centre_y = 0.5 + float(rng.normal()) * 0.05, 0.52 + float(rng.normal()) * 0.04
    scale = 0.33 * size * math.exp(float(rng.normal()) * 0.07)
    body, accents = _SHAPES[subject]((_X - centre_x) / scale, (_Y - centre_y) / scale, rng)
    return _soft(body * scale, 0.008), _soft(accents * scale, 0.008)


def _blend(canvas: Field, mask: Field, colour: npt.NDArray[np.float32]) -> Field:
    return canvas + (colour - canvas) * mask[..., None]


def paint(style: Style, subject: str, rng: np.random.Generator) -> Picture:
    """Paint one picture of ``subject`` (one of `SUBJECTS`) in ``style``.

    Returns an array (32, 32, 3) of uint8 RGB. Position, size, texture phase and colours vary a little with ``rng``.
    """
    background, pattern, body, accent = (
        np.clip(colour + rng.normal(size=3).astype(np.float32) * _COLOUR_JITTER, 0, 1).astype(np.float32)
        for colour in (style.background, style.pattern, style.body, style.accent)
    )
    canvas = _blend(np.broadcast_to(background, (_CANVAS, _CANVAS, 3)), _texture(style, rng), pattern)
    if style.ground:
        horizon = 0.75 + float(rng.normal()) * 0.02
        canvas = _blend(canvas, _soft(_Y - horizon, 0.006), accent * np.float32(0.6))
    body_mask, accent_mask = _subject_masks(subject, style.size, rng)
    if style.outline:
        outline = np.max([np.roll(body_mask, shift, (0, 1)) for shift in _OUTLINE], axis=0)
        canvas = _blend(canvas, np.maximum(outline, body_mask), accent * np.float32(0.25))
    canvas = _blend(_blend(canvas, body_mask, body), accent_mask, accent)
    if style.frame:
        inside = slice(2 * style.frame, _CANVAS - 2 * style.frame)
        framed = np.broadcast_to(accent, canvas.shape).copy()
        framed[inside, inside] = canvas[inside, inside]
        canvas = framed
    pixels = canvas.reshape(SIZE, 2, SIZE, 2, 3).mean((1, 3))
    picture: Picture = np.clip(pixels * 255 + 0.5, 0, 255).astype(np.uint8)
    return picture
