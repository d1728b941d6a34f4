"""`mimetic2 predict`: what a run says at one count."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the verb ``predict``."""
    app.command()(predict)


def predict(
    run: Annotated[Path, typer.Argument(help="Run directory, threshold.json, or a table as `threshold` takes.")],
    count: Annotated[float, typer.Option(help="Number of training images.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Expected score and probability of being identified at a count, with intervals."""
    from mimetic2.threshold import predict as read_off
    from mimetic2.threshold.text import load_document, prediction_text

    document = load_document(run)
    prediction = read_off(document, count)
    if as_json:
        said = {**prediction.to_dict(), "warnings": document["warnings"]}
        json.dump(said, sys.stdout, indent=2, allow_nan=False, ensure_ascii=False)
        print()
    else:
        print(prediction_text(prediction, document["level"]))
        for warning in document["warnings"]:
            print(f"warning: {warning}")
