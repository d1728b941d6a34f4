"""`mimetic2 threshold`: the verdict of a table."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the verb ``threshold``."""
    app.command()(threshold)


def threshold(
    table: Annotated[Path, typer.Argument(help="Table with columns concept, count, score; scores.csv as it is.")],
    method: Annotated[str, typer.Option(help="robust, or paper: the procedure of arXiv 2410.15002.")] = "robust",
    penalty: Annotated[float, typer.Option(help="Penalty of the paper's rule, in squared score units.")] = 0.9,
    level: Annotated[float, typer.Option(help="Confidence level of the intervals.")] = 0.95,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print threshold.json instead of text.")] = False,
    out: Annotated[Path | None, typer.Option(help="Also write threshold.json here.")] = None,
) -> None:
    """Find the imitation threshold in a table of counts and scores."""
    from mimetic2.files import keep_inputs, write_json
    from mimetic2.threshold import threshold_of
    from mimetic2.threshold.text import as_text

    if out is not None:
        keep_inputs([out], [table])
    result = threshold_of(table, method=method, penalty=penalty, level=level, seed=seed)
    document = result.to_dict()
    if out is not None:
        write_json(out, document)
    if as_json:
        json.dump(document, sys.stdout, indent=2, ensure_ascii=False, allow_nan=False)
        print()
    else:
        print(as_text(document))
