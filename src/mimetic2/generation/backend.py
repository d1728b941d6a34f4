"""What a source of images must offer, whether a local pipeline or an API, and how it is asked to work."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from mimetic2.generation.prompts import ImageJob
from mimetic2.generation.store import Made

Outcomes = Generator[tuple[int, list[Made]], None, None]
"""(Index of the batch, outcomes of some of its jobs); each job comes once, in any order."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How images are sampled. None leaves a value to the model: its native size, its own steps and guidance."""

    steps: int | None = None
    guidance: float | None = None
    negative_prompt: str | None = None
    width: int | None = None
    height: int | None = None
    safety_checker: bool = False


class Backend(Protocol):
    """Makes the images of a batch.

    ``fixed_batches``: an image's last bits depend on the batch around it, so batches must keep their shape and members;
    otherwise only missing images are asked for. ``price``: what one image costs, 0 where it costs nothing.
    """

    fixed_batches: bool
    price: float

    def automatic_batch_size(self, jobs: Sequence[ImageJob]) -> int:
        """The batch size to use where none is asked for; ``jobs`` are those of one concept, to try with."""

    def identity(self) -> Mapping[str, Any]:
        """What the images depend on, as JSON values: model digest, sampler, steps, guidance, precision."""

    def render(self, batches: Sequence[Sequence[ImageJob]]) -> Outcomes:
        """Outcomes as they are ready."""
