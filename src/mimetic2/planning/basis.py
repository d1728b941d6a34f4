"""What a plan rests on: counts, noise and what may be true, from a study's own run where it has one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mimetic2.countstable import read_counts
from mimetic2.errors import InputError
from mimetic2.planning.allocation import Floats
from mimetic2.planning.assumptions import COMPONENTS, NOTHING_GIVEN, OTHER_DOMAIN, Given
from mimetic2.planning.noise import Noise, assumed, measured
from mimetic2.planning.plausible import after_pilot, without_pilot
from mimetic2.planning.scenarios import Scenario, fitted, supposed
from mimetic2.seeding import generator
from mimetic2.tables import numbers, read_table
from mimetic2.threshold.conclusion import conclude
from mimetic2.threshold.observations import LEAST_CONCEPTS, LEAST_COUNTS, conclusive
from mimetic2.threshold.planning import concepts_needed
from mimetic2.threshold.table import read_threshold_table
from mimetic2.threshold.verdict import DRAWS, Verdict

if TYPE_CHECKING:
    from mimetic2.study import Study

SUPPOSED_COUNTS = (1.0, 10_000.0)


@dataclass(frozen=True)
class Basis:
    """``counts`` (n,) that can carry a score, of ``concepts`` in the study, with ``images`` each on average.

    ``scenarios`` are simulated; ``plausible`` are many rising curves, for which concepts are proposed. ``given``: the
    images exist already and are no matter of planning. Of the run, where there is one: ``verdict``, the ``likely``
    shapes (the best one and its rival), ``interval`` and, where it is undecided, ``needed``: how many concepts, and the
    counts at which they should mostly be.
    """

    counts: Floats
    counts_source: str
    concepts: int
    prompts: int
    images: float
    noise: Noise
    scenarios: tuple[Scenario, ...]
    scenarios_source: str
    plausible: tuple[Scenario, ...]
    given: bool
    mentions: list[float] | None = None
    verdict: str | None = None
    likely: tuple[str, ...] = ()
    interval: tuple[int, int] | None = None
    needed: tuple[int, tuple[int, int]] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        noise = float(np.sqrt((self.noise.at(self.counts, self.images) ** 2).mean()))
        needed = None if self.needed is None else {"concepts": self.needed[0], "counts": list(self.needed[1])}
        return {
            "concepts": self.concepts,
            "usable_counts": len(self.counts),
            "counts": self.counts_source,
            "noise": {"sd": noise, "between": self.noise.between, "source": self.noise.source},
            "truths": {"shapes": [scenario.words for scenario in self.scenarios], "source": self.scenarios_source},
            "verdict": self.verdict,
            "interval": None if self.interval is None else list(self.interval),
            "needed": needed,
        }


def find_basis(study: Study, path: Path, run: Path | None, given: Given = NOTHING_GIVEN) -> Basis:
    """From ``run`` (default: the study's own) where it has scores, else from counts and assumptions.

    ``given`` replaces measured or assumed numbers.
    """
    from mimetic2.runs.choices import prompts_of
    from mimetic2.runs.running import default_folder

    folder = run if run is not None else default_folder(path)
    prompts = len(prompts_of(study))
    if run is not None and not (run / "scores.csv").is_file():
        raise InputError("holds no scores.csv", file=run, accepted="a finished run of this study")
    if (folder / "scores.csv").is_file():
        if given.rise is not None:
            raise InputError("a rise cannot be given: the run shows one", file=folder, accepted="no --rise")
        return _from_run(study, folder, prompts, given)
    return _from_counts(study, folder, prompts, given)


def _from_run(study: Study, run: Path, prompts: int, given: Given) -> Basis:
    table = read_threshold_table(run / "scores.csv")
    _enough(table.counts, run / "scores.csv")
    order = np.argsort(table.counts, kind="stable")
    counts, scores = table.counts[order], table.scores[order]
    error = None if table.score_se is None else table.score_se[order]
    found = conclude(counts, scores, error, level=study.level, seed=study.seed, draws=DRAWS)
    undecided = found.verdict is Verdict.UNDECIDED
    return Basis(
        counts=counts,
        counts_source=f"{len(counts)} concepts with a score in {run.resolve().name}",
        concepts=len(counts) + sum(table.excluded.values()),
        prompts=prompts,
        images=_images_each(study, prompts),
        noise=measured(run, table).instead(given),
        scenarios=tuple(fitted(found.design, dict(found.fits))),
        scenarios_source=f"each shape as it fits the scores of {run.resolve().name} best",
        plausible=tuple(after_pilot(found.design, found.scores, generator(study.seed, "proposal"))),
        given=study.generated is not None,
        verdict=found.verdict.value,
        likely=tuple(fit.shape for fit in found.rivals),
        interval=found.place.interval,
        needed=concepts_needed(found.design, *found.rivals) if undecided else None,
    )


def _from_counts(study: Study, folder: Path, prompts: int, given: Given) -> Basis:
    components = COMPONENTS.get(study.domain, OTHER_DOMAIN)
    rise = components.rise if given.rise is None else given.rise
    counts, source, concepts, mentions = _counts(study, folder)
    return Basis(
        counts=np.sort(counts),
        counts_source=source,
        concepts=concepts,
        prompts=prompts,
        images=_images_each(study, prompts),
        noise=assumed(components).instead(given),
        scenarios=tuple(supposed(counts, rise)),
        scenarios_source=f"a rise of {rise:g}: {'as given' if given.rise is not None else components.source}",
        plausible=tuple(without_pilot(np.sort(counts), rise)),
        given=study.generated is not None,
        mentions=mentions,
    )


def _images_each(study: Study, prompts: int) -> float:
    """As the study says, or as there are in the folder of generated images, per concept that has any."""
    if study.generated is None:
        return float(study.images * prompts)
    from mimetic2.embedding import find_images

    files = find_images(study.generated, strict=False)
    return max(1.0, files.height / max(files["concept"].n_unique(), 1))


def _counts(study: Study, folder: Path) -> tuple[Floats, str, int, list[float] | None]:
    """Usable counts, where they come from, how many concepts there are, and mentions where they were counted."""
    path = study.counts if study.counts is not None else folder / "counts.csv"
    if path.is_file():
        frame = read_counts(path) if path == study.counts else read_table(path, ["concept", "count"])
        values = numbers(frame, "count", file=path, minimum=0, missing=True)
        usable = np.array([value for value in values if value is not None], dtype=np.float64)
        _enough(usable, path)
        mentions = None
        if study.captions is not None and "mentions" in frame.columns:
            mentions = [value or 0.0 for value in numbers(frame, "mentions", file=path, minimum=0, missing=True)]
        return usable, f"{len(usable)} counts of {path.name}", frame.height, mentions
    from mimetic2.concepts import read_concepts

    if study.concepts is None:
        raise InputError("the study has neither 'concepts' nor 'counts'")
    n = sum(not concept.minor for concept in read_concepts(study.concepts))
    low, high = np.log10(SUPPOSED_COUNTS)
    supposed_counts = np.round(10 ** (low + (np.arange(n) + 0.5) / max(n, 1) * (high - low)))
    _enough(supposed_counts, study.concepts)
    said = f"{n} concepts, not counted yet: ASSUMED evenly spread over log-count from 1 to 10,000"
    return supposed_counts, said, n, None


def _enough(counts: Floats, path: Path) -> None:
    if not conclusive(counts):
        problem = f"has {len(counts)} concepts with a count, {len(np.unique(counts))} of them distinct"
        raise InputError(problem, file=path, accepted=f"{LEAST_CONCEPTS} concepts and {LEAST_COUNTS} distinct counts")
