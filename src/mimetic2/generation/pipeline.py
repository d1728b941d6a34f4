"""Images from a diffusers pipeline, whatever its family.

Each image has a generator of its own on the CPU, also where the model runs on a GPU: the initial noise is then the same
everywhere, and so is the noise that an ancestral sampler adds.
"""

from __future__ import annotations

import importlib.util
import json
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mimetic2.errors import InputError, MissingRequirement
from mimetic2.generation.backend import Sampling
from mimetic2.generation.models import ModelSource
from mimetic2.generation.prompts import ImageJob
from mimetic2.generation.quality import SAFETY_CHECKER, fault, to_bytes
from mimetic2.generation.store import Made

_CPU_BATCH = 64


def need_diffusion(purpose: str) -> None:
    """Raise :class:`MissingRequirement` unless torch, diffusers, transformers and safetensors are installed."""
    for package in ("torch", "diffusers", "transformers", "safetensors"):
        if importlib.util.find_spec(package) is None:
            raise MissingRequirement.extra(package, "diffusion", purpose)  # noqa: S610 - no database here


class PipelineBackend:
    """A loaded text-to-image pipeline."""

    default_batch_size = _CPU_BATCH

    def __init__(self, source: ModelSource, sampling: Sampling) -> None:
        need_diffusion("generating with a local model")
        import torch

        self._source = source
        self._sampling = sampling
        self._torch = torch
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._pipeline = _load(source, sampling, torch.float32 if self._device == "cpu" else torch.float16)
        self._pipeline.set_progress_bar_config(disable=True)
        self._pipeline.to(self._device)
        for part in self._pipeline.components.values():
            if isinstance(part, torch.nn.Module) and any(p.dim() == 4 for p in part.parameters()):
                part.to(memory_format=torch.channels_last)
        steps = sampling.steps if sampling.steps is not None else source.steps
        guidance = sampling.guidance if sampling.guidance is not None else source.guidance
        options = {
            "num_inference_steps": steps,
            "guidance_scale": guidance,
            "width": sampling.width,
            "height": sampling.height,
        }
        self._options = {name: value for name, value in options.items() if value is not None}

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

    def render(self, jobs: Sequence[ImageJob]) -> list[Made]:
        """See :class:`mimetic2.generation.backend.Backend`."""
        generators = [self._torch.Generator("cpu").manual_seed(job.seed) for job in jobs]
        texts: dict[str, Any] = {"prompt": [job.text for job in jobs]}
        if self._sampling.negative_prompt is not None:
            texts["negative_prompt"] = [self._sampling.negative_prompt] * len(jobs)
        with self._torch.inference_mode():
            output = self._pipeline(**texts, **self._options, generator=generators, output_type="np")
        blanked = getattr(output, "nsfw_content_detected", None) or [False] * len(jobs)
        return [_made(job, picture, blank) for job, picture, blank in zip(jobs, output.images, blanked, strict=True)]


def _made(job: ImageJob, picture: Any, blanked: bool) -> Made:
    reason = SAFETY_CHECKER if blanked else fault(picture)
    return Made(job, None if reason else to_bytes(np.asarray(picture)), reason)


def _load(source: ModelSource, sampling: Sampling, dtype: Any) -> Any:
    from diffusers import AutoPipelineForText2Image

    index = json.loads((source.path / "model_index.json").read_text(encoding="utf-8"))
    extra = {} if sampling.safety_checker or "safety_checker" not in index else {"safety_checker": None}
    if extra:
        extra["requires_safety_checker"] = False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of libraries, about their own future; ours are errors in the tests
            return AutoPipelineForText2Image.from_pretrained(
                source.path, dtype=dtype, use_safetensors=True, local_files_only=True, low_cpu_mem_usage=False, **extra
            )
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"cannot be loaded ({' '.join(str(error).split())[:300]})", file=source.path) from error
