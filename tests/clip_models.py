"""A CLIP of a few kilobytes and random weights, as transformers saves it: image tower, text tower, tokenizer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SIZES = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
LETTERS = "abcdefghijklmnopqrstuvwxyz"
MERGES = (("a", "r"), ("ar", "t"))


def write_clip(folder: Path, *, seed: int = 1) -> Any:
    """Write the model's folder and return the model; its tokenizer knows lower-case letters and two merges."""
    import torch
    from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel

    folder.mkdir(parents=True, exist_ok=True)
    merged = ["".join(pair) for pair in MERGES]
    vocabulary = [*LETTERS, *(f"{letter}</w>" for letter in LETTERS), *merged, "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({token: place for place, token in enumerate(vocabulary)}))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in MERGES))
    text = {"vocab_size": len(vocabulary), "max_position_embeddings": 16}
    text |= {"bos_token_id": len(vocabulary) - 2, "eos_token_id": len(vocabulary) - 1}
    torch.manual_seed(seed)
    vision = {**SIZES, "image_size": 48, "patch_size": 16}
    model = CLIPModel(CLIPConfig(vision_config=vision, text_config={**SIZES, **text}, projection_dim=20)).eval()
    for parameter in model.parameters():  # freshly made ones are nearly the same for every image
        parameter.data += 0.1 * torch.randn_like(parameter)
    model.save_pretrained(folder)
    CLIPImageProcessorPil(size={"shortest_edge": 48}, crop_size={"height": 48, "width": 48}).save_pretrained(folder)
    return model
