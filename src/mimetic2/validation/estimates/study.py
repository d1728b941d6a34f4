"""Running the second study: cases in several processes, each case a file, so that it goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mimetic2.engines import get_engine, usable_cores
from mimetic2.files import write_json, write_text
from mimetic2.progress import bar
from mimetic2.threshold import families, shapes, verdict
from mimetic2.validation import bins, worlds
from mimetic2.validation.estimates import cases as settings
from mimetic2.validation.estimates.cases import Case
from mimetic2.validation.estimates.rates import COLUMNS, required, summarise
from mimetic2.validation.estimates.tables import as_markdown
from mimetic2.validation.estimates.topics import TOPICS
from mimetic2.validation.study import single_threaded
from mimetic2.validation.tables import as_csv

PORTION = 50  # studies of a case that one process makes at a time

Outcomes = list[dict[str, bool | float | None]]


@dataclass(frozen=True)
class Task:
    """Studies of a case that are still to be made."""

    case: Case
    runs: range


def estimate_cases(seed: int, quick: bool) -> list[Case]:
    """All cases of the second study, or those of the quick check."""
    return [replace(case, seed=seed) for topic in TOPICS.values() for case in (topic.quick if quick else topic.cases)]


def validate_estimates(cases: Sequence[Case], runs: int, out: Path, *, workers: int | None = None) -> dict[str, Any]:
    """Bring every case to its topic's share of ``runs`` studies, tabulate all, return the summary.

    Writes estimates.csv, estimates.md and estimates.json to ``out``; what a case has so far is a file in ``out``/cells.
    """
    files = [out / "cells" / f"{case_digest(case)}.json" for case in cases]
    made = [_load(file) for file in files]
    wanted = [math.ceil(runs * TOPICS[case.topic].share) for case in cases]
    tasks = [
        (place, Task(case, part))
        for place, case in enumerate(cases)
        for part in _parts(len(made[place]), wanted[place])
    ]
    found: dict[int, list[tuple[int, Outcomes]]] = {}
    left = {place: sum(owner == place for owner, _ in tasks) for place, _ in tasks}
    with bar("studies beside the verdict", len(tasks), unit="portions") as progress, single_threaded():
        engine = get_engine(workers=workers or usable_cores())
        for index, outcomes in engine.run(run_task, [task for _, task in tasks]):
            place, task = tasks[index]
            found.setdefault(place, []).append((task.runs.start, outcomes))
            left[place] -= 1
            if not left[place]:
                made[place] += [one for _, part in sorted(found.pop(place)) for one in part]
                write_text(files[place], json.dumps({"case": asdict(cases[place]), "studies": made[place]}))
            progress.advance()
    kept = [studies[:number] for studies, number in zip(made, wanted, strict=True)]
    return _tabulate(cases, kept, out)


def run_task(task: Task) -> Outcomes:
    """Make the studies of a task; each is the same whichever others are made with it."""
    study = TOPICS[task.case.topic].study
    return [_plain(study(task.case, task.case.rng(run))) for run in task.runs]


def case_digest(case: Case) -> str:
    """Names a case's file: other parameters, another rule or a topic's new revision have another digest."""
    constants = {
        "case": asdict(case),
        "revision": TOPICS[case.topic].revision,
        "setting": [settings.TABLE, settings.RISE, settings.LEVEL, settings.DRAWS],
        "rule": [verdict.SIGNIFICANCE, verdict.AHEAD, shapes.PARAMETERS, shapes.SMOOTH],
        "families": [families.NARROWEST, families.MIDPOINTS, families.WIDTHS, families.KINKS],
        "worlds": [worlds.TOP, worlds.PLACES, worlds.RAMP_DECADES],
        "bins": [bins.EDGES, bins.BINS],
    }
    return hashlib.sha256(json.dumps(constants, sort_keys=True).encode()).hexdigest()[:16]


def _parts(done: int, wanted: int) -> Iterator[range]:
    for start in range(done, wanted, PORTION):
        yield range(start, min(start + PORTION, wanted))


def _plain(outcome: Any) -> dict[str, bool | float | None]:
    """Values that JSON keeps: numbers with 5 decimals, booleans as they are."""
    return {
        event: None if value is None else round(float(value), 5) if isinstance(value, float) else bool(value)
        for event, value in outcome.items()
    }


def _load(file: Path) -> Outcomes:
    return list(json.loads(file.read_text())["studies"]) if file.exists() else []


def _tabulate(cases: Sequence[Case], studies: Sequence[Outcomes], out: Path) -> dict[str, Any]:
    rows = [row for case, made in zip(cases, studies, strict=True) for row in summarise(case, made)]
    held = required(rows)
    summary = {"cases": len(cases), "studies": sum(len(made) for made in studies), "required": held}
    write_text(out / "estimates.csv", as_csv(rows, COLUMNS))
    write_text(out / "estimates.md", as_markdown(rows, held))
    write_json(out / "estimates.json", summary)
    return summary
