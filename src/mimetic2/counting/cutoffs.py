"""Which cut-off: a calibrated one in a file, or a published one for weights that the user vouches for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from mimetic2.counting.calibration import Calibration
from mimetic2.domains import TEXT_COSINE, Behind, Cutoff, Domain, MeasuredRates, published_choice
from mimetic2.embedding import Embedder
from mimetic2.errors import InputError
from mimetic2.files import write_json
from mimetic2.tables import write_table

SCHEMA_VERSION = 1


def cutoff_of(
    calibration: Calibration,
    embedder: Embedder,
    statistic: str,
    references: int | None,
    source: str,
    *,
    text: str | None = None,
    behind: Behind | None = None,
) -> Cutoff:
    """The cut-off of a calibration, tied to the embedder, weights, statistic and number of references it used.

    ``text`` is that of a filter, ``behind`` the filter that decided before.
    """
    rates = calibration.rates
    return Cutoff(
        embedder=embedder.name,
        weights_sha256=embedder.weights_sha256,
        statistic=statistic,
        text=text,
        value=calibration.cutoff,
        references=references,
        behind=behind,
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


def choose_cutoff(chosen: str | Path, domain: Domain | None, *, text: bool = False) -> Cutoff:
    """The cut-off of a file that `calibrate` wrote, or NAME@DIGEST: the domain's published one of that name, taken for
    the weights of that SHA-256 because the user says that it was measured on them.

    ``text``: a filter's cut-off is meant. Raises `InputError` for an unknown name and for one whose weights are known.
    """
    published = published_choice(chosen)
    if published is None:
        return read_cutoff(Path(chosen))
    name, digest = published
    known = [each for each in _on_record(domain) if (each.statistic == TEXT_COSINE) == text]
    for each in known:
        if each.name == name:
            return each.model_copy(
                update={"weights_sha256": digest, "source": f"{each.source}; for the weights as told"}
            )
    names = ", ".join(f"{each.name}@DIGEST ({each.embedder})" for each in known)
    raise InputError(f"no published cut-off '{name}' is on record", accepted=names or "a file of `calibrate`")


def _on_record(domain: Domain | None) -> Sequence[Cutoff]:
    return [each for each in (domain.cutoffs if domain is not None else ()) if each.weights_sha256 is None]


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
