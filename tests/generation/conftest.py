"""Tiny pipelines of each family with random weights, built from their diffusers classes, and a backend of numpy."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mimetic2.generation import ImageJob, Made
from mimetic2.generation.backend import Outcomes

FAMILIES = ("sd", "sdxl", "sd3", "flux", "pixart")


def _tokenizer(length: int = 16) -> Any:
    from mimetic2.lab.text import new_tokenizer

    tokenizer = new_tokenizer()
    tokenizer.model_max_length = length
    return tokenizer


def _clip(projection: bool = False, width: int = 32) -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    config = CLIPTextConfig(
        vocab_size=128, hidden_size=width, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=16, pad_token_id=0, bos_token_id=1, eos_token_id=2, projection_dim=width,
    )  # fmt: skip
    return (CLIPTextModelWithProjection if projection else CLIPTextModel)(config)


def _t5(width: int = 32) -> Any:
    from transformers import T5Config, T5EncoderModel

    return T5EncoderModel(T5Config(vocab_size=128, d_model=width, d_kv=8, d_ff=64, num_layers=1, num_heads=4))


def _vae(channels: int = 4) -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=(8, 16), norm_num_groups=4, latent_channels=channels, sample_size=16,
        down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
        shift_factor=0.0, scaling_factor=1.0,
    )  # fmt: skip


def _unet(**more: Any) -> Any:
    from diffusers import UNet2DConditionModel

    given = {"cross_attention_dim": 32} | more
    return UNet2DConditionModel(
        sample_size=8, block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4, attention_head_dim=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        **given,
    )  # fmt: skip


def _build(family: str) -> Any:
    import diffusers as d

    if family == "sd":
        return d.StableDiffusionPipeline(
            vae=_vae(), text_encoder=_clip(), tokenizer=_tokenizer(), unet=_unet(), scheduler=d.DDIMScheduler(),
            safety_checker=None, feature_extractor=None, requires_safety_checker=False,
        )  # fmt: skip
    if family == "sdxl":
        unet = _unet(
            cross_attention_dim=32 + 48, addition_embed_type="text_time", addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=6 * 8 + 48,
        )  # fmt: skip
        return d.StableDiffusionXLPipeline(
            vae=_vae(), text_encoder=_clip(), text_encoder_2=_clip(True, 48), tokenizer=_tokenizer(),
            tokenizer_2=_tokenizer(), unet=unet, scheduler=d.EulerAncestralDiscreteScheduler(), add_watermarker=False,
        )  # fmt: skip
    if family == "sd3":
        transformer = d.SD3Transformer2DModel(
            sample_size=8, patch_size=1, in_channels=4, num_layers=1, attention_head_dim=8, num_attention_heads=4,
            joint_attention_dim=64, caption_projection_dim=32, pooled_projection_dim=64, out_channels=4,
        )  # fmt: skip
        return d.StableDiffusion3Pipeline(
            transformer=transformer, scheduler=d.FlowMatchEulerDiscreteScheduler(), vae=_vae(),
            text_encoder=_clip(True), tokenizer=_tokenizer(), text_encoder_2=_clip(True), tokenizer_2=_tokenizer(),
            text_encoder_3=_t5(64), tokenizer_3=_tokenizer(),
        )  # fmt: skip
    if family == "flux":
        transformer = d.FluxTransformer2DModel(
            patch_size=1, in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16,
            num_attention_heads=2, joint_attention_dim=32, pooled_projection_dim=32, axes_dims_rope=(4, 4, 8),
        )  # fmt: skip
        return d.FluxPipeline(
            scheduler=d.FlowMatchEulerDiscreteScheduler(), vae=_vae(), text_encoder=_clip(), tokenizer=_tokenizer(),
            text_encoder_2=_t5(), tokenizer_2=_tokenizer(), transformer=transformer,
        )  # fmt: skip
    transformer = d.PixArtTransformer2DModel(
        sample_size=8, num_layers=1, patch_size=2, attention_head_dim=8, num_attention_heads=4, caption_channels=32,
        in_channels=4, cross_attention_dim=32, out_channels=8, use_additional_conditions=False,
    )  # fmt: skip
    return d.PixArtSigmaPipeline(
        tokenizer=_tokenizer(), text_encoder=_t5(), vae=_vae(), transformer=transformer,
        scheduler=d.DPMSolverMultistepScheduler(),
    )  # fmt: skip


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a tiny pipeline of a family, built once."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("diffusers")
    built: dict[str, Path] = {}

    def folder(family: str) -> Path:
        if family not in built:
            built[family] = tmp_path_factory.mktemp(family)
            torch.manual_seed(0)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                _build(family).save_pretrained(built[family], safe_serialization=True)
        return built[family]

    return folder


class NumpyBackend:
    """Noise by seed; ``spoil`` gives a reason for jobs that are to fail, ``before`` is called before each batch."""

    def __init__(self) -> None:
        self.batches: list[list[ImageJob]] = []
        self.spoil: Callable[[ImageJob], str | None] = lambda job: None
        self.before: Callable[[int], None] = lambda batch: None
        self.version = 1
        self.fixed_batches, self.price = True, 0.0

    def identity(self) -> Mapping[str, Any]:
        return {"model": f"noise-{self.version}"}

    def automatic_batch_size(self, jobs: Sequence[ImageJob]) -> int:
        return 4

    def render(self, batches: Sequence[Sequence[ImageJob]]) -> Outcomes:
        for number, jobs in enumerate(batches):
            self.before(len(self.batches))
            self.batches.append(list(jobs))
            yield number, [self.make(job) for job in jobs]

    def make(self, job: ImageJob) -> Made:
        reason = self.spoil(job)
        picture = np.random.default_rng(job.seed).integers(0, 256, (8, 8, 3)).astype(np.uint8)
        return Made(job, None if reason else picture, reason, self.price)


@pytest.fixture
def backend() -> NumpyBackend:
    return NumpyBackend()
