"""A calibrated cut-off as a file: for whom it was measured, with what, and what it was measured to do."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from mimetic2.counting.calibration import Calibration
from mimetic2.domains import Cutoff, MeasuredRates
from mimetic2.embedding import Embedder
from mimetic2.errors import InputError
from mimetic2.files import write_json
from mimetic2.tables import write_table

SCHEMA_VERSION = 1


def cutoff_of(calibration: Calibration, embedder: Embedder, statistic: str, references: int, source: str) -> Cutoff:
    """The cut-off of a calibration, tied to the embedder, weights, statistic and number of references it used."""
    rates = calibration.rates
    return Cutoff(
        embedder=embedder.name,
        weights_sha256=embedder.weights_sha256,
        statistic=statistic,
        value=calibration.cutoff,
        references=references,
        rates=MeasuredRates(
            passed=rates.passed, positives=rates.positives, rejected=rates.rejected, negatives=rates.negatives
        ),
        source=source,
    )


def write_cutoff(path: Path, cutoff: Cutoff, calibration: Calibration) -> None:
    """Write ``path`` (JSON, read by :func:`read_cutoff`) and beside it the ROC curve as a table.

    The file has numbers only: no concept's name, no image's similarity.
    """
    rates = calibration.rates
    measured = {
        "level": calibration.level,
        "sensitivity": rates.sensitivity,
        "sensitivity_interval": list(calibration.sensitivity_interval),
        "specificity": rates.specificity,
        "specificity_interval": list(calibration.specificity_interval),
        "auc": calibration.auc,
        "concepts_choosing": len(calibration.choosing),
        "concepts_measuring": len(calibration.measuring),
    }
    write_table(roc_path(path), calibration.roc)
    write_json(path, {"schema_version": SCHEMA_VERSION, "cutoff": cutoff.model_dump(), "measured": measured})


def roc_path(path: Path) -> Path:
    """Where a calibration's ROC curve is: ``cutoff.json`` has ``cutoff.roc.csv``."""
    return path.with_suffix(".roc.csv")


def read_cutoff(path: Path) -> Cutoff:
    """The cut-off of a file that `mimetic2 calibrate` wrote; raises `InputError` for any other."""
    accepted = "a file that `mimetic2 calibrate` wrote"
    if not path.is_file():
        raise InputError("no such file", file=path, accepted=accepted)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["schema_version"] != SCHEMA_VERSION:
            raise InputError(f"has schema version {content['schema_version']}", file=path, accepted=str(SCHEMA_VERSION))
        return Cutoff.model_validate(content["cutoff"])
    except (ValueError, KeyError, TypeError) as error:
        first = error.errors()[0] if isinstance(error, ValidationError) else None
        where = ".".join(str(part) for part in first["loc"]) if first else None
        problem = f"is no cut-off ('{where}': {first['msg']})" if first else "is no cut-off"
        raise InputError(problem, file=path, accepted=accepted) from error
