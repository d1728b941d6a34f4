"""`clip`, `siglip` and `dinov2`: general image embedders, run by transformers from safetensors.

What comes out is the vector that each paper compares images with: CLIP's projected class token (Radford et al. 2021),
SigLIP's attention-pooled token (Zhai et al. 2023), DINOv2's normalised class token (Oquab et al. 2023). How images
are resized and normalised is fixed here, and a folder whose ``preprocessor_config.json`` says otherwise is refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from mimetic2.embedding.base import Vectors, normalise
from mimetic2.embedding.clip_text import TextTower
from mimetic2.embedding.decoding import DECODER
from mimetic2.embedding.hub import digest, model_folder, safetensors_of
from mimetic2.embedding.pixels import Recipe
from mimetic2.embedding.processor import check_processor
from mimetic2.embedding.torch_network import choose_device, embed_with, need_torch
from mimetic2.embedding.transformers_part import load_part
from mimetic2.errors import InputError
from mimetic2.files import sha256

if TYPE_CHECKING:
    from torch import Tensor

CLIP_MEAN, CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
HALF = (0.5, 0.5, 0.5)


@dataclass(frozen=True)
class Family:
    """One kind of model: which configurations it takes, the class that runs it, its output, its recipe by image size.

    ``recipe`` gets the ``image_size`` of the configuration; ``width`` names the configuration's key with the length
    of the vectors.
    """

    model_types: tuple[str, ...]
    loader: str
    output: str
    width: str
    recipe: Callable[[int], Recipe]


class VisionModel:
    """See the module. ``weights``: a folder in the layout of transformers, or a hub id."""

    name: str
    version = "1"
    licence: str
    default: str
    family: Family
    centred = False

    def __init__(self, weights: Path | None = None, *, allow_download: bool = False, device: str | None = None) -> None:
        self.folder = self.locate(weights, allow_download=allow_download)
        self.files = safetensors_of(self.folder)
        self.weights_sha256 = digest(self.files)
        self._config = self._configuration()
        # The configuration decides as much as the weights (activation, epsilon), so it is part of the identity.
        self.options = f"config={sha256(self.folder / 'config.json')[:16]}"
        self.recipe = self.family.recipe(int(self._config.image_size))
        check_processor(self.folder, self.recipe, self.name)
        self.input_size, self.dim = self.recipe.size, int(getattr(self._config, self.family.width))
        self.decoder = f"{DECODER}; {self.recipe.key}"
        self._device = choose_device(device)
        self._network: Any = None

    @classmethod
    def locate(cls, weights: Path | None, *, allow_download: bool = False) -> Path:
        """The folder of ``weights``, which may be a hub id; None is the default one."""
        need_torch(f"the embedder {cls.name}", "transformers", "safetensors")
        return model_folder(cls.name, weights, cls.default, cls.licence, allow_download=allow_download)

    def embed(self, images: Sequence[Image.Image]) -> tuple[Vectors, list[str | None]]:
        """L2-normalised vectors (n, dim) float32 and reasons (images too long for a square)."""
        return embed_with(self._run, self.recipe, images, device=self._device, dim=self.dim)

    def _run(self, pixels: Tensor) -> Tensor:
        if self._network is None:
            self._network = load_part(self.family.loader, self.folder, self._config).to(self._device)
        output: Tensor = getattr(self._network(pixel_values=pixels), self.family.output)
        return output

    def _configuration(self) -> Any:
        """The part of ``config.json`` that describes the image model, with transformers' defaults filled in."""
        path = self.folder / "config.json"
        if not path.is_file():
            raise InputError("holds no config.json", file=self.folder, accepted=f"a folder of a {self.name} model")
        from huggingface_hub.errors import StrictDataclassError
        from transformers import AutoConfig

        try:
            kind = json.loads(path.read_text(encoding="utf-8"))["model_type"]
            if kind not in self.family.model_types:
                accepted = " or ".join(self.family.model_types)
                raise InputError(f"is of a model of type '{kind}'", file=path, accepted=accepted)
            whole = AutoConfig.from_pretrained(self.folder, local_files_only=True)
        except (ValueError, KeyError, TypeError, OSError, StrictDataclassError) as error:
            raise InputError(f"is no configuration ({type(error).__name__})", file=path) from error
        config = getattr(whole, "vision_config", whole)
        if hasattr(whole, "projection_dim"):  # a whole CLIP model's own; that of its parts may differ
            config.projection_dim = whole.projection_dim
        return config


class Clip(VisionModel):
    """CLIP's image tower with its projection; its text tower, where a filter asks for texts."""

    name, default = "clip", "openai/clip-vit-large-patch14"
    licence = "code MIT; the weights' page names none"
    family = Family(
        ("clip", "clip_vision_model"),
        "CLIPVisionModelWithProjection",
        "image_embeds",
        "projection_dim",
        lambda size: Recipe(size, size, CLIP_MEAN, CLIP_STD),
    )

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """L2-normalised vectors (n, dim) float32 of texts, to be compared with those of images.

        Raises `InputError` for a folder without the text model or its tokenizer and for a text that is too long.
        """
        return normalise(TextTower(self.folder, self._device)(texts))


class Siglip(VisionModel):
    """SigLIP's image tower with its attention pooling."""

    name, licence, default = "siglip", "Apache-2.0", "google/siglip-base-patch16-224"
    family = Family(
        ("siglip", "siglip_vision_model"),
        "SiglipVisionModel",
        "pooler_output",
        "hidden_size",
        lambda size: Recipe(size, size, HALF, HALF, stretch=True),
    )


class Dinov2(VisionModel):
    """DINOv2: 224 pixels whatever size its positions were trained for, as its authors evaluate it."""

    name, licence, default = "dinov2", "Apache-2.0", "facebook/dinov2-base"
    family = Family(
        ("dinov2",),
        "Dinov2Model",
        "pooler_output",
        "hidden_size",
        lambda size: Recipe(224, 256, IMAGENET_MEAN, IMAGENET_STD),
    )
