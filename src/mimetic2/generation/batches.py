"""Which images share a batch: fixed by the concept's own images and the batch size alone.

Kernels of different batch shape round differently, so a batch must hold the same images in the same places whatever
else is in the study and wherever an interruption fell. Batches therefore never cross concepts and all have one shape;
the last one is padded with copies of its last image.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mimetic2.generation.prompts import ImageJob


@dataclass(frozen=True, slots=True)
class Batch:
    """Jobs in their places; the first ``real`` of them are wanted, the rest is padding."""

    jobs: tuple[ImageJob, ...]
    real: int

    @property
    def wanted(self) -> tuple[ImageJob, ...]:
        """The jobs without the padding."""
        return self.jobs[: self.real]


def batch_shape(n_images: int, batch_size: int) -> int:
    """The common shape of a concept's batches: as few batches as ``batch_size`` allows, as even as possible."""
    return math.ceil(n_images / math.ceil(n_images / batch_size))


def batches_of(jobs: Sequence[ImageJob], batch_size: int) -> list[Batch]:
    """The batches of one concept's jobs."""
    shape = batch_shape(len(jobs), batch_size)
    batches = []
    for start in range(0, len(jobs), shape):
        own = tuple(jobs[start : start + shape])
        batches.append(Batch(own + (own[-1],) * (shape - len(own)), len(own)))
    return batches
