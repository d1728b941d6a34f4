"""CLIP's text tower with its projection (Radford et al. 2021): what a filter compares images with.

One text at a time, without padding: attention is causal and the vector is the end token's, so what would stand
behind it could not change it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mimetic2.embedding.base import Vectors
from mimetic2.embedding.transformers_part import load_part
from mimetic2.errors import InputError
from mimetic2.quieting import quiet


class TextTower:
    """The tower and its tokenizer, of a folder that holds a whole CLIP model."""

    def __init__(self, folder: Path, device: str) -> None:
        self._folder, self._device = folder, device
        kind = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type")
        if kind != "clip":
            raise InputError(f"has no text model (its type is '{kind}')", file=folder, accepted="a whole CLIP model")
        self._tokenizer = _tokenizer(folder)
        from transformers import AutoConfig

        whole = AutoConfig.from_pretrained(folder, local_files_only=True)
        config = whole.text_config
        config.projection_dim = whole.projection_dim  # a whole model's own; that of its parts may differ
        self._most = int(config.max_position_embeddings)
        self._network = load_part("CLIPTextModelWithProjection", folder, config).to(device)

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """Vectors (n, dim) float32, as they come."""
        import torch

        with torch.inference_mode():
            rows = [self._network(**self._tokens(text)).text_embeds[0].float().cpu().numpy() for text in texts]
        found: Vectors = np.stack(rows)
        return found

    def _tokens(self, text: str) -> dict[str, Any]:
        tokens = self._tokenizer(text, return_tensors="pt")
        length = tokens["input_ids"].shape[1]
        if length > self._most:
            raise InputError(f"'{text[:40]}…' has {length} tokens", accepted=f"texts of at most {self._most}")
        return {name: tokens[name].to(self._device) for name in ("input_ids", "attention_mask")}


def _tokenizer(folder: Path) -> Any:
    accepted = "tokenizer.json, or vocab.json with merges.txt, beside the model"
    if not any((folder / name).is_file() for name in ("tokenizer.json", "vocab.json")):
        raise InputError("holds no tokenizer", file=folder, accepted=accepted)
    from transformers import CLIPTokenizer

    with quiet("transformers"):
        try:
            return CLIPTokenizer.from_pretrained(folder, local_files_only=True)
        except Exception as error:  # the tokenizers library raises nothing narrower
            raise InputError(
                f"its tokenizer cannot be read ({type(error).__name__})", file=folder, accepted=accepted
            ) from error
