"""Embedders by name: those that come with the package, and third parties' entry points."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from mimetic2.embedding.base import Embedder
from mimetic2.errors import InputError

GROUP = "mimetic2.embedders"
"""Entry-point group of third parties: a callable ``(weights: Path | None, **options) -> Embedder``."""

_BUILT_IN = {
    "arcface-onnx": ("mimetic2.embedding.arcface", "ArcfaceOnnx"),
    "clip": ("mimetic2.embedding.vision_models", "Clip"),
    "csd": ("mimetic2.embedding.csd", "Csd"),
    "dinov2": ("mimetic2.embedding.vision_models", "Dinov2"),
    "dlib-face": ("mimetic2.embedding.dlib_face", "DlibFace"),
    "siglip": ("mimetic2.embedding.vision_models", "Siglip"),
    "style-lite": ("mimetic2.embedding.style_lite", "StyleLite"),
}


def _third_party() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP) if point.name not in _BUILT_IN}


def embedder_names() -> list[str]:
    """All names that :func:`get_embedder` knows here, sorted."""
    return sorted([*_BUILT_IN, *_third_party()])


def get_embedder(name: str, weights: str | Path | None = None, **options: Any) -> Embedder:
    """The embedder of that name.

    ``weights``: the user's own copy (file or folder), where the embedder does not come with any. ``options``: e.g.
    ``faces="one"`` of `dlib-face`. Raises `InputError` for an unknown name or wrong weights and `MissingRequirement`
    where packages are missing.
    """
    factory: Callable[..., Embedder]
    if name in _BUILT_IN:
        module, attribute = _BUILT_IN[name]
        factory = getattr(importlib.import_module(module), attribute)
    else:
        known, points = embedder_names(), _third_party()
        if name not in points:
            close = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean '{close[0]}'?" if close else ""
            raise InputError(f"unknown embedder '{name}'{hint}", accepted=", ".join(known))
        factory = points[name].load()
    try:
        embedder = factory(Path(weights) if weights is not None else None, **options)
    except TypeError as error:
        if options and "unexpected keyword" in str(error):
            raise InputError(f"{name} has no option {', '.join(options)}") from error
        raise
    if not isinstance(embedder, Embedder):
        raise InputError(f"'{name}' is not an embedder: it lacks attributes of mimetic2.embedding.Embedder")
    return embedder
