"""`plan`: what a study will cost, what it can be expected to show, and which concepts would help most."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mimetic2.errors import InputError
from mimetic2.planning.allocation import Floats, Spread, allocate, useful_images
from mimetic2.planning.assumptions import NOTHING_GIVEN, Given
from mimetic2.planning.basis import Basis, find_basis
from mimetic2.planning.cost import Cost, cost_of
from mimetic2.planning.growth import Growth, grow
from mimetic2.planning.power import Power
from mimetic2.study import Study, load_study
from mimetic2.threshold.arguments import number, whole

RUNS = 200
PER_PROMPT = (1, 2, 5, 10, 20, 50, 200)
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Precision:
    """With ``images`` per prompt a score's standard deviation around the curve, averaged over the concepts; and how
    much wider than with the paper's 1 000 images a concept the threshold's interval is (0.05: by 5 %)."""

    images: int
    noise: float
    wider: float


@dataclass(frozen=True)
class Plan:
    """The answer of :func:`make_plan`; ``to_dict`` is what ``--json`` prints."""

    name: str
    basis: Basis
    cost: Cost
    images: float
    precision: tuple[Precision, ...]
    useful: float | None
    growth: Growth
    affordable: int | None
    runs: int

    def power(self, more: int = 0) -> tuple[Power, ...]:
        """What the study would conclude with ``more`` concepts than there are, for each truth."""
        return tuple(row for row in self.growth.power if row.concepts == len(self.basis.counts) + more)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, absent numbers None."""
        return {
            "schema_version": SCHEMA_VERSION,
            "study": self.name,
            "basis": self.basis.to_dict(),
            "cost": asdict(self.cost),
            "images_per_concept": self.images,
            "images_per_prompt": [asdict(row) for row in self.precision],
            "useful_images_per_concept": self.useful,
            "power": [asdict(row) for row in self.growth.power],
            "proposal": {
                "concepts": self.growth.more,
                "counts": [asdict(row) for row in self.growth.proposal if row.add],
                "enough": self.growth.enough,
                "enough_without": self.growth.enough_now,
            },
            "affordable_concepts": self.affordable,
            "runs": self.runs,
        }


def make_plan(
    study_path: str | Path,
    *,
    run: str | Path | None = None,
    budget: int | None = None,
    runs: int = RUNS,
    images_per_second: float | None = None,
    given: Given = NOTHING_GIVEN,
) -> Plan:
    """Plan a study: from its counts alone, or from what a finished ``run`` of it measured (by default its own).

    ``budget``: images in all; no more concepts are proposed than it pays for. ``runs``: simulated studies for each
    number of concepts and each truth; 200 give rates with a standard error of at most 3.5 points. ``given`` replaces
    noise and rise. Where the study's images are given only concepts are planned.

    Raises :class:`InputError` for a wrong study, a run without scores, counts that cannot carry a threshold, and a
    budget or a speed where images are given.
    """
    whole(runs, "runs", 1)
    if budget is not None:
        whole(budget, "budget", 1)
    if images_per_second is not None and not 0 < number(images_per_second, "speed") < math.inf:
        raise InputError(f"the speed is {images_per_second} images per second", accepted="numbers above 0")
    study = load_study(study_path)
    if study.generated is not None and (budget is not None or images_per_second is not None):
        raise InputError("the study's images are given: none are made", accepted="no budget and no images per second")
    basis = find_basis(study, Path(study_path), None if run is None else Path(run), given)
    spread = basis.noise.spread(basis.counts)
    images = _images(study, basis, spread)
    cost = cost_of(
        study,
        basis.concepts,
        basis.prompts,
        images=images,
        mentions=basis.mentions,
        images_per_second=images_per_second,
    )
    affordable = None if budget is None else int(budget // images)
    return Plan(
        name=study.name,
        basis=basis,
        cost=cost,
        images=images,
        precision=_precision(basis),
        useful=None if spread is None or basis.given else _finite(useful_images(spread)),
        growth=grow(basis, images, study, runs=runs, affordable=affordable),
        affordable=affordable,
        runs=runs,
    )


def _images(study: Study, basis: Basis, spread: Spread | None) -> float:
    """Images a concept, on average: as the study says or, where it is adaptive, as it is expected to decide."""
    if study.adaptive is None or spread is None:
        return float(basis.images)
    numbers = allocate(
        basis.counts,
        spread,
        prompts=basis.prompts,
        first=study.images,
        most=study.adaptive.most,
        budget=study.adaptive.budget,
    )
    return float(numbers.mean()) * basis.prompts


def _finite(images: Floats) -> float | None:
    mean = float(np.mean(images))
    return round(mean, 1) if np.isfinite(mean) else None


def _precision(basis: Basis) -> tuple[Precision, ...]:
    if basis.given:
        return ()
    rows = []
    for images in PER_PROMPT:
        wider = basis.noise.wider(basis.counts, images * basis.prompts)
        if wider is not None:
            noise = float(np.sqrt((basis.noise.at(basis.counts, images * basis.prompts) ** 2).mean()))
            rows.append(Precision(images, noise, wider))
    return tuple(rows)
