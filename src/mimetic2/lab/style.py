"""What distinguishes one imaginary painter from another.

A style is a small set of choices that a viewer can name: four colours, a wallpaper texture, a frame, a ground line,
an outline. Colours are kept apart in lightness so that every choice stays visible at 32 x 32 pixels; otherwise two
painters could differ on paper and look alike, and no score could tell them apart.
"""

from __future__ import annotations

import colorsys
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Colour = npt.NDArray[np.float32]

TEXTURES = ("plain", "stripes", "checks", "dots", "waves", "rings", "zigzag", "rays", "bars")
LUMINANCE = np.array([0.3, 0.59, 0.11], np.float32)


@dataclass(frozen=True, slots=True)
class Style:
    """One painter's habits. Colours are RGB in [0, 1]; lengths are in pixels of the final 32 x 32 picture."""

    background: Colour
    pattern: Colour
    body: Colour
    accent: Colour
    texture: str
    angle: float
    frequency: float
    offset: tuple[float, float]
    duty: float
    frame: int
    outline: bool
    ground: bool
    size: float


def _hsv(hue: float, saturation: float, value: float) -> Colour:
    return np.array(colorsys.hsv_to_rgb(hue % 1, saturation, value), np.float32)


def _lightness(colour: Colour) -> float:
    return float(colour @ LUMINANCE)


def _background_colours(rng: np.random.Generator, hue: float, dark: bool) -> tuple[Colour, Colour]:
    low, high = (0.2, 0.5) if dark else (0.8, 1.0)
    shift = float(rng.choice([0.12, -0.12, 0.33, -0.33, 0.5]))
    background = _hsv(hue, rng.uniform(0.3, 0.95), rng.uniform(low, high))
    pattern = _hsv(hue + shift, rng.uniform(0.3, 0.95), rng.uniform(low, high))
    if abs(_lightness(background) - _lightness(pattern)) < 0.12:
        pattern = 1 - (1 - pattern) * np.float32(0.7) if dark else pattern * np.float32(0.55)
    return background, pattern


def _subject_colours(rng: np.random.Generator, hue: float, dark: bool) -> tuple[Colour, Colour]:
    low, high = (0.85, 1.0) if dark else (0.15, 0.5)
    hue = hue + rng.uniform(0.25, 0.75)
    shift = float(rng.choice([0.2, -0.2, 0.4, -0.4]))
    body = _hsv(hue, rng.uniform(0.2, 1), rng.uniform(low, high))
    accent = _hsv(hue + shift, rng.uniform(0.6, 1), rng.uniform(0.4, 1))
    if abs(_lightness(body) - _lightness(accent)) < 0.25:
        accent = accent * np.float32(0.35) if _lightness(body) > 0.4 else 1 - (1 - accent) * np.float32(0.4)
    return body, accent


def draw_style(rng: np.random.Generator) -> Style:
    """Draw a painter's habits; equal generator states give equal styles."""
    hue, dark = float(rng.random()), bool(rng.random() < 0.5)
    background, pattern = _background_colours(rng, hue, dark)
    body, accent = _subject_colours(rng, hue, dark)
    return Style(
        background=background,
        pattern=pattern,
        body=body,
        accent=accent,
        texture=TEXTURES[int(rng.integers(len(TEXTURES)))],
        angle=int(rng.integers(4)) * math.pi / 4,
        frequency=float(rng.choice([2, 3, 4])),
        offset=(float(rng.random()), float(rng.random())),
        duty=float(rng.choice([-0.35, 0, 0.35])),
        frame=int(rng.choice([0, 0, 2, 4])),
        outline=bool(rng.random() < 0.35),
        ground=bool(rng.random() < 0.35),
        size=float(rng.uniform(0.9, 1.15)),
    )
