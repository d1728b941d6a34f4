"""Every number the training depends on, in one place.

The recipe was fixed by picture quality and identification alone (docs/lab.md), never by the threshold that follows
from it. Schedules are in steps, not in seconds, so that a slow machine trains the same model as a fast one.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True, slots=True)
class AutoencoderRecipe:
    """One stage of autoencoder training; ``noise`` is the largest latent noise that the decoder is shown."""

    pictures: int
    steps: int
    learning_rate: float
    noise: float
    decoder_only: bool = False
    batch: int = 16
    average_decay: float = 0.995


@dataclass(frozen=True, slots=True)
class DenoiserRecipe:
    """Training of text encoder and U-Net; ``batch`` pictures a step."""

    steps: int = 7000
    batch: int = 48
    channels: tuple[int, int] = (64, 96)
    text_width: int = 64
    muon_rate: float = 0.02
    adam_rate: float = 2e-3
    caption_drop: float = 0.1
    average_decay: float = 0.998
    warm_up: int = 100


@dataclass(frozen=True, slots=True)
class Recipe:
    """The whole training. ``autoencoder_seed`` is separate so that several denoisers can share one autoencoder."""

    autoencoder: AutoencoderRecipe = field(
        default_factory=lambda: AutoencoderRecipe(pictures=30_000, steps=16_000, learning_rate=3e-3, noise=0.5)
    )
    decoder: AutoencoderRecipe = field(
        default_factory=lambda: AutoencoderRecipe(
            pictures=30_000, steps=8_000, learning_rate=2e-3, noise=0.4, decoder_only=True
        )
    )
    denoiser: DenoiserRecipe = field(default_factory=DenoiserRecipe)
    autoencoder_seed: int = 0
    seed: int = 0


def fingerprint(*parts: object) -> str:
    """Short digest of recipe parts (dataclasses, numbers, strings); a saved state is only continued if it is equal."""
    plain = [asdict(part) if hasattr(part, "__dataclass_fields__") else part for part in parts]  # type: ignore[call-overload]
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:16]


TINY = Recipe(
    autoencoder=AutoencoderRecipe(pictures=48, steps=6, learning_rate=3e-3, noise=0.5, batch=8),
    decoder=AutoencoderRecipe(pictures=48, steps=4, learning_rate=2e-3, noise=0.4, decoder_only=True, batch=8),
    denoiser=DenoiserRecipe(steps=6, batch=8, channels=(16, 24), text_width=16, warm_up=2),
)
"""Trains nothing worth looking at, in seconds: for tests and for trying out the command."""
