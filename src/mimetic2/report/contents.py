"""What a run directory holds, read for the page; everything but ``threshold.json`` may be absent."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from mimetic2.errors import InputError
from mimetic2.tables import booleans, numbers, read_table


@dataclass(frozen=True)
class Row:
    """A concept's line in ``counts.csv`` and ``scores.csv``; None where a table or a column is absent."""

    name: str
    count: float | None = None
    count_low: float | None = None
    count_high: float | None = None
    mentions: float | None = None
    sampled: float | None = None
    alive: float | None = None
    verified: float | None = None
    exact_duplicates: float | None = None
    near_duplicates: float | None = None
    status: str | None = None
    score: float | None = None
    score_se: float | None = None
    null_score: float | None = None
    n_generated: float | None = None
    n_reference: float | None = None
    identified: bool | None = None
    control: bool | None = None
    excluded: str | None = None
    group: str | None = None


@dataclass(frozen=True)
class Contents:
    """A run directory's tables and documents."""

    run: Path
    threshold: dict[str, Any]
    rows: list[Row]
    study: dict[str, Any] = field(default_factory=dict)
    manifest: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The study's name; the directory's where there is no study."""
        return str(self.study.get("name") or self.run.resolve().name)

    @property
    def aliases(self) -> dict[str, str]:
        """Alias to name, from the run's list of concepts, else the study's where that is at hand."""
        kept = self.run / CONCEPTS
        path = kept if kept.is_file() else self.locate("concepts")
        if path is None or not path.is_file():
            return {}
        frame = read_table(path, ["concept"])
        if "aliases" not in frame.columns:
            return {}
        pairs = zip(frame["concept"].to_list(), frame["aliases"].to_list(), strict=True)
        split = ((name, cell if isinstance(cell, list) else str(cell or "").split("|")) for name, cell in pairs)
        return {alias.strip(): str(name) for name, aliases in split for alias in aliases if alias.strip()}

    def locate(self, key: str) -> Path | None:
        """A file or folder that the study names, if it is still there; relative paths start at the run directory."""
        value = self.study.get(key)
        if not value:
            return None
        path = self.run / Path(str(value)).expanduser()
        return path if path.exists() else None


_DOCUMENTED = (
    *("method", "sentence", "threshold", "threshold_kind", "interval", "level", "onset", "identification", "paper"),
    *("change_points", "shapes", "curve", "null_band", "n_concepts", "excluded", "seed", "warnings"),
    *("sensitivity", "bounds", "groups", "controls", "assumptions", "association"),
)
CONCEPTS = "count/concepts.csv"
_COPIES = ("exact_duplicates", "near_duplicates")
_NUMBERS = ("count", "count_low", "count_high", "mentions", "sampled", "alive", "verified", *_COPIES)
_MEASURES = ("score", "score_se", "null_score", "n_generated", "n_reference")
_FLAGS = ("identified", "control")
_TEXTS = ("excluded", "group", "status")


def read_run(run: Path) -> Contents:
    """Read what the report needs of ``run``.

    Raises :class:`InputError` where ``run`` is no directory, has no ``threshold.json``, or a file is malformed.
    """
    if not run.is_dir():
        raise InputError("is not a folder" if run.exists() else "no such folder", file=run, accepted="a run directory")
    path = run / "threshold.json"
    if not path.exists():
        raise InputError("no such file; let `mimetic2 run` or `mimetic2 threshold --json` write it first", file=path)
    threshold = read_object(path)
    if "verdict" not in threshold:
        raise InputError("has no 'verdict'", file=path, accepted="the JSON that `mimetic2 threshold --json` gives")
    study: dict[str, Any] = {}
    if (run / "study.yaml").exists():
        study = _read_study(run / "study.yaml")
    manifest = read_object(run / "manifest.json") if (run / "manifest.json").exists() else {}
    return Contents(run, dict.fromkeys(_DOCUMENTED) | threshold, _read_rows(run), study, manifest)


def read_object(path: Path) -> dict[str, Any]:
    """A JSON file that holds an object; raises :class:`InputError` for any other."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"is not JSON ({error})", file=path) from error
    if not isinstance(value, dict):
        raise InputError("is not a JSON object", file=path)
    return value


def _read_study(path: Path) -> dict[str, Any]:
    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"is not YAML ({' '.join(str(error).split())})", file=path) from error
    if not isinstance(value, dict):
        raise InputError("is not a mapping", file=path)
    return value


def _read_rows(run: Path) -> list[Row]:
    """One row a concept: ``scores.csv`` in its order, then concepts that only the counts or the list have."""
    merged: dict[str, dict[str, Any]] = {}
    for name in ("scores.csv", "counts.csv", CONCEPTS):
        path = run / name
        if not path.exists():
            continue
        for concept, values in _columns(read_table(path, ["concept"]), path).items():
            known = merged.setdefault(concept, {})
            known.update({key: value for key, value in values.items() if known.get(key) is None})
    return [Row(name=concept, **values) for concept, values in merged.items()]


def _columns(frame: pl.DataFrame, path: Path) -> dict[str, dict[str, Any]]:
    columns: dict[str, list[Any]] = {}
    for column in frame.columns:
        if column in _NUMBERS or column in _MEASURES:
            columns[column] = list(numbers(frame, column, file=path, missing=True))
        elif column in _FLAGS:
            columns[column] = list(booleans(frame, column, file=path))
        elif column in _TEXTS:
            columns[column] = [cell or None for cell in frame[column].to_list()]
    names = [str(cell) for cell in frame["concept"].to_list()]
    return {name: {key: cells[i] for key, cells in columns.items()} for i, name in enumerate(names)}
