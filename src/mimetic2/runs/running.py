"""`run`: one study, one directory, from wherever it stands to the report."""

from __future__ import annotations

import json
import os
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from mimetic2.errors import InputError
from mimetic2.files import write_text
from mimetic2.locks import writing
from mimetic2.runs.choices import check_requirements
from mimetic2.runs.engine import do_stages
from mimetic2.runs.manifest import MANIFEST
from mimetic2.runs.places import COUNTS, DOMAIN, REPORT, SCORES, THRESHOLD
from mimetic2.runs.sequence import STAGES
from mimetic2.study import DOMAIN_FILES, Study, load_study
from mimetic2.tables import read_table

STUDY = "study.yaml"


@dataclass(frozen=True)
class RunResult:
    """What a run ended with. ``done`` and ``skipped`` are the stages of this call, in order.

    ``study_warnings`` are what the study itself makes every output say.
    ``threshold`` is the content of threshold.json; ``warnings`` and ``excluded`` (reason to number, by stage) are those
    of all stages, skipped ones included.
    """

    folder: Path
    done: tuple[str, ...]
    skipped: tuple[str, ...]
    threshold: dict[str, Any]
    warnings: tuple[str, ...] = ()
    excluded: dict[str, dict[str, int]] = field(default_factory=dict)
    study_warnings: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """The verdict as a sentence."""
        return str(self.threshold["sentence"])

    @property
    def counts(self) -> pl.DataFrame:
        """counts.csv: one row a concept; cells are text, as in the file."""
        return read_table(self.folder / COUNTS)

    @property
    def scores(self) -> pl.DataFrame:
        """scores.csv: one row a concept; cells are text, as in the file."""
        return read_table(self.folder / SCORES)

    @property
    def report(self) -> Path:
        """The page."""
        return self.folder / REPORT


def run(
    study_path: str | Path, out: str | Path | None = None, *, command: str | None = None, allow_download: bool = False
) -> RunResult:
    """Do all stages of a study that are not done, in the run directory ``out``; call again to resume.

    ``out`` is by default the folder ``<name of the file>-run`` beside the study, or the study's own folder where that
    is a run directory. ``command`` is recorded in the manifest. ``allow_download``, as the study's key, lets model and
    embedder come from their hub. Raises :class:`InputError` for a wrong study or input and while another process writes
    to the directory.
    """
    path = Path(study_path)
    study = load_study(path)
    if allow_download:
        study = study.model_copy(update={"allow_download": True})
    check_requirements(study)
    folder = Path(out) if out is not None else default_folder(path)
    if folder.exists() and not folder.is_dir():
        raise InputError("is a file, a folder for the run is wanted", file=folder)
    chosen = [*(["--out", str(out)] if out else []), *(["--allow-download"] if allow_download else [])]
    line = command or shlex.join(["mimetic2", "run", str(study_path), *chosen])
    with writing(folder):
        _keep_study(study, path, folder)
        happened = do_stages(STAGES, study, folder, line)
    document = json.loads((folder / THRESHOLD).read_text(encoding="utf-8"))
    said = (warning for outcome in happened.outcomes.values() for warning in outcome.warnings)
    return RunResult(
        folder=folder,
        done=tuple(happened.done),
        skipped=tuple(happened.skipped),
        threshold=document,
        warnings=tuple(dict.fromkeys([*study.warnings, *said])),
        study_warnings=study.warnings,
        excluded={name: dict(outcome.excluded) for name, outcome in happened.outcomes.items() if outcome.excluded},
    )


def default_folder(study_path: Path) -> Path:
    """Where the run of a study goes when nothing else is said."""
    beside = study_path.parent
    return beside if (beside / MANIFEST).is_file() else beside / f"{study_path.stem}-run"


def _keep_study(study: Study, path: Path, folder: Path) -> None:
    """Write the study with every default filled in and paths relative to the run, unless it lives there itself.

    A domain of the user's own is copied, so that the run can be reported and packed wherever it is moved to.
    """
    target = folder / STUDY
    if target.exists() and target.samefile(path):
        return
    base = folder.resolve()
    if study.domain.endswith(DOMAIN_FILES):
        write_text(folder / DOMAIN, Path(study.domain).read_text(encoding="utf-8"))
        study = study.model_copy(update={"domain": DOMAIN})
    content: dict[str, Any] = _with_relative_paths(study.model_dump(mode="python", exclude_none=True), base)
    if "captions" in content:
        content["captions"] = [_relative(Path(p), base) if "://" not in p else p for p in content["captions"]]
    if "prompts" in content:
        content["prompts"] = [_relative(Path(p), base) if Path(p).is_absolute() else p for p in content["prompts"]]
    if Path(content.get("model", "")).is_absolute():
        content["model"] = _relative(Path(content["model"]), base)
    head = "# What this run was made from; defaults are filled in, paths are relative to this folder.\n"
    text = head + yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    if not target.exists() or target.read_text(encoding="utf-8") != text:
        write_text(target, text)


def _with_relative_paths(value: Any, base: Path) -> Any:
    if isinstance(value, dict):
        return {key: _with_relative_paths(inner, base) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_with_relative_paths(inner, base) for inner in value]
    if isinstance(value, Path):
        return _relative(value, base) if value.is_absolute() else value.as_posix()  # a hub id is no path
    return value


def _relative(path: Path, base: Path) -> str:
    return Path(os.path.relpath(path, base)).as_posix()
