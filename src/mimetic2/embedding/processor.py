"""Does a model folder's ``preprocessor_config.json`` ask for the pixels that this package makes?"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mimetic2.embedding.pixels import Recipe
from mimetic2.errors import InputError

_BICUBIC = 3
_FILE = "preprocessor_config.json"


def check_processor(folder: Path, recipe: Recipe, name: str) -> None:
    """Raise `InputError` where the file is there and differs from ``recipe`` in anything that moves pixels."""
    path = folder / _FILE
    if not path.is_file():
        return
    try:
        written = json.loads(path.read_text(encoding="utf-8"))
        found = {str(key): value for key, value in written.items()}
    except (ValueError, AttributeError) as error:
        raise InputError("is no JSON object", file=path) from error
    for key, expected in _expected(recipe):
        if key in found and not _same(found[key], expected, key):
            raise InputError(f"'{key}' is {found[key]}, but {name} is defined here with {expected}", file=path)


def _expected(recipe: Recipe) -> Iterator[tuple[str, Any]]:
    yield "image_mean", list(recipe.mean)
    yield "image_std", list(recipe.std)
    yield "resample", _BICUBIC
    yield "do_resize", True
    yield "do_normalize", True
    yield "do_rescale", True
    yield "rescale_factor", 1 / 255
    yield "do_center_crop", not recipe.stretch
    if recipe.stretch:
        yield "size", {"height": recipe.size, "width": recipe.size}
        return
    yield "size", {"shortest_edge": recipe.edge}
    yield "crop_size", {"height": recipe.size, "width": recipe.size}


def _same(found: Any, expected: Any, key: str) -> bool:
    if isinstance(expected, dict):  # old files write one number for all sides
        wanted = expected if isinstance(found, dict) else next(iter(expected.values()))
        return bool(found == wanted)
    if isinstance(expected, list):
        return isinstance(found, list) and len(found) == len(expected) and all(map(_close, found, expected))
    return _close(found, expected) if isinstance(expected, float) else bool(found == expected)


def _close(found: Any, expected: float) -> bool:
    return isinstance(found, int | float) and math.isclose(found, expected, rel_tol=1e-6)
