"""From what the user calls a model to a backend that makes its images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mimetic2.errors import InputError
from mimetic2.generation.adapters import Adapter
from mimetic2.generation.api import UNREPEATABLE, Api, ApiBackend, is_address, need_fetch
from mimetic2.generation.backend import Backend, Sampling
from mimetic2.generation.execution import Execution
from mimetic2.generation.models import ModelSource, resolve_model
from mimetic2.generation.presets import UNKNOWN_TRAINING, model_warnings, presets


@dataclass(frozen=True, slots=True)
class Opened:
    """A backend, and what is to be said about it: facts for the record, warnings for every output."""

    backend: Backend
    facts: dict[str, Any]
    warnings: tuple[str, ...]


def open_model(
    model: str,
    sampling: Sampling,
    *,
    execution: Execution | None = None,
    lora: Sequence[Adapter] = (),
    api: Api | None = None,
    pipeline_config: Path | None = None,
    allow_download: bool = False,
) -> Opened:
    """The backend of a model: a pipeline in this process, pipelines in workers, or an API.

    Raises :class:`InputError` for options that the kind of model does not have.
    """
    chosen = (execution, tuple(lora), api, pipeline_config)
    if is_address(model):
        api = _check_api(model, *chosen)
        return Opened(
            ApiBackend(model, api, sampling), {"endpoint": model, "model": api.model}, (UNREPEATABLE, UNKNOWN_TRAINING)
        )
    source = _check_local(model, *chosen, allow_download=allow_download)
    backend, settings = _local(source, sampling, execution or Execution(), tuple(lora))
    return Opened(backend, {**facts(source), "settings": settings}, _warnings(source))


def _warnings(source: ModelSource) -> tuple[str, ...]:
    """What is known of the training data of a preset; of the lab's models, of which everything is, nothing."""
    if source.name in presets():
        return model_warnings(source.name)
    return () if source.of_lab else (UNKNOWN_TRAINING,)


def check_model(
    model: str,
    sampling: Sampling,
    *,
    execution: Execution | None = None,
    lora: Sequence[Adapter] = (),
    api: Api | None = None,
    pipeline_config: Path | None = None,
    allow_download: bool = False,
) -> Path | None:
    """Raise what would keep the model from being opened; its folder or file, None for an API.

    A model that is not here is fetched where ``allow_download`` is given.
    """
    chosen = (execution, tuple(lora), api, pipeline_config)
    if is_address(model):
        ApiBackend(model, _check_api(model, *chosen), sampling)
        return None
    return _check_local(model, *chosen, allow_download=allow_download).path


def _check_api(
    model: str, execution: Execution | None, lora: tuple[Adapter, ...], api: Api | None, config: Path | None
) -> Api:
    local = {"--lora": lora or None, "--pipeline-config": config, "--device, --dtype and --workers": execution}
    for option, value in local.items():
        if value is not None:
            raise InputError(f"{option} has no effect on a model behind an API", accepted="a local model")
    if api is None:
        raise InputError("the endpoint's model has no name", accepted="--api-model NAME, as the provider calls it")
    need_fetch()
    return api


def _check_local(
    model: str,
    execution: Execution | None,
    lora: tuple[Adapter, ...],
    api: Api | None,
    config: Path | None,
    *,
    allow_download: bool,
) -> ModelSource:
    if api is not None:
        raise InputError(f"'{model}' is not behind an API", accepted="--model https://HOST/v1 with --api-model NAME")
    source = resolve_model(model, allow_download=allow_download, config=config)
    if config is not None and not source.single_file:
        raise InputError(
            "--pipeline-config has no effect on a model that brings its own", accepted="a single checkpoint"
        )
    return source


def _local(
    source: ModelSource, sampling: Sampling, execution: Execution, adapters: tuple[Adapter, ...]
) -> tuple[Backend, dict[str, Any]]:
    """The backend, and the steps and guidance that hold, also where the pipeline's own defaults do."""
    from mimetic2.generation.pipeline import LocalModel, PipelineBackend, need_diffusion
    from mimetic2.generation.pool import PoolBackend

    need_diffusion("generating with a local model")
    if (sampling.width or 0) % 8 or (sampling.height or 0) % 8:
        size = f"{sampling.width}x{sampling.height}"
        raise InputError(f"local models make no images of {size} pixels", accepted="multiples of 8")
    chosen = LocalModel(source, sampling, execution, adapters)
    shared = execution.engine != "local" or execution.number_of_workers() > 1
    return (PoolBackend(chosen) if shared else PipelineBackend(chosen)), chosen.settings()


def facts(source: ModelSource) -> dict[str, Any]:
    """Where a model came from, as far as it is known: repository, revision, licence, training data."""
    preset = presets().get(source.name)
    known: dict[str, Any] = {"model": source.name, "repository": source.repository, "revision": source.revision}
    if preset is not None:
        known |= {"licence": preset.licence, "training_data": preset.training_data.model_dump()}
        known |= {"unverified": list(preset.unverified)}
    return {name: value for name, value in known.items() if value is not None}
