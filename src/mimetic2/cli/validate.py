"""`mimetic2 validate`: the simulation study of the statistics."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the verb ``validate``."""
    app.command()(validate)


def validate(
    out: Annotated[Path, typer.Option(help="Folder for the tables; what it already holds is not done again.")] = Path(
        "mimetic2-validation"
    ),
    quick: Annotated[bool, typer.Option("--quick", help="A small part of the study: under a minute.")] = False,
    runs: Annotated[int | None, typer.Option(min=1, help="Studies a cell: 1,000, quick 100.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; all cores by default.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the study.")] = 0,
    check: Annotated[bool, typer.Option("--check", help="Exit with 4 if a requirement is missed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Simulate studies in worlds whose truth is known: error rates, coverage, power, the paper's rule beside ours."""
    from mimetic2.errors import GateFailed
    from mimetic2.validation import cells_of
    from mimetic2.validation import validate as run
    from mimetic2.validation.study import QUICK_RUNS, RUNS

    summary = run(cells_of(seed, quick), runs or (QUICK_RUNS if quick else RUNS), out, workers=workers)
    if as_json:
        json.dump(summary, sys.stdout, indent=2, ensure_ascii=False, allow_nan=False)
        print()
    else:
        for row in summary["required"]:
            held = "holds" if row["holds"] else f"missed in {row['misses']:,} ({row['unattainable']:,} unattainable)"
            print(f"{row['requirement']}: worst of {row['cells']:,} cells {100 * row['worst']:.1f} %: {held}")
        print(f"tables: {out / 'table.csv'}, {out / 'table.md'}")
    missed = [row["requirement"] for row in summary["required"] if row["misses"]]
    if check and missed:
        raise GateFailed(f"missed: {'; '.join(missed)}")
