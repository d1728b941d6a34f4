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
    from mimetic2.report.comparison import paper_grid
    from mimetic2.report.labels import printable
    from mimetic2.report.numerals import count, percent

    def line(run: Compared) -> list[str]:
        words = [run.name, run.verdict or "paper's procedure"]
        measures = [text + (f" ({around})" if around else "") for _, text, around in run.cells.values()]
        shares = [percent(run.identified), count(run.n_concepts)]
        return [*(printable(word) for word in words), *measures, *shares]

    heads = ["run", "verdict", "threshold", "onset", "N50", "N90", "paper's rule", "identified", "concepts"]
    _print_columns([heads, *(line(run) for run in compared)])
    grid = paper_grid(compared)
    print("\nthresholds, as the paper's table (midpoint: half of a gradual rise)")
    rows = [
        ["training data", "model", *grid["domains"]],
        *([data, model, *cells] for data, model, cells in grid["rows"]),
    ]
    _print_columns([[printable(text) for text in row] for row in rows])


def _print_columns(lines: Sequence[Sequence[str]]) -> None:
    widths = [max(len(cells[column]) for cells in lines) for column in range(len(lines[0]))]
    for cells in lines:
        print("  ".join(text.ljust(width) for text, width in zip(cells, widths, strict=True)).rstrip())
