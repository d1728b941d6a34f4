"""The weights of a tiny Stable Diffusion pipeline in the layout of the original checkpoints: one file, other names.

Written from the layout of the original code (``model.diffusion_model``, ``first_stage_model``, ``cond_stage_model``),
for two blocks of one layer each, so that loading a single checkpoint can be tested without one.
"""

from __future__ import annotations

import re
from typing import Any

_UNET_RESNET = {
    "norm1": "in_layers.0", "conv1": "in_layers.2", "norm2": "out_layers.0", "conv2": "out_layers.3",
    "time_emb_proj": "emb_layers.1", "conv_shortcut": "skip_connection",
}  # fmt: skip
_UNET_PLACES = {
    "conv_in": "input_blocks.0.0", "down_blocks.0.resnets.0": "input_blocks.1.0",
    "down_blocks.0.downsamplers.0.conv": "input_blocks.2.0.op", "down_blocks.1.resnets.0": "input_blocks.3.0",
    "down_blocks.1.attentions.0": "input_blocks.3.1", "mid_block.resnets.0": "middle_block.0",
    "mid_block.attentions.0": "middle_block.1", "mid_block.resnets.1": "middle_block.2",
    "up_blocks.0.resnets.0": "output_blocks.0.0", "up_blocks.0.attentions.0": "output_blocks.0.1",
    "up_blocks.0.resnets.1": "output_blocks.1.0", "up_blocks.0.attentions.1": "output_blocks.1.1",
    "up_blocks.0.upsamplers.0.conv": "output_blocks.1.2.conv", "up_blocks.1.resnets.0": "output_blocks.2.0",
    "up_blocks.1.resnets.1": "output_blocks.3.0", "conv_norm_out": "out.0", "conv_out": "out.2",
    "add_embedding.linear_1": "label_emb.0.0", "add_embedding.linear_2": "label_emb.0.2",
    "time_embedding.linear_1": "time_embed.0", "time_embedding.linear_2": "time_embed.2",
}  # fmt: skip
_VAE_ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}


def _unet(name: str) -> str:
    place = max((known for known in _UNET_PLACES if name.startswith(f"{known}.")), key=len)
    rest = name.removeprefix(f"{place}.")
    if ".resnets." in place:
        part, _, kind = rest.rpartition(".")
        rest = f"{_UNET_RESNET[part]}.{kind}"
    return f"model.diffusion_model.{_UNET_PLACES[place]}.{rest}"


def _vae(name: str) -> str:
    name = name.replace("conv_shortcut", "nin_shortcut").replace("conv_norm_out", "norm_out")
    name = re.sub(r"mid_block\.resnets\.(\d)", lambda m: f"mid.block_{int(m[1]) + 1}", name)
    name = re.sub(r"down_blocks\.(\d)\.resnets\.(\d)", r"down.\1.block.\2", name)
    name = re.sub(r"down_blocks\.(\d)\.downsamplers\.0", r"down.\1.downsample", name)
    name = re.sub(r"up_blocks\.(\d)\.resnets\.(\d)", lambda m: f"up.{1 - int(m[1])}.block.{m[2]}", name)
    name = re.sub(r"up_blocks\.(\d)\.upsamplers\.0", lambda m: f"up.{1 - int(m[1])}.upsample", name)
    if "mid_block.attentions.0" in name:
        head, _, rest = name.partition("mid_block.attentions.0.")
        part, _, kind = rest.rpartition(".")
        name = f"{head}mid.attn_1.{_VAE_ATTENTION[part]}.{kind}"
    return f"first_stage_model.{name}"


def _clip(encoder: Any, prefix: str) -> dict[str, Any]:
    """A text encoder as transformers names it, under a prefix."""
    weights = encoder.state_dict().items()
    return {f"{prefix}.text_model.{name.removeprefix('text_model.')}": value for name, value in weights}


_OPEN_CLIP = {
    "layer_norm1": "ln_1", "layer_norm2": "ln_2", "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj",
    "self_attn.out_proj": "attn.out_proj",
}  # fmt: skip
_OPEN_CLIP_ENDS = {
    "embeddings.token_embedding.weight": "token_embedding.weight",
    "embeddings.position_embedding.weight": "positional_embedding",
    "final_layer_norm.weight": "ln_final.weight", "final_layer_norm.bias": "ln_final.bias",
}  # fmt: skip


def _open_clip(encoder: Any, prefix: str) -> dict[str, Any]:
    """A text encoder as OpenCLIP names it: queries, keys and values in one matrix, the projection transposed."""
    import torch

    weights = {name.removeprefix("text_model."): value for name, value in encoder.state_dict().items()}
    found = {other: weights[name] for name, other in _OPEN_CLIP_ENDS.items()}
    if "text_projection.weight" in weights:
        found["text_projection"] = weights["text_projection.weight"].T
    for name, value in weights.items():
        part = re.fullmatch(r"encoder\.layers\.(\d+)\.(.+)\.(weight|bias)", name)
        if part is None:
            continue
        place, layer, kind = f"transformer.resblocks.{part[1]}", part[2], part[3]
        if layer in _OPEN_CLIP:
            found[f"{place}.{_OPEN_CLIP[layer]}.{kind}"] = value
        elif layer == "self_attn.q_proj":
            three = [weights[name.replace("q_proj", f"{each}_proj")] for each in "qkv"]
            found[f"{place}.attn.in_proj_{kind}"] = torch.cat(three)
    return {f"{prefix}.{name}": value for name, value in found.items()}


def ldm_state_dict(pipeline: Any, encoder: str = "clip") -> dict[str, Any]:
    """All weights of the pipeline under the names, and in the shapes, of an original checkpoint.

    ``encoder``: ``clip`` as in Stable Diffusion 1, ``open_clip`` as in 2, ``both`` as in SDXL.
    """
    found = {_unet(name): value for name, value in pipeline.unet.state_dict().items()}
    for name, value in pipeline.vae.state_dict().items():
        linear = ".attn_1." in _vae(name) and value.dim() == 2
        found[_vae(name)] = value[:, :, None, None] if linear else value
    if encoder == "clip":
        found |= _clip(pipeline.text_encoder, "cond_stage_model.transformer")
    elif encoder == "open_clip":
        found |= _open_clip(pipeline.text_encoder, "cond_stage_model.model")
    else:
        found |= _clip(pipeline.text_encoder, "conditioner.embedders.0.transformer")
        found |= _open_clip(pipeline.text_encoder_2, "conditioner.embedders.1.model")
    return {name: value.clone().contiguous() for name, value in found.items()}
