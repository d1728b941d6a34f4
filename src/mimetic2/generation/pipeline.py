"""Images from a diffusers pipeline, whatever its family.

Each image has a generator of its own on the CPU, also where the model runs on a GPU: the initial noise is then the same
everywhere, and so is the noise that an ancestral sampler adds. The GPU paths are written against the documentation of
torch and diffusers; no GPU has run them yet.
"""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mimetic2.errors import InputError, MissingRequirement
from mimetic2.generation import adapters as lora
from mimetic2.generation.adapters import Adapter
from mimetic2.generation.backend import Outcomes, Sampling
from mimetic2.generation.embeds import PromptCache
from mimetic2.generation.execution import Execution, place, usable_memory
from mimetic2.generation.lanes import in_lanes, with_own_scheduler
from mimetic2.generation.loading import load_pipeline
from mimetic2.generation.models import ModelSource
from mimetic2.generation.prompts import ImageJob
from mimetic2.generation.quality import SAFETY_CHECKER, fault, to_bytes
from mimetic2.generation.store import Made
from mimetic2.progress import log

_LARGEST_BATCH = 64
_CPU_BYTES_A_PIXEL = 4096
"""Room for an image's activations in single precision: decoding, the widest part, keeps a few maps of 128 channels and
half a kilobyte a pixel each."""
_SHARE = 0.8
_SMALL_PIXELS = 128 * 128
"""Batches of pictures up to this size are computed side by side, one core each; see `lanes`."""


def need_diffusion(purpose: str) -> None:
    """Raise :class:`MissingRequirement` unless torch, diffusers, transformers and safetensors are installed."""
    for package in ("torch", "diffusers", "transformers", "safetensors"):
        if importlib.util.find_spec(package) is None:
            raise MissingRequirement.extra(package, "diffusion", purpose)  # noqa: S610 - no database here


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model whose weights are here, and everything its images depend on; can be sent to a worker."""

    source: ModelSource
    sampling: Sampling = field(default_factory=Sampling)
    execution: Execution = field(default_factory=Execution)
    adapters: tuple[Adapter, ...] = ()

    def options(self) -> dict[str, Any]:
        """What the pipeline is called with, beside prompts and generators."""
        chosen, source = self.sampling, self.source
        options = {
            "num_inference_steps": chosen.steps if chosen.steps is not None else source.steps,
            "guidance_scale": chosen.guidance if chosen.guidance is not None else source.guidance,
            "width": chosen.width,
            "height": chosen.height,
        }
        return {name: value for name, value in options.items() if value is not None}

    def settings(self) -> dict[str, Any]:
        """Steps and guidance that hold: those chosen, else the defaults of the pipeline's class."""
        import diffusers

        kind = getattr(diffusers, self.source.family, None)
        call = inspect.signature(kind.__call__).parameters if kind is not None else {}
        options = self.options()
        named = {"steps": "num_inference_steps", "guidance": "guidance_scale"}
        return {name: options.get(word, call[word].default) for name, word in named.items() if word in call}

    def precision(self) -> str:
        """The precision that the pipeline computes in."""
        return self.execution.precision(transformer=self.source.has_transformer)

    def identity(self) -> dict[str, Any]:
        """What the images depend on, as JSON values."""
        adapters = {"lora": [each.identity() for each in self.adapters]} if self.adapters else {}
        chosen: dict[str, Any] = {"attention": self.execution.attention, "compile": self.execution.compile or None}
        chosen["channels_last"] = None if self.execution.channels_last else False
        return {
            "model": self.source.digest(),
            "pipeline": self.source.family,
            "sampler": self.source.sampler,
            "device": self.execution.kind(),
            "precision": self.precision(),
            "negative_prompt": self.sampling.negative_prompt,
            "safety_checker": self.sampling.safety_checker,
            **adapters,
            **{name: value for name, value in chosen.items() if value is not None},
            **self.options(),
        }


class PipelineBackend:
    """A loaded text-to-image pipeline on one device."""

    fixed_batches = True
    price = 0.0

    def __init__(self, model: LocalModel, device: str | None = None) -> None:
        need_diffusion("generating with a local model")
        import torch

        self._torch, self._model = torch, model
        kind = model.execution.kind()
        self._device = device or (kind if model.execution.device == "auto" else model.execution.device)
        self._chunk: int | None = None
        dtype = getattr(torch, model.precision())
        self._pipeline = load_pipeline(model.source, safety_checker=model.sampling.safety_checker, dtype=dtype)
        self._pipeline.set_progress_bar_config(disable=True)
        lora.apply(self._pipeline, model.adapters)
        self._options = model.options()
        place(self._pipeline, model.execution, self._device, small=self._small())
        if type(self._pipeline).__name__ == "PixArtSigmaPipeline" and model.sampling.width is not None:
            self._options["use_resolution_binning"] = False  # the size that was asked for, not a near one resized
        guided = self._options.get("guidance_scale") is None or self._options["guidance_scale"] > 1
        self._prompts = PromptCache(self._pipeline, model.sampling.negative_prompt, guided=guided)

    def identity(self) -> Mapping[str, Any]:
        """See :class:`mimetic2.generation.backend.Backend`."""
        return self._model.identity()

    def automatic_batch_size(self, jobs: Sequence[ImageJob]) -> int:
        """What fits 80 % of the device's memory, at most 64.

        On a CPU by size in pixels and the machine's memory, on a GPU by the peaks of one image and of two. Neither
        depends on what else runs at the time, as far as that can be had, so that the same study gets the same batches.
        """
        if self._device.startswith("cuda"):
            return min(_LARGEST_BATCH, self._fits_gpu(jobs[0]))
        lanes = self._torch.get_num_threads() if self._small() else 1
        return max(1, min(_LARGEST_BATCH, int(usable_memory() * _SHARE / lanes / self._pixels() / _CPU_BYTES_A_PIXEL)))

    def _fits_gpu(self, job: ImageJob) -> int:
        cuda, peaks = self._torch.cuda, []
        for n in (1, 2):
            cuda.empty_cache()
            cuda.reset_peak_memory_stats(self._device)
            self._call(self._pipeline, [job] * n)
            peaks.append(cuda.max_memory_allocated(self._device))
        total = cuda.get_device_properties(self._device).total_memory
        each = max(peaks[1] - peaks[0], 1)
        return max(1, int((total * _SHARE - peaks[0]) / each) + 1)

    def _pixels(self) -> int:
        width, height = self._options.get("width"), self._options.get("height")
        scale = getattr(self._pipeline, "vae_scale_factor", 8)
        denoiser = getattr(self._pipeline, "transformer", None) or self._pipeline.unet
        latent = getattr(self._pipeline, "default_sample_size", None) or denoiser.config.get("sample_size") or 128
        native = scale * (latent if isinstance(latent, int) else max(latent))
        return int(width or native) * int(height or native)

    def _small(self) -> bool:
        return self._device == "cpu" and self._pixels() <= _SMALL_PIXELS

    def render(self, batches: Sequence[Sequence[ImageJob]]) -> Outcomes:
        """See :class:`mimetic2.generation.backend.Backend`; where a GPU's memory runs out, in ever smaller parts.

        Small pictures on a CPU: several batches at once, one core each. Their bytes then depend on no number of cores.
        """
        if self._small():
            yield from in_lanes(lambda: with_own_scheduler(self._pipeline), self._call, batches)
            return
        for number, jobs in enumerate(batches):
            yield from ((number, made) for made in self._in_parts(jobs))

    def _in_parts(self, jobs: Sequence[ImageJob]) -> Iterator[list[Made]]:
        start = 0
        while start < len(jobs):
            part = jobs[start : start + (self._chunk or len(jobs))]
            try:
                made = self._call(self._pipeline, part)
            except self._torch.cuda.OutOfMemoryError as error:
                if len(part) == 1:
                    raise InputError("one image does not fit the GPU's memory; choose a smaller size") from error
                self._chunk = (len(part) + 1) // 2
                self._torch.cuda.empty_cache()
                log(f"out of GPU memory: going on with {self._chunk} images at a time (at most one grey level differs)")
                continue
            start += len(part)
            yield made

    def _call(self, pipeline: Any, jobs: Sequence[ImageJob]) -> list[Made]:
        generators = [self._torch.Generator("cpu").manual_seed(job.seed) for job in jobs]
        with self._torch.inference_mode():
            words = self._prompts.arguments([job.text for job in jobs])
            output = pipeline(**words, **self._options, generator=generators, output_type="np")
        blanked = getattr(output, "nsfw_content_detected", None) or [False] * len(jobs)
        return [_made(*each) for each in zip(jobs, output.images, blanked, strict=True)]


def _made(job: ImageJob, picture: Any, blanked: bool) -> Made:
    reason = SAFETY_CHECKER if blanked else fault(picture)
    return Made(job, None if reason else to_bytes(np.asarray(picture)), reason)
