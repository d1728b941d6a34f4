"""`mimetic2 run`: a whole study, resumable."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mimetic2.runs import RunResult


def register(app: typer.Typer) -> None:
    """Add the verb ``run``."""
    app.command()(run)


def run(
    study: Annotated[Path, typer.Argument(help="The study (study.yaml).")],
    out: Annotated[Path | None, typer.Option(help="Run directory; default: <study>-run beside the study.")] = None,
    allow_download: Annotated[
        bool, typer.Option("--allow-download", help="May fetch the study's model and embedder from their hub.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print threshold.json instead of sentences.")] = False,
) -> None:
    """Do every stage of a study that is not done yet. Run again to resume; what did not change is skipped."""
    from mimetic2.runs import run as run_study

    show(run_study(study, out, allow_download=allow_download), as_json=as_json)


def show(result: RunResult, *, as_json: bool) -> None:
    """Print what a run ended with: warnings and exclusions on stderr, the answer on stdout."""
    import json

    from mimetic2.progress import log
    from mimetic2.runs.answer import answer_lines

    for warning in result.warnings:
        log(f"warning: {warning}")
    for stage, reasons in result.excluded.items():
        for reason, number in reasons.items():
            log(f"left out in {stage}: {number} × {reason}")
    if as_json:
        print(json.dumps(result.threshold, indent=2, ensure_ascii=False))
        return
    for line in answer_lines(result):
        print(line)
