"""From nothing to a pipeline folder: autoencoder, decoder, latents, denoiser, each resumable.

A stage's state file is also its marker: at its last step the stage is done. States live in ``work/`` beside the
pipeline; deleting it loses nothing but the chance to continue.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import polars as pl
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from mimetic2.files import atomic, write_json
from mimetic2.lab import GUIDANCE_SCALE, INFERENCE_STEPS
from mimetic2.lab.autoencoder import AutoencoderTrainer, encode, new_autoencoder
from mimetic2.lab.denoiser import DenoiserTrainer, new_scheduler
from mimetic2.lab.links import Link, render
from mimetic2.lab.loop import Trainer, run_steps, saved_steps
from mimetic2.lab.recipe import Recipe, fingerprint
from mimetic2.lab.rows import digest
from mimetic2.lab.text import new_tokenizer, tokens
from mimetic2.quieting import quiet

if TYPE_CHECKING:
    from diffusers import AutoencoderTiny


class Progress(Protocol):
    """What a progress bar must understand (`mimetic2.progress.Bar` does)."""

    def advance(self, amount: int = 1, note: str = "") -> None:
        """So much more is done."""


OpenBar = Callable[[str, int, str, int], AbstractContextManager[Progress]]
"""Opens a progress bar: description, total, unit, how much is already done."""


def train(rows: pl.DataFrame, out: Path, recipe: Recipe, open_bar: OpenBar, save_every: float = 60.0) -> Path:
    """Train on the training set's ``rows``; returns the pipeline folder ``out/pipeline``.

    Continues whatever an earlier call left in ``out/work``; raises `InputError` if that belongs to another recipe.
    """
    session = _Session(out / "work", recipe, open_bar, save_every)
    autoencoder = session.autoencoder()
    latents = session.latents(autoencoder, rows)
    trainer = session.denoiser(latents, rows)
    return save_pipeline(trainer, autoencoder, out / "pipeline", recipe)


class _Session:
    """The stages of one training, sharing folder, recipe and progress bar."""

    def __init__(self, work: Path, recipe: Recipe, open_bar: OpenBar, save_every: float) -> None:
        self.work, self.recipe, self.open_bar, self.save_every = work, recipe, open_bar, save_every
        work.mkdir(parents=True, exist_ok=True)

    def _run(self, name: str, trainer: Trainer, steps: int, identity: str) -> None:
        state = self.work / f"{name}.state.safetensors"
        with self.open_bar(name, steps, "steps", saved_steps(state)) as progress:
            run_steps(
                trainer,
                steps,
                state,
                identity,
                on_step=lambda step, loss: progress.advance(1, f"loss {loss:.3f}"),
                save_every=self.save_every,
            )

    def autoencoder(self) -> AutoencoderTiny:
        """First encoder and decoder together, then the decoder alone."""
        recipe, seed = self.recipe, self.recipe.autoencoder_seed
        trainer = AutoencoderTrainer(new_autoencoder(seed), recipe.autoencoder, seed)
        self._run("autoencoder", trainer, recipe.autoencoder.steps, fingerprint(recipe.autoencoder, seed))
        tuning = AutoencoderTrainer(trainer.finish().train(), recipe.decoder, seed + 1)
        self._run("decoder", tuning, recipe.decoder.steps, fingerprint(recipe.autoencoder, recipe.decoder, seed))
        return tuning.finish()

    def latents(self, autoencoder: AutoencoderTiny, rows: pl.DataFrame) -> torch.Tensor:
        """Latents of all training images, rendered from the rows; kept in a file."""
        path = self.work / "latents.safetensors"
        recipe = self.recipe
        identity = fingerprint(recipe.autoencoder, recipe.decoder, recipe.autoencoder_seed, digest(rows))
        if path.exists():
            with safe_open(str(path), framework="pt") as stored:
                if (stored.metadata() or {}).get("fingerprint") == identity:
                    latents: torch.Tensor = stored.get_tensor("latents")
                    return latents
        links = [Link(*row) for row in rows.select("shown", "subject", "seed").iter_rows()]
        batches = []
        with self.open_bar("latents", len(links), "images", 0) as progress:
            for start in range(0, len(links), 256):
                pictures = np.stack([render(link) for link in links[start : start + 256]])
                batches.append(encode(autoencoder, pictures))
                progress.advance(len(pictures))
        latents = torch.cat(batches).contiguous()
        with atomic(path) as temporary:
            save_file({"latents": latents}, str(temporary), metadata={"fingerprint": identity})
        return latents

    def denoiser(self, latents: torch.Tensor, rows: pl.DataFrame) -> DenoiserTrainer:
        """The long stage."""
        tokenizer, recipe = new_tokenizer(), self.recipe
        ids = tokens(tokenizer, [*rows["TEXT"].to_list(), ""])
        trainer = DenoiserTrainer(latents, ids[:-1], ids[-1], len(tokenizer), recipe.denoiser, recipe.seed)
        self._run("denoiser", trainer, recipe.denoiser.steps, fingerprint(recipe, digest(rows)))
        return trainer


def save_pipeline(trainer: DenoiserTrainer, autoencoder: AutoencoderTiny, folder: Path, recipe: Recipe) -> Path:
    """Write an ordinary `StableDiffusionPipeline` folder; the trainer cannot train on afterwards.

    U-Net and autoencoder are stored as float16. The small text encoder stays float32: transformers loads weights in
    the type they are stored in, diffusers in float32, and a plain `from_pretrained` must get one type.
    """
    text_encoder, unet = trainer.finish()
    partial = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(partial, ignore_errors=True)
    with quiet():
        from diffusers import StableDiffusionPipeline

        pipeline: Any = StableDiffusionPipeline(
            vae=autoencoder,
            text_encoder=text_encoder,
            tokenizer=new_tokenizer(),
            unet=unet,
            scheduler=new_scheduler(),
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        )
        for model in (unet, autoencoder):
            model.to(torch.float16)
        pipeline.save_pretrained(partial)
    suggested = {"num_inference_steps": INFERENCE_STEPS, "guidance_scale": GUIDANCE_SCALE}
    write_json(partial / "lab.json", {"schema_version": 1, "seed": recipe.seed, "generation": suggested})
    shutil.rmtree(folder, ignore_errors=True)
    partial.replace(folder)
    return folder
