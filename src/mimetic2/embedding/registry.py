"""Embedders by name: those that come with the package, and third parties' entry points."""

from __future__ import annotations

import difflib
import importlib
import inspect
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from mimetic2.embedding.base import Embedder
from mimetic2.errors import InputError, MissingRequirement

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


def embedder_factory(name: str) -> Callable[..., Embedder]:
    """What makes the embedder of that name; raises `InputError` for an unknown name."""
    if name in _BUILT_IN:
        module, attribute = _BUILT_IN[name]
        factory: Callable[..., Embedder] = getattr(importlib.import_module(module), attribute)
        return factory
    known, points = embedder_names(), _third_party()
    if name not in points:
        close = difflib.get_close_matches(name, known, 1)
        hint = f"; did you mean '{close[0]}'?" if close else ""
        raise InputError(f"unknown embedder '{name}'{hint}", accepted=", ".join(known))
    return _loaded(points[name])


def _loaded(point: EntryPoint) -> Callable[..., Embedder]:
    """A third party's factory; what keeps it from being loaded is told as its own fault, not this program's."""
    package = point.dist.name if point.dist is not None else point.module
    problem = f"the embedder '{point.name}' of the package {package} cannot be loaded"
    try:
        factory: Callable[..., Embedder] = point.load()
        inspect.signature(factory).bind(None)
    except ImportError as error:
        raise MissingRequirement(f"{problem}: {error}") from error
    except Exception as error:
        accepted = "a class or function that takes the path of its weights, or None, first"
        raise InputError(f"{problem} ({type(error).__name__}: {error})", accepted=accepted) from error
    return factory


def has_option(name: str, option: str) -> bool:
    """Whether the embedder says that it takes this option, e.g. ``faces``."""
    return option in inspect.signature(embedder_factory(name)).parameters


def weights_here(name: str, weights: str | Path | None = None) -> Path | None:
    """The file or folder with the weights that :func:`get_embedder` would use, None where they come with a package.

    Raises `MissingRequirement` for a hub id whose files are not on this machine.
    """
    path = Path(weights) if weights is not None else None
    locate: Callable[[Path | None], Path] | None = getattr(embedder_factory(name), "locate", None)
    return locate(path) if locate is not None else path


def get_embedder(name: str, weights: str | Path | None = None, **options: Any) -> Embedder:
    """The embedder of that name.

    ``weights``: the user's own copy (file, folder or, for some, a hub id), where the embedder does not come with any.
    ``options``: e.g. ``faces="one"`` of `dlib-face`. Raises `InputError` for an unknown name or option or wrong
    weights and `MissingRequirement` where packages or weights are missing.
    """
    factory = embedder_factory(name)
    unknown = [option for option in options if not has_option(name, option)]
    if unknown:
        raise InputError(f"the embedder {name} has no option '{unknown[0]}'")
    embedder = factory(Path(weights) if weights is not None else None, **options)
    if not isinstance(embedder, Embedder):
        wanted = [*Embedder.__annotations__, "embed"]
        lacking = ", ".join(attribute for attribute in wanted if not hasattr(embedder, attribute))
        raise InputError(f"'{name}' is no embedder: it lacks {lacking}", accepted="mimetic2.embedding.Embedder")
    return embedder
