"""A case of the second study: one topic, world, noise and number of concepts, simulated many times."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from mimetic2.seeding import generator
from mimetic2.threshold.segmentation import Floats
from mimetic2.validation.bins import draw_counts
from mimetic2.validation.worlds import Truth, draw_noise, draw_truth

TABLE, RISE, LEVEL, DRAWS = "politicians", 0.3, 0.95, 199

Outcome = Mapping[str, bool | float | None]
"""What one simulated study gave, by event: whether it happened, or a number; None where there was nothing to see."""


class Kind(StrEnum):
    """How an event is read: ``covers`` and ``finds`` should be frequent, ``errs`` rare, a ``median`` is a number."""

    COVERS = "covers"
    ERRS = "errs"
    FINDS = "finds"
    MEDIAN = "median"


@dataclass(frozen=True)
class Event:
    """What is noted of every study of a topic; ``limit``: the rate required, None where nothing is promised.

    Cases with fewer than ``least_n`` concepts need not keep the limit.
    """

    kind: Kind
    limit: float | None = None
    least_n: int = 44


COVERS_95 = Event(Kind.COVERS, 0.93)
ERRS_5 = Event(Kind.ERRS, 0.05)


@dataclass(frozen=True)
class Case:
    """What is simulated again and again; ``condition`` means what the topic makes of it."""

    topic: str
    world: str
    n: int
    noise: str = "sd .10"
    condition: str = ""
    seed: int = 0

    def rng(self, run: int) -> np.random.Generator:
        """The generator of one study of this case."""
        return generator(self.seed, "estimates", self.topic, self.world, self.noise, self.condition, self.n, run)


@dataclass(frozen=True)
class Topic:
    """A part of the study.

    ``study`` simulates one study of a case; ``events`` are all that it may note; ``share`` of the runs asked for is
    made, since some studies are dear.
    """

    title: str
    about: str
    study: Callable[[Case, np.random.Generator], Outcome]
    events: Mapping[str, Event]
    cases: tuple[Case, ...]
    quick: tuple[Case, ...] = ()
    share: float = 1.0
    revision: int = 1


@dataclass(frozen=True)
class Sample:
    """One simulated table: counts (n,) ascending, its truth and its scores (n,)."""

    counts: Floats
    truth: Truth
    scores: Floats

    @property
    def place(self) -> float:
        """The count of the step or of the ramp's midpoint; NaN in worlds without."""
        places = [place for place in (self.truth.step, self.truth.midpoint) if place is not None]
        return places[0] if places else np.nan


def draw_sample(case: Case, rng: np.random.Generator) -> Sample:
    """Counts, truth and scores of one study of ``case``."""
    counts = draw_counts(TABLE, case.n, rng)
    truth = draw_truth(case.world, RISE, counts, rng)
    return Sample(counts, truth, truth.mean + draw_noise(case.noise, counts, rng))


def holds_step(low: int, high: int, sample: Sample) -> bool:
    """Whether the interval meets the gap between the last observed count below the step and the first above it."""
    below, above = (sample.counts[side] for side in (sample.counts < sample.place, sample.counts >= sample.place))
    return bool(low <= above[0] and high > below[-1])
