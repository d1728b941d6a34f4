"""Batches of a local model over several workers: one a GPU of this machine, or those of a cluster.

The batches are those that one pipeline would make, whoever makes them; results come back to one process, which alone
writes. A worker that dies is replaced and its batch made again (see :mod:`mimetic2.engines`). On a cluster the model's
files must lie under the same path everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mimetic2.engines import Engine, get_engine, worker_number
from mimetic2.generation.backend import Outcomes
from mimetic2.generation.pipeline import LocalModel, PipelineBackend
from mimetic2.generation.prompts import ImageJob
from mimetic2.generation.store import Made

_opened: dict[LocalModel, PipelineBackend] = {}
"""A worker's pipeline, loaded at its first batch and kept; one at a time."""


class PoolBackend:
    """A local model with a pipeline in each worker."""

    fixed_batches = True
    price = 0.0

    def __init__(self, model: LocalModel) -> None:
        execution = model.execution
        here = execution.engine == "local"
        self._model, self._workers = model, execution.number_of_workers() if here else execution.workers
        gpus = 1 if execution.kind() == "cuda" else 0
        self._engine: Engine = get_engine(execution.engine, address=execution.address, workers=self._workers, gpus=gpus)

    def identity(self) -> Mapping[str, Any]:
        """See :class:`mimetic2.generation.backend.Backend`."""
        return self._model.identity()

    def automatic_batch_size(self, jobs: Sequence[ImageJob]) -> int:
        """The smallest that a worker finds to fit."""
        probes = [(self._model, jobs[0])] * (self._workers or 1)
        sizes = [int(size) for _, size in self._engine.run(_probe, probes)]
        return min(sizes)

    def render(self, batches: Sequence[Sequence[ImageJob]]) -> Outcomes:
        """See :class:`mimetic2.generation.backend.Backend`."""
        yield from self._engine.run(_render, [(self._model, tuple(batch)) for batch in batches])


def _backend(model: LocalModel) -> PipelineBackend:
    if model not in _opened:
        _opened.clear()
        _opened[model] = PipelineBackend(model, _own_device(model))
    return _opened[model]


def _own_device(model: LocalModel) -> str | None:
    """The worker's GPU; None for a device that was chosen by number, or where there is no choice."""
    if model.execution.kind() != "cuda" or ":" in model.execution.device:
        return None
    import torch

    return f"cuda:{worker_number() % torch.cuda.device_count()}"


def _probe(task: tuple[LocalModel, ImageJob]) -> int:
    model, job = task
    return _backend(model).automatic_batch_size([job])


def _render(task: tuple[LocalModel, tuple[ImageJob, ...]]) -> list[Made]:
    model, jobs = task
    return [made for _, part in _backend(model).render([jobs]) for made in part]
