"""What a source of images must offer, whether a local pipeline or an API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from mimetic2.generation.prompts import ImageJob
from mimetic2.generation.store import Made


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
    """Makes the images of a batch."""

    def automatic_batch_size(self, jobs: Sequence[ImageJob]) -> int:
        """The batch size to use where none is asked for; ``jobs`` are some to try with."""

    def identity(self) -> Mapping[str, Any]:
        """What the images depend on, as JSON values: model digest, sampler, steps, guidance, precision."""

    def render(self, jobs: Sequence[ImageJob]) -> list[Made]:
        """One outcome a job, in order."""
