"""`plan`: what a study will cost, what it can be expected to show, and which concepts would help most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mimetic2.planning.allocation import Floats, Spread, allocate, useful_images
from mimetic2.planning.assumptions import NOTHING_GIVEN, Given
from mimetic2.planning.basis import Basis, find_basis
from mimetic2.planning.cost import Cost, cost_of
from mimetic2.planning.power import Power, simulate
from mimetic2.planning.proposal import Bin, added, place
from mimetic2.planning.scenarios import Scenario
from mimetic2.progress import bar
from mimetic2.study import Study, load_study

RUNS = 100
GROWTH, MOST_GROWTH = (1.0, 1.5, 2.0, 3.0), 5.0
"""Numbers of concepts that are simulated, as multiples of what there is."""
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
    power: tuple[Power, ...]
    proposal: tuple[Bin, ...]
    more: int
    focused: bool
    affordable: int | None
    runs: int

    @property
    def next_power(self) -> tuple[Power, ...]:
        """What the study would conclude with the proposed concepts."""
        return tuple(row for row in self.power if row.concepts == len(self.basis.counts) + self.more)

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
            "power": [asdict(row) for row in self.power],
            "proposal": {
                "concepts": self.more,
                "around_the_open_place": self.focused,
                "counts": [asdict(row) for row in self.proposal if row.add],
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
    number of concepts and each truth; 100 give rates with a standard error of at most 5 points. ``given`` replaces
    noise and rise.

    Raises :class:`InputError` for a wrong study, a run without scores, or counts that cannot carry a threshold.
    """
    study = load_study(study_path)
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
    sizes = _sizes(len(basis.counts), None if basis.needed is None else basis.needed[0], affordable)
    rows, bins, focused = _simulate(basis, sizes, images, runs, study)
    return Plan(
        name=study.name,
        basis=basis,
        cost=cost,
        images=images,
        precision=_precision(basis),
        useful=None if spread is None else _finite(useful_images(spread)),
        power=tuple(rows),
        proposal=tuple(bins),
        more=sizes[1] - sizes[0] if len(sizes) > 1 else 0,
        focused=focused,
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


def _sizes(n: int, needed: int | None, affordable: int | None) -> list[int]:
    """Numbers of concepts to simulate: those there are, then more, what an undecided verdict needs among them."""
    more = {round(n * growth) for growth in GROWTH[1:]}
    if needed is not None and needed <= n * MOST_GROWTH:
        more.add(needed)
    if affordable is not None:
        more = {min(size, affordable) for size in more}
    return [n, *sorted(size for size in more if size > n)]


def _precision(basis: Basis) -> tuple[Precision, ...]:
    rows = []
    for images in PER_PROMPT:
        wider = basis.noise.wider(basis.counts, images * basis.prompts)
        if wider is not None:
            noise = float(np.sqrt((basis.noise.at(basis.counts, images * basis.prompts) ** 2).mean()))
            rows.append(Precision(images, noise, wider))
    return tuple(rows)


def _simulate(
    basis: Basis, sizes: Sequence[int], images: float, runs: int, study: Study
) -> tuple[list[Power], list[Bin], bool]:
    """Power by size and truth, and the concepts that the first larger size adds.

    Where something is open, adding around it and adding everywhere are both simulated at that size. What ends in the
    right verdict more often if the likeliest shape is true, or else gives the narrower interval, serves all sizes.
    """
    n = sizes[0]
    options: list[tuple[float, float] | None] = [None] if basis.open_at is None else [basis.open_at, None]
    total = len(basis.scenarios) * (len(sizes) + (len(options) - 1) * (len(sizes) > 1))
    with bar("simulate", total * runs, unit="studies") as progress:

        def at(size: int, focus: tuple[float, float] | None) -> list[Power]:
            counts = np.concatenate((basis.counts, added(place(basis.counts, size - n, focus))))
            return [
                _power(basis, counts, images, scenario, runs, study, progress.advance) for scenario in basis.scenarios
            ]

        rows = at(n, None)
        if len(sizes) == 1:
            return rows, [], False
        tried = [at(sizes[1], focus) for focus in options]
        best = max(range(len(options)), key=lambda option: (_quality(tried[option], basis.likeliest), -option))
        rows += tried[best]
        for size in sizes[2:]:
            rows += at(size, options[best])
    return rows, place(basis.counts, sizes[1] - n, options[best]), options[best] is not None


def _power(
    basis: Basis, counts: Floats, images: float, scenario: Scenario, runs: int, study: Study, advance: Any
) -> Power:
    row = simulate(counts, basis.noise.at(counts, images), scenario, runs=runs, seed=study.seed, level=study.level)
    advance(runs)
    return replace(row, runs=runs)


def _quality(rows: Sequence[Power], likeliest: str | None) -> tuple[float, float]:
    """Rate of the right verdict, then how narrow the interval is, if the likeliest shape is true."""
    row = next((row for row in rows if row.truth == likeliest), rows[0])
    return row.right, 0.0 if row.factor is None else -row.factor
