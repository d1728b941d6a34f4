"""The text encoder and the U-Net that learn to paint: latent diffusion with v-prediction (Salimans and Ho 2022)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from mimetic2.lab.loop import step_generator
from mimetic2.lab.optimisation import Adam, Average, Muon
from mimetic2.lab.recipe import DenoiserRecipe
from mimetic2.lab.text import new_text_encoder

if TYPE_CHECKING:
    from diffusers import DPMSolverMultistepScheduler, UNet2DConditionModel
    from transformers import CLIPTextModel

TRAIN_TIMESTEPS = 1000
_NOT_FOR_MUON = ("embeddings", "conv_in", "conv_out", "positional")
_EPOCH_BRANCH = 1 << 40  # far from any step number


def new_unet(channels: tuple[int, int], text_width: int) -> UNet2DConditionModel:
    """An untrained U-Net on 8 x 8 x 8 latents; cross-attention at the lower resolution only."""
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        sample_size=8,
        in_channels=8,
        out_channels=8,
        block_out_channels=channels,
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=text_width,
        attention_head_dim=[2, 2],
        norm_num_groups=8,
        addition_embed_type="text",
        addition_embed_type_num_heads=4,
        resnet_time_scale_shift="scale_shift",
    ).to(memory_format=torch.channels_last)


def new_scheduler() -> DPMSolverMultistepScheduler:
    """DPM-Solver++ (2M) with cosine betas and trailing timesteps; six steps suffice."""
    from diffusers import DPMSolverMultistepScheduler

    return DPMSolverMultistepScheduler(
        num_train_timesteps=TRAIN_TIMESTEPS,
        beta_schedule="squaredcos_cap_v2",
        prediction_type="v_prediction",
        timestep_spacing="trailing",
        steps_offset=1,
        algorithm_type="dpmsolver++",
        solver_order=2,
    )


class DenoiserTrainer:
    """Trains on ``latents`` (n, 8, 8, 8) and ``captions`` (n, LENGTH); ``no_caption`` (LENGTH) is the empty prompt."""

    def __init__(
        self,
        latents: torch.Tensor,
        captions: torch.Tensor,
        no_caption: torch.Tensor,
        words: int,
        recipe: DenoiserRecipe,
        seed: int,
    ) -> None:
        self.latents, self.captions, self.no_caption = latents, captions, no_caption
        self.recipe, self.seed = recipe, seed
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.text_encoder: CLIPTextModel = new_text_encoder(words, recipe.text_width).train()
            self.unet: UNet2DConditionModel = new_unet(recipe.channels, recipe.text_width).train()
        named = [*self.unet.named_parameters(), *self.text_encoder.named_parameters()]
        self.parameters = [parameter for _, parameter in named]
        matrices = [parameter for name, parameter in named if _suits_muon(name, parameter)]
        others = [parameter for name, parameter in named if not _suits_muon(name, parameter)]
        self.muon = Muon(matrices, recipe.muon_rate)
        self.adam = Adam(others, recipe.adam_rate, betas=(0.9, 0.98), decay=1e-3)
        self.average = Average(self.parameters, recipe.average_decay)
        self.signal: torch.Tensor = new_scheduler().alphas_cumprod
        self._epoch, self._order = -1, torch.empty(0, dtype=torch.long)

    def _batch(self, step: int) -> torch.Tensor:
        """Places of a step's images: every epoch runs through all of them, in an order of its own."""
        start = step * self.recipe.batch
        epoch, offset = divmod(start, len(self.latents))
        if epoch != self._epoch:
            self._epoch = epoch
            generators = (step_generator(self.seed, _EPOCH_BRANCH + epoch + ahead) for ahead in (0, 1))
            self._order = torch.cat([torch.randperm(len(self.latents), generator=g) for g in generators])
        return self._order[offset : offset + self.recipe.batch]

    def loss(self, step: int) -> torch.Tensor:
        """Mean squared error of the predicted velocity over the step's images, noise levels and dropped captions."""
        recipe, generator = self.recipe, step_generator(self.seed, step)
        places = self._batch(step)
        latents, captions = self.latents[places], self.captions[places].clone()
        noise = torch.randn(latents.shape, generator=generator)
        stratum = (torch.arange(recipe.batch) + torch.rand(recipe.batch, generator=generator)) / recipe.batch
        timesteps = (stratum**0.8 * TRAIN_TIMESTEPS).long().clamp(0, TRAIN_TIMESTEPS - 1)
        captions[torch.rand(recipe.batch, generator=generator) < recipe.caption_drop] = self.no_caption
        signal = self.signal[timesteps].view(-1, 1, 1, 1)
        noisy = (signal.sqrt() * latents + (1 - signal).sqrt() * noise).contiguous(memory_format=torch.channels_last)
        velocity = signal.sqrt() * noise - (1 - signal).sqrt() * latents
        predicted = self.unet(noisy, timesteps, self.text_encoder(captions)[0]).sample
        loss: torch.Tensor = (predicted - velocity).pow(2).mean()
        return loss

    def step(self, step: int) -> float:
        """One step; the learning rate is flat for the first half and then falls to zero."""
        loss = self.loss(step)
        for parameter in self.parameters:
            parameter.grad = None
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        scale = min(1.0, (step + 1) / self.recipe.warm_up) * min(1.0, 2 * (1 - step / self.recipe.steps) + 0.005)
        self.adam.step(scale)
        self.muon.step(scale)
        self.average.update(step)
        return loss.item()

    def tensors(self) -> dict[str, torch.Tensor]:
        """Weights, moments, momenta and averages."""
        return {
            **{f"weights.{place}": parameter for place, parameter in enumerate(self.parameters)},
            **{f"adam.{name}": tensor for name, tensor in self.adam.tensors().items()},
            **{f"muon.{name}": tensor for name, tensor in self.muon.tensors().items()},
            **{f"average.{name}": tensor for name, tensor in self.average.tensors().items()},
        }

    def finish(self) -> tuple[CLIPTextModel, UNet2DConditionModel]:
        """Text encoder and U-Net with averaged weights."""
        self.average.apply()
        return self.text_encoder.eval(), self.unet.eval()


def _suits_muon(name: str, parameter: Any) -> bool:
    """Weight matrices and convolutions, but for embeddings and the first and last layers."""
    return parameter.ndim >= 2 and not any(part in name for part in _NOT_FOR_MUON)
