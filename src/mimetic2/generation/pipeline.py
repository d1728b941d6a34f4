"""Images from a diffusers pipeline, whatever its family.

Each image has a generator of its own on the CPU, also where the model runs on a GPU: the initial noise is then the same
everywhere, and so is the noise that an ancestral sampler adds. The GPU paths are written against the documentation of
torch and diffusers; no GPU has run them yet.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mimetic2.errors import InputError, MissingRequirement
from mimetic2.generation.backend import Sampling
from mimetic2.generation.embeds import PromptCache
from mimetic2.generation.loading import load_pipeline
from mimetic2.generation.models import ModelSource
from mimetic2.generation.prompts import ImageJob
from mimetic2.generation.quality import SAFETY_CHECKER, fault, to_bytes
from mimetic2.generation.store import Made
from mimetic2.progress import log

_CPU_BATCH = 64
_GPU_SHARE = 0.8


def need_diffusion(purpose: str) -> None:
    """Raise :class:`MissingRequirement` unless torch, diffusers, transformers and safetensors are installed."""
    for package in ("torch", "diffusers", "transformers", "safetensors"):
        if importlib.util.find_spec(package) is None:
            raise MissingRequirement.extra(package, "diffusion", purpose)  # noqa: S610 - no database here


class PipelineBackend:
    """A loaded text-to-image pipeline."""

    def __init__(self, source: ModelSource, sampling: Sampling) -> None:
        need_diffusion("generating with a local model")
        import torch

        self._torch = torch
        self._source = source
        self._sampling = sampling
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._chunk: int | None = None
        dtype = torch.float32 if self._device == "cpu" else torch.float16
        self._pipeline = load_pipeline(source, safety_checker=sampling.safety_checker, dtype=dtype)
        self._pipeline.set_progress_bar_config(disable=True)
        self._pipeline.to(self._device)
        for part in self._pipeline.components.values():
            if isinstance(part, torch.nn.Module) and any(p.dim() == 4 for p in part.parameters()):
                part.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        options = {
            "num_inference_steps": sampling.steps if sampling.steps is not None else source.steps,
            "guidance_scale": sampling.guidance if sampling.guidance is not None else source.guidance,
            "width": sampling.width,
            "height": sampling.height,
        }
        self._options = {name: value for name, value in options.items() if value is not None}
        if type(self._pipeline).__name__ == "PixArtSigmaPipeline" and sampling.width is not None:
            self._options["use_resolution_binning"] = False  # the size that was asked for, not a near one resized
        guided = self._options.get("guidance_scale") is None or self._options["guidance_scale"] > 1
        self._prompts = PromptCache(self._pipeline, sampling.negative_prompt, guided=guided)

    def identity(self) -> Mapping[str, Any]:
        """See :class:`mimetic2.generation.backend.Backend`."""
        return {
            "model": self._source.digest(),
            "pipeline": type(self._pipeline).__name__,
            "sampler": type(self._pipeline.scheduler).__name__,
            "precision": str(self._pipeline.dtype).removeprefix("torch."),
            "negative_prompt": self._sampling.negative_prompt,
            "safety_checker": self._sampling.safety_checker,
            **self._options,
        }

    def automatic_batch_size(self, jobs: Sequence[ImageJob]) -> int:
        """64 on a CPU; on a GPU what fits 80 % of the free memory, going by the peak of one image and of two."""
        if self._device == "cpu":
            return _CPU_BATCH
        cuda = self._torch.cuda
        peaks = []
        for n in (1, 2):
            cuda.empty_cache()
            cuda.reset_peak_memory_stats()
            self._call([jobs[0]] * n)
            peaks.append(cuda.max_memory_allocated())
        cuda.empty_cache()
        free, _ = cuda.mem_get_info()
        each = max(peaks[1] - peaks[0], 1)
        return max(1, int(free * _GPU_SHARE / each))

    def render(self, jobs: Sequence[ImageJob]) -> list[Made]:
        """See :class:`mimetic2.generation.backend.Backend`; where a GPU's memory runs out, in ever smaller parts."""
        chunk = self._chunk or len(jobs)
        made: list[Made] = []
        while len(made) < len(jobs):
            part = jobs[len(made) : len(made) + chunk]
            try:
                made += self._call(part)
            except self._torch.cuda.OutOfMemoryError as error:
                if len(part) == 1:
                    raise InputError("one image does not fit the GPU's memory; choose a smaller size") from error
                self._chunk = chunk = (len(part) + 1) // 2
                self._torch.cuda.empty_cache()
                log(f"out of GPU memory: going on with {chunk} images at a time (at most one grey level differs)")
        return made

    def _call(self, jobs: Sequence[ImageJob]) -> list[Made]:
        generators = [self._torch.Generator("cpu").manual_seed(job.seed) for job in jobs]
        with self._torch.inference_mode():
            words = self._prompts.arguments([job.text for job in jobs])
            output = self._pipeline(**words, **self._options, generator=generators, output_type="np")
        blanked = getattr(output, "nsfw_content_detected", None) or [False] * len(jobs)
        return [_made(*each) for each in zip(jobs, output.images, blanked, strict=True)]


def _made(job: ImageJob, picture: Any, blanked: bool) -> Made:
    reason = SAFETY_CHECKER if blanked else fault(picture)
    return Made(job, None if reason else to_bytes(np.asarray(picture)), reason)
