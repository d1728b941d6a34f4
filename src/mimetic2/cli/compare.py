"""`mimetic2 compare`: runs side by side, as the paper's table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mimetic2.report.comparison import Compared


def register(app: typer.Typer) -> None:
    """Add the verb ``compare``."""
    app.command()(compare)


def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN RUN…", help="Two or more run directories.")],
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write the comparison as an HTML page.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on stdout instead of a table.")] = False,
) -> None:
    """Print verdict, threshold, onset, N50, N90 and the paper's number of several runs."""
    import json

    from mimetic2.progress import log
    from mimetic2.report.comparison import compare_runs, write_comparison

    compared = compare_runs(runs)
    if out is not None:
        log(f"page written to {write_comparison(runs, out)}")
    if as_json:
        document = {"schema_version": 1, "runs": [run.to_dict() for run in compared]}
        print(json.dumps(document, indent=2, ensure_ascii=False))
        return
    _print_table(compared)


def _print_table(compared: Sequence[Compared]) -> None:
    from mimetic2.report.labels import printable
    from mimetic2.report.numerals import count, interval, percent

    def cell(value: float | None, ends: Sequence[float | None] | None) -> str:
        text = interval(ends)
        return count(value) + (f" ({text})" if text else "")

    def line(run: Compared) -> list[str]:
        measures = [(run.threshold, run.interval), (run.onset, run.onset_interval), (run.n50, run.n50_interval)]
        measures += [(run.n90, run.n90_interval), (run.paper, run.paper_interval)]
        words = [printable(run.name), printable(run.training_data or "–"), run.verdict or "paper's procedure"]
        return [*words, *(cell(*measure) for measure in measures), percent(run.identified), count(run.n_concepts)]

    heads = ["run", "data", "verdict", "threshold", "onset", "N50", "N90", "paper's rule", "identified", "concepts"]
    lines = [heads, *(line(run) for run in compared)]
    widths = [max(len(cells[column]) for cells in lines) for column in range(len(heads))]
    for cells in lines:
        print("  ".join(text.ljust(width) for text, width in zip(cells, widths, strict=True)).rstrip())
