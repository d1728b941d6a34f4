"""How well a lab model imitates: identification and score by training count.

Used to judge a training recipe (docs/lab.md); a study of the model goes through the ordinary stages instead. The
embedding is the first part of EfficientNet-Lite0, an image classifier that has never seen the lab.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mimetic2.lab import GUIDANCE_SCALE, INFERENCE_STEPS, PROMPTS
from mimetic2.lab.drawing import Picture
from mimetic2.lab.world import Painter, painters

Vectors = npt.NDArray[np.float64]
Embed = Callable[[Picture], npt.NDArray[Any]]
"""Embeds pictures (n, 32, 32, 3) as vectors (n, d)."""

COUNT_BINS = (0, 1, 3, 6, 10, 20, 40, 80, 160, 300, 640, 1300, 2001)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Per painter, in the order of `painters()`: count, mean centred cosine, and whether rank 1 among all painters."""

    counts: npt.NDArray[np.int64]
    scores: Vectors
    identified: npt.NDArray[np.bool_]

    def spearman(self) -> float:
        """Rank correlation of count and score (mean ranks for ties)."""
        return float(np.corrcoef(_ranks(self.counts), _ranks(self.scores))[0, 1])

    def by_count(self) -> list[tuple[int, int, int, float, float]]:
        """A row a bin of counts: lowest, highest, painters, mean score, share identified."""
        table = []
        for low, beyond in pairwise(COUNT_BINS):
            inside = (self.counts >= low) & (self.counts < beyond)
            if inside.any():
                score, share = self.scores[inside].mean(), self.identified[inside].mean()
                table.append((low, beyond - 1, int(inside.sum()), float(score), float(share)))
        return table


def _ranks(values: npt.NDArray[Any]) -> Vectors:
    _, places, sizes = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(sizes)
    middle: Vectors = (last - (sizes - 1) / 2)[places]
    return middle


def generate(folder: Path, per_prompt: int, seed: int = 0, batch: int = 150) -> dict[str, Picture]:
    """Pictures (6 * per_prompt, 32, 32, 3) by painter's name, prompts in turn, with the pipeline in ``folder``."""
    import torch
    from diffusers import StableDiffusionPipeline

    pipeline = StableDiffusionPipeline.from_pretrained(folder, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    for model in (pipeline.unet, pipeline.vae):
        model.to(memory_format=torch.channels_last)
    prompts = [prompt.format(name=p.name) for p in painters() for _ in range(per_prompt) for prompt in PROMPTS]
    generator, images = torch.Generator().manual_seed(seed), []
    for start in range(0, len(prompts), batch):
        output = pipeline(
            prompts[start : start + batch],
            num_inference_steps=INFERENCE_STEPS,
            guidance_scale=GUIDANCE_SCALE,
            generator=generator,
            output_type="np",
        )
        images.append((output.images * 255).round().astype(np.uint8))
    pictures = np.concatenate(images).reshape(len(painters()), len(PROMPTS) * per_prompt, *images[0].shape[1:])
    return {painter.name: own for painter, own in zip(painters(), pictures, strict=True)}


def evaluate(generated: Mapping[str, Picture], references: Mapping[str, Picture], embed: Embed) -> Evaluation:
    """Compare each painter's generated pictures with every painter's references.

    Vectors are centred on the mean of all references; the score is the mean cosine of all pairs with the painter's own
    references; identified means that no other painter's references fit better.
    """
    world: tuple[Painter, ...] = painters()
    reference = [np.asarray(embed(references[painter.name]), float) for painter in world]
    centre = np.concatenate(reference).mean(0)
    own = np.stack([_mean_direction(vectors - centre) for vectors in reference])
    made = np.stack([_mean_direction(embed(generated[painter.name]) - centre) for painter in world])
    similarity = made @ own.T
    return Evaluation(
        counts=np.array([painter.count for painter in world]),
        scores=np.diag(similarity).copy(),
        identified=similarity.argmax(1) == np.arange(len(world)),
    )


def _mean_direction(vectors: npt.NDArray[Any]) -> Vectors:
    mean: Vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).mean(0)
    return mean
