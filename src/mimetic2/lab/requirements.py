"""What training needs beyond the core, asked for in one line."""

from __future__ import annotations

import importlib.util

from mimetic2.errors import MissingRequirement


def need_diffusion(purpose: str) -> None:
    """Raise `MissingRequirement` unless torch, diffusers, transformers and safetensors are installed."""
    for package in ("torch", "diffusers", "transformers", "safetensors"):
        if importlib.util.find_spec(package) is None:
            raise MissingRequirement.extra(package, "diffusion", purpose)  # noqa: S610 - no database here
