"""`mimetic2 plan`: cost, power and the concepts to add, before anything is spent."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the verb ``plan``."""
    app.command()(plan)


def plan(
    study: Annotated[Path, typer.Argument(help="study.yaml; its run beside it, where there is one, is a pilot.")],
    run: Annotated[Path | None, typer.Option(help="Another run whose scores are the pilot.")] = None,
    budget: Annotated[int | None, typer.Option(min=1, help="Images in all; no more concepts than it pays for.")] = None,
    runs: Annotated[int, typer.Option(min=10, help="Simulated studies for each line of the table.")] = 200,
    images_per_second: Annotated[float | None, typer.Option(min=1e-6, help="How fast images are made.")] = None,
    between: Annotated[float | None, typer.Option(min=1e-9, help="Sd between concepts of equal count.")] = None,
    within: Annotated[float | None, typer.Option(min=0, help="Sd of one image of a concept.")] = None,
    rise: Annotated[float | None, typer.Option(min=1e-9, help="Rise of the score, for a study without a run.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """What a study will cost, what it can be expected to show, and which concepts would help most."""
    from mimetic2.planning.assumptions import Given
    from mimetic2.planning.plan import make_plan
    from mimetic2.planning.text import as_text

    found = make_plan(
        study,
        run=run,
        budget=budget,
        runs=runs,
        images_per_second=images_per_second,
        given=Given(between, within, rise),
    )
    if as_json:
        json.dump(found.to_dict(), sys.stdout, indent=2, ensure_ascii=False, allow_nan=False)
        print()
    else:
        print(as_text(found))
