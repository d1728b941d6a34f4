"""`csd`: the contrastive style descriptor, CLIP ViT-L/14 with a projection for style (Somepalli et al. 2024).

The style vector is the tower's class token times ``last_layer_style``, at unit length (arXiv 2404.01292). The released
checkpoint is a pickle; `mimetic2 convert` makes safetensors of its tensors without running anything in it. Names may
carry the prefix ``module.`` of distributed training; the content head is not read.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from mimetic2.embedding.base import Vectors
from mimetic2.embedding.decoding import DECODER
from mimetic2.embedding.pixels import Recipe
from mimetic2.embedding.torch_network import choose_device, embed_with, need_torch
from mimetic2.embedding.vision_models import CLIP_MEAN, CLIP_STD
from mimetic2.errors import InputError, MissingRequirement
from mimetic2.files import sha256

if TYPE_CHECKING:
    from torch import Tensor

    from mimetic2.embedding.clip_vit import ClipViT

WANTED = "the style descriptor's checkpoint as safetensors, which `mimetic2 convert` makes of it"
_BACKBONE, _STYLE, _PREFIX = "backbone.", "last_layer_style", "module."


class Csd:
    """See the module. ``weights``: a safetensors file, or a folder that holds one."""

    name, version = "csd", "1"
    licence = "code MIT; released weights CC BY 4.0 (unverified)"
    centred, options = False, ""

    def __init__(self, weights: Path | None = None, *, device: str | None = None) -> None:
        if weights is None:
            raise MissingRequirement(
                f"csd comes without weights: name them (--weights, in a study embedder_weights): {WANTED}"
            )
        self.path = _file(weights)
        self.files = [self.path]
        need_torch("the embedder csd", "safetensors")
        self.weights_sha256 = sha256(self.path)
        shapes = _shapes(self.path)
        self.layout = layout_of(shapes, self.path)
        check_complete(shapes, self.layout, self.path)
        self.dim, size = shapes[_STYLE][1], self.layout["grid"] * self.layout["patch"]
        self.recipe = Recipe(size, size, CLIP_MEAN, CLIP_STD, half_to_even=True)
        self.input_size, self.decoder = size, f"{DECODER}; {self.recipe.key}"
        self._device = choose_device(device)
        self._parts: tuple[ClipViT, Tensor] | None = None

    def embed(self, images: Sequence[Image.Image]) -> tuple[Vectors, list[str | None]]:
        """L2-normalised style vectors (n, dim) float32 and reasons (images too long for a square)."""
        return embed_with(self._run, self.recipe, images, device=self._device, dim=self.dim)

    def _run(self, pixels: Tensor) -> Tensor:
        if self._parts is None:
            self._parts = self._load()
        tower, style = self._parts
        output: Tensor = tower(pixels) @ style
        return output

    def _load(self) -> tuple[ClipViT, Tensor]:
        from safetensors.torch import load_file

        from mimetic2.embedding.clip_vit import ClipViT

        tensors = {plain(name): tensor.float() for name, tensor in load_file(self.path).items()}
        tower = ClipViT(**self.layout)
        tower.load_state_dict({name: tensors[_BACKBONE + name] for name in tower.state_dict()})
        tower.eval().requires_grad_(False).to(self._device)
        return tower, tensors[_STYLE].to(self._device)


def plain(name: str) -> str:
    """A parameter's name without the prefix of distributed training."""
    return name.removeprefix(_PREFIX)


def layout_of(shapes: Mapping[str, Sequence[int]], path: Path) -> dict[str, int]:
    """Width, layers, patch and grid of the tower, off the tensors' shapes (names without prefix)."""
    from mimetic2.embedding.clip_vit import HEAD

    try:
        width, _, patch, _ = shapes[_BACKBONE + "conv1.weight"]
        places = shapes[_BACKBONE + "positional_embedding"][0] - 1
        into, _ = shapes[_STYLE]
    except (KeyError, ValueError) as error:
        raise InputError(f"is no style descriptor (no fitting {error})", file=path, accepted=WANTED) from error
    block = re.compile(re.escape(_BACKBONE) + r"transformer\.resblocks\.(\d+)\.")
    layers = {int(found[1]) for found in map(block.match, shapes) if found}
    grid = math.isqrt(max(places, 0))
    if grid * grid != places or not places or width % HEAD or into != width or layers != set(range(len(layers))):
        raise InputError("is no style descriptor (its shapes do not fit each other)", file=path, accepted=WANTED)
    return {"width": width, "layers": len(layers), "patch": patch, "grid": grid}


def check_complete(shapes: Mapping[str, Sequence[int]], layout: Mapping[str, int], path: Path) -> None:
    """Raise `InputError` where a weight of the tower is missing or has another shape; nothing is loaded for it."""
    import torch

    from mimetic2.embedding.clip_vit import ClipViT

    with torch.device("meta"):
        wanted = ClipViT(**layout).state_dict()
    for name, tensor in wanted.items():
        found = shapes.get(_BACKBONE + name)
        if found is None:
            raise InputError(f"lacks the weights {_BACKBONE}{name}", file=path, accepted=WANTED)
        if list(found) != list(tensor.shape):
            problem = f"{_BACKBONE}{name} has the shape {list(found)}, not {list(tensor.shape)}"
            raise InputError(problem, file=path, accepted=WANTED)


def _file(weights: Path) -> Path:
    if weights.is_dir():
        found = sorted(weights.glob("*.safetensors"))
        if len(found) != 1:
            problem = f"holds {len(found)} safetensors files, one is wanted"
            raise InputError(problem, file=weights, accepted=WANTED)
        return found[0]
    if not weights.is_file():
        raise InputError("no such file", file=weights, accepted=WANTED)
    if weights.suffix != ".safetensors":
        raise MissingRequirement(
            f"{weights}: may be a pickle, which can run code when opened; make safetensors of it first: "
            f"mimetic2 convert {weights}"
        )
    return weights


def _shapes(path: Path) -> dict[str, Any]:
    """Shapes by plain name, from the file's header."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            return {plain(name): file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118 - no mapping
    except (SafetensorError, OSError) as error:
        raise InputError("is no safetensors file", file=path, accepted=WANTED) from error
