"""`mimetic2 validate`: the simulation study of the statistics."""

from __future__ import annotations

import json
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer


def register(app: typer.Typer) -> None:
    """Add the verb ``validate``."""
    app.command()(validate)


class Part(StrEnum):
    """Parts of the study."""

    ALL = "all"
    VERDICTS = "verdicts"
    ESTIMATES = "estimates"


def validate(
    out: Annotated[Path, typer.Option(help="Folder for the tables; what it already holds is not done again.")] = Path(
        "mimetic2-validation"
    ),
    quick: Annotated[bool, typer.Option("--quick", help="A small part of the study: under a minute.")] = False,
    part: Annotated[
        Part, typer.Option(help="Verdicts and their intervals, what stands beside them, or all.")
    ] = Part.ALL,
    runs: Annotated[int | None, typer.Option(min=1, help="Studies a cell: 1,000, quick 100.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; all cores by default.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the study.")] = 0,
    check: Annotated[bool, typer.Option("--check", help="Exit with 4 if a requirement is missed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Simulate studies in worlds whose truth is known: error rates, coverage, power, the paper's rule beside ours."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")  # before numpy is loaded: with one worker the studies run in this process
    from mimetic2.errors import GateFailed
    from mimetic2.validation import cells_of
    from mimetic2.validation import validate as run
    from mimetic2.validation.estimates import estimate_cases, validate_estimates
    from mimetic2.validation.study import QUICK_RUNS, RUNS

    wanted = runs or (QUICK_RUNS if quick else RUNS)
    parts, files = [], []
    if part is not Part.ESTIMATES:
        parts.append(run(cells_of(seed, quick), wanted, out, workers=workers))
        files += ["table.csv", "table.md"]
    if part is not Part.VERDICTS:
        parts.append(validate_estimates(estimate_cases(seed, quick), wanted, out, workers=workers))
        files += ["estimates.csv", "estimates.md"]
    required = [row for summary in parts for row in summary["required"]]
    if as_json:
        document = {key: value for summary in parts for key, value in summary.items()} | {"required": required}
        json.dump(document, sys.stdout, indent=2, ensure_ascii=False, allow_nan=False)
        print()
    else:
        _print(required)
        print(f"tables: {', '.join(str(out / name) for name in files)}")
    missed = [row["requirement"] for row in required if row["misses"]]
    if check and missed:
        raise GateFailed(f"missed: {'; '.join(missed)}")


def _print(required: list[dict[str, Any]]) -> None:
    """A line for every requirement that any cell concerns."""
    for row in required:
        if row["holds"] is None:
            continue
        beyond = f" ({row['unattainable']:,} unattainable)" if row.get("unattainable") else ""
        held = "holds" if row["holds"] else f"missed in {row['misses']:,}{beyond}"
        print(f"{row['requirement']}: worst of {row['cells']:,} cells {100 * row['worst']:.1f} %: {held}")
