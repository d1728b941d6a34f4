"""The autoencoder: 32 x 32 x 3 pictures to 8 x 8 x 8 latents and back.

Three habits keep the denoiser's small errors from decoding into mush: the decoder is shown noisy latents while it
learns, three latent channels are tied to the picture's colours, and decoding a shrunken latent must give the shrunken
picture. It learns from pictures by painters who are in no training set, so it cannot itself imitate anybody.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from mimetic2.lab.drawing import SUBJECTS, paint
from mimetic2.lab.loop import step_generator
from mimetic2.lab.optimisation import Adam, Average
from mimetic2.lab.recipe import AutoencoderRecipe
from mimetic2.lab.style import draw_style

if TYPE_CHECKING:
    from diffusers import AutoencoderTiny

Pictures = npt.NDArray[np.uint8]

_STRANGERS = 77  # seed branch of painters who appear in no training set
_VALIDATION = 256


def to_tensor(pictures: Pictures) -> torch.Tensor:
    """Pictures (n, 32, 32, 3) uint8 as a tensor (n, 3, 32, 32) in [-1, 1], channels last in memory."""
    tensor = torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1
    return tensor.contiguous(memory_format=torch.channels_last)


def strangers_pictures(number: int, first: int = 0) -> Pictures:
    """Pictures (number, 32, 32, 3), each by another painter outside the world."""
    pictures = []
    for index in range(first, first + number):
        rng = np.random.default_rng([_STRANGERS, index])
        style = draw_style(rng)
        pictures.append(paint(style, SUBJECTS[int(rng.integers(len(SUBJECTS)))], rng))
    return np.stack(pictures)


def new_autoencoder(seed: int) -> AutoencoderTiny:
    """An untrained autoencoder with weights drawn by ``seed``."""
    from diffusers import AutoencoderTiny

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = AutoencoderTiny(
            encoder_block_out_channels=(32, 32, 32),
            decoder_block_out_channels=(32, 32, 32),
            latent_channels=8,
            num_encoder_blocks=(0, 1, 2),
            num_decoder_blocks=(3, 1, 0),
        )
    return model.train().to(memory_format=torch.channels_last)


class AutoencoderTrainer:
    """One stage: everything, or with ``decoder_only`` the decoder alone (encoder and latents then stay as they are)."""

    def __init__(self, model: AutoencoderTiny, recipe: AutoencoderRecipe, seed: int) -> None:
        self.model, self.recipe, self.seed = model, recipe, seed
        model.requires_grad_(True)
        model.encoder.requires_grad_(not recipe.decoder_only)
        self.parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.optimiser = Adam(self.parameters, recipe.learning_rate, betas=(0.9, 0.99), decay=1e-4)
        self.average = Average(self.parameters, recipe.average_decay)

    @cached_property
    def pictures(self) -> torch.Tensor:
        """The stage's training pictures, painted when first needed."""
        return to_tensor(strangers_pictures(self.recipe.pictures, first=_VALIDATION))

    def step(self, step: int) -> float:
        """One step on a random batch; returns the reconstruction loss without regularisers."""
        recipe, generator = self.recipe, step_generator(self.seed, step)
        batch = self.pictures[torch.randint(len(self.pictures), (recipe.batch,), generator=generator)]
        batch = batch.contiguous(memory_format=torch.channels_last)
        latents = self.model.encode(batch).latents
        strength = torch.rand(len(latents), 1, 1, 1, generator=generator) * recipe.noise
        noisy = latents + strength * torch.randn(latents.shape, generator=generator)
        loss = _reconstruction_loss(self.model.decode(noisy).sample - batch)
        if step % 2 == 0:
            small = self.model.decode(functional.avg_pool2d(latents, 2)).sample
            loss = loss + (small - functional.avg_pool2d(batch, 2)).pow(2).mean()
        self.optimiser.optimiser.zero_grad()
        (loss + _latent_regulariser(latents, batch)).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        cosine = 0.5 * (1 + math.cos(math.pi * step / recipe.steps)) * 0.98 + 0.02
        self.optimiser.step(min(1.0, (step + 1) / 30) * cosine)
        self.average.update(step)
        return loss.item()

    def tensors(self) -> dict[str, torch.Tensor]:
        """Weights, moments and averages."""
        return {
            **{f"weights.{place}": parameter for place, parameter in enumerate(self.parameters)},
            **{f"adam.{name}": tensor for name, tensor in self.optimiser.tensors().items()},
            **{f"average.{name}": tensor for name, tensor in self.average.tensors().items()},
        }

    def finish(self) -> AutoencoderTiny:
        """The model with averaged weights, its latents' scale entered in the configuration."""
        self.average.apply()
        self.model.eval().requires_grad_(False)
        latents = encode(self.model, strangers_pictures(_VALIDATION), scaled=False)
        self.model.register_to_config(scaling_factor=float(1 / latents.std()))
        return self.model


def _reconstruction_loss(error: torch.Tensor) -> torch.Tensor:
    """Squared and absolute error, and absolute error of the gradients (crisp edges)."""
    gradients = error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()
    return error.pow(2).mean() + 0.5 * error.abs().mean() + 0.5 * gradients


def _latent_regulariser(latents: torch.Tensor, pictures: torch.Tensor) -> torch.Tensor:
    """Unit scale for every channel; the first three follow the picture's colours."""
    scale = (latents.std((0, 2, 3)) - 1).pow(2).mean() + latents.mean((0, 2, 3)).pow(2).mean()
    colour = (latents[:, :3] - 2 * functional.avg_pool2d(pictures, 4)).pow(2).mean()
    return 0.1 * scale + 0.3 * colour


@torch.no_grad()
def encode(model: AutoencoderTiny, pictures: Pictures, scaled: bool = True) -> torch.Tensor:
    """Latents (n, 8, 8, 8) of pictures (n, 32, 32, 3); ``scaled`` to unit deviation as the denoiser expects."""
    batches = [model.encode(to_tensor(pictures[i : i + 256])).latents for i in range(0, len(pictures), 256)]
    return torch.cat(batches) * (model.config.scaling_factor if scaled else 1.0)
