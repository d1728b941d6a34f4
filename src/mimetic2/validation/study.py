"""The whole study: its cells, run by several processes, each written as it ends, so that a study can be resumed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mimetic2.engines import get_engine, usable_cores
from mimetic2.files import write_json, write_text
from mimetic2.progress import bar
from mimetic2.threshold import families, paper, shapes, verdict
from mimetic2.validation import bins, worlds
from mimetic2.validation.cells import BLOCK, Cell, Records, simulate
from mimetic2.validation.required import required
from mimetic2.validation.summary import COLUMNS, summarise
from mimetic2.validation.tables import as_csv, as_markdown

RUNS, QUICK_RUNS = 1_000, 100
SIZES = (20, 44, 120, 418)
RISES = (0.2, 0.3)
REVISION = 2  # raise it when a cell would come out differently though none of the constants below changed

_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Task:
    """Blocks of a cell that are still to be simulated."""

    cell: Cell
    blocks: range


def cells_of(seed: int, quick: bool) -> list[Cell]:
    """The cells of the published table, or of the quick check: one rise, one bin table, two noises."""
    tables: Sequence[str] = ("politicians",) if quick else tuple(bins.BINS)
    noises = ("sd .10", "falling") if quick else worlds.NOISES
    rises = (0.3,) if quick else RISES
    return [
        Cell(world, rise, noise, n, table, seed)
        for n in SIZES
        for table in tables
        for world in worlds.WORLDS
        for rise in ((0.0,) if world == "flat" else rises)
        for noise in noises
    ]


def validate(cells: Sequence[Cell], runs: int, out: Path, *, workers: int | None = None) -> dict[str, Any]:
    """Bring every cell to ``runs`` studies (rounded up to whole blocks), tabulate all cells, return the summary.

    Writes table.csv, table.md and summary.json to ``out``. What a cell has so far is a file in ``out``/cells, named
    after a digest of its parameters and the rule's constants: a study goes on where it stopped, with more runs as well.
    """
    blocks = -(-runs // BLOCK)
    files = [out / "cells" / f"{cell_digest(cell)}.json" for cell in cells]
    records = [_load(file) for file in files]
    missing = [place for place in range(len(cells)) if _blocks(records[place]) < blocks]
    tasks = [Task(cells[place], range(_blocks(records[place]), blocks)) for place in missing]
    done = len(cells) - len(missing)
    with bar("cells", len(cells), unit="cells", already=done) as progress, single_threaded():
        engine = get_engine(workers=workers or usable_cores())
        for index, more in engine.run(run_task, tasks):
            place = missing[index]
            records[place].extend(more)
            write_text(files[place], json.dumps({"cell": asdict(cells[place]), "records": vars(records[place])}))
            progress.advance()
    return _tabulate(cells, [found.first(blocks) for found in records], out)


def run_task(task: Task) -> Records:
    """Simulate the blocks of a task."""
    return simulate(task.cell, task.blocks)


def _load(file: Path) -> Records:
    return Records(**json.loads(file.read_text())["records"]) if file.exists() else Records()


def _blocks(records: Records) -> int:
    return len(records.verdict) // BLOCK


def _tabulate(cells: Sequence[Cell], records: Sequence[Records], out: Path) -> dict[str, Any]:
    rows = [summarise(cell, found) for cell, found in zip(cells, records, strict=True)]
    held = required(rows)
    summary = {"cells": len(cells), "runs": sum(row["runs"] for row in rows), "required": held}
    write_text(out / "table.csv", as_csv(rows, COLUMNS))
    write_text(out / "table.md", as_markdown(rows, held))
    write_json(out / "summary.json", summary)
    return summary


def cell_digest(cell: Cell) -> str:
    """Names a cell's result: another parameter or another rule has another digest."""
    constants = {
        "cell": asdict(cell),
        "revision": REVISION,
        "block": BLOCK,
        "rule": [verdict.SIGNIFICANCE, verdict.AHEAD, shapes.PARAMETERS, shapes.SMOOTH],
        "families": [families.NARROWEST, families.MIDPOINTS, families.WIDTHS, families.KINKS],
        "paper": paper.PENALTY,
        "worlds": [worlds.TOP, worlds.PLACES, worlds.RAMP_DECADES, worlds.SECOND_STEP],
        "bins": [bins.EDGES, bins.BINS],
    }
    return hashlib.sha256(json.dumps(constants, sort_keys=True).encode()).hexdigest()[:16]


@contextmanager
def single_threaded() -> Iterator[None]:
    """Worker processes started here use one thread each: there is one for every core."""
    before = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
