"""Running a torch network over images so that a vector depends on its own image only."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from mimetic2.embedding.base import Vectors
from mimetic2.embedding.pixels import Pixels, Recipe, spread, too_long
from mimetic2.embedding.threads import in_threads
from mimetic2.errors import InputError, MissingRequirement

if TYPE_CHECKING:
    from torch import Tensor

DEVICES = "cpu, cuda, cuda:N, mps"
_GPU_BATCH = 32


def need_torch(purpose: str, *others: str) -> None:
    """Raise `MissingRequirement` unless torch and ``others`` are installed."""
    for package in ("torch", *others):
        if importlib.util.find_spec(package) is None:
            raise MissingRequirement.extra(package, "diffusion", purpose)  # noqa: S610 - no database here


def choose_device(wanted: str | None = None) -> str:
    """The torch device: the wanted one if it is there, else a GPU if there is one, else the CPU."""
    import torch

    if wanted is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    kind, _, number = wanted.partition(":")
    if kind not in ("cpu", "cuda", "mps") or (number and not (kind == "cuda" and number.isdecimal())):
        raise InputError(f"unknown device '{wanted}'", accepted=DEVICES)
    there = {
        "cpu": True,
        "cuda": torch.cuda.is_available() and int(number or 0) < torch.cuda.device_count(),
        "mps": torch.backends.mps.is_available(),
    }
    if not there[kind]:
        raise MissingRequirement(f"the device {wanted} is not here: leave it out, or give --device cpu")
    return wanted


def embed_with(
    network: Callable[[Tensor], Tensor], recipe: Recipe, images: Sequence[Image.Image], *, device: str, dim: int
) -> tuple[Vectors, list[str | None]]:
    """Unit vectors (n, dim) float32 of ``network`` ((b, 3, size, size) to (b, dim)), and reasons.

    On the CPU images go through one at a time: a matrix product's last bits depend on the row's place in a batch, and
    one picture of 200 patches is work enough for all cores. A GPU gets batches of one fixed shape; there the last
    bits may depend on the place.
    """
    import torch

    reasons = [too_long(image) for image in images]
    squares = in_threads(recipe, [image for image, reason in zip(images, reasons, strict=True) if reason is None])
    found: list[Vectors] = []
    with torch.inference_mode():
        for batch, used in _batches(squares, 1 if device == "cpu" else _GPU_BATCH):
            output: Vectors = network(torch.from_numpy(batch).to(device)).float().cpu().numpy()
            found.extend(output[:used])
    return spread(found, reasons, dim)


def _batches(squares: Sequence[Pixels], size: int) -> Iterator[tuple[Pixels, int]]:
    """Batches of exactly ``size`` (the last filled up with its last image) and how many of each are real."""
    for start in range(0, len(squares), size):
        batch = list(squares[start : start + size])
        used = len(batch)
        yield np.stack(batch + [batch[-1]] * (size - used)), used
