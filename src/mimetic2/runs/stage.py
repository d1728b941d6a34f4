"""What a stage is to the run: a plain function, what it depends on, and the marker that says it is done."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mimetic2.files import write_json
from mimetic2.runs.digests import Digests, files_below
from mimetic2.runs.versions import versions
from mimetic2.study import Study

SCHEMA_VERSION = 1
DONE, STARTED = "done.json", "started.json"
"""The marker, written last; and what an unfinished stage was started with, written first."""
_KEYS = ("options", "inputs", "outputs", "versions", "summary", "warnings", "excluded", "seconds", "revision")
STATE_ENDINGS = (".sqlite", ".sqlite-wal", ".sqlite-shm")
"""Files in which a stage keeps its place: they help it to resume and are no outputs."""


@dataclass(frozen=True)
class Outcome:
    """What a stage has to say: one line, warnings for every output, and how many of what were left out and why."""

    summary: str
    warnings: tuple[str, ...] = ()
    excluded: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Stage:
    """A stage of the run.

    ``work(study, run)`` writes below ``run/<name>/`` and the files named in ``results`` (relative to the run).
    ``options`` is what of the study the result depends on, ``inputs`` the files and folders that it reads, by name.
    ``revision`` goes up when the stage's results change for the same inputs. A stage that ``resumes`` finds its own
    unfinished work and goes on from there; any other starts with an empty folder. ``keeps(study, before, need)`` says
    whether a stage that resumes can build on what was made from ``before``, removing by itself what is not wanted.
    """

    name: str
    work: Callable[[Study, Path], Outcome]
    options: Callable[[Study], Mapping[str, Any]]
    inputs: Callable[[Study, Path], Mapping[str, Path | Sequence[Path]]]
    results: tuple[str, ...] = ()
    wanted: Callable[[Study], bool] = lambda study: True
    resumes: bool = False
    keeps: Callable[[Study, Mapping[str, Any], Mapping[str, Any]], bool] = lambda study, before, need: False
    revision: int = 1

    def folder(self, run: Path) -> Path:
        """Where the stage keeps its files and its marker."""
        return run / self.name

    def need(self, study: Study, run: Path, digests: Digests) -> dict[str, Any]:
        """Everything the result depends on, as plain JSON: equal needs, equal results."""
        inputs = {name: _digest(place, digests) for name, place in self.inputs(study, run).items()}
        need = {"stage": self.name, "revision": self.revision, "options": self.options(study), "inputs": inputs}
        plain: dict[str, Any] = json.loads(json.dumps(need, allow_nan=False))
        return plain

    def outputs(self, run: Path, digests: Digests) -> dict[str, str]:
        """Digests of everything that the stage wrote, by path relative to the run."""
        own = [path for path in files_below(self.folder(run)) if not _is_state(path)]
        return {path.relative_to(run).as_posix(): digests.file(path) for path in [*own, *self._results(run)]}

    def _results(self, run: Path) -> list[Path]:
        return [run / name for name in self.results if (run / name).is_file()]

    def marker(self, run: Path) -> dict[str, Any] | None:
        """The marker, or None when the stage has none that is whole and of this schema."""
        marker = _read(self.folder(run) / DONE)
        whole = marker is not None and marker.get("schema_version") == SCHEMA_VERSION and set(_KEYS) <= marker.keys()
        return marker if whole else None

    def start(self, run: Path, need: Mapping[str, Any]) -> None:
        """Note what the work to come is made from, and with which versions: unfinished work of others is no use."""
        self.folder(run).mkdir(exist_ok=True)
        write_json(self.folder(run) / STARTED, {**need, "versions": versions()})

    def can_resume(self, run: Path, need: Mapping[str, Any]) -> bool:
        """Whether the folder holds unfinished work of exactly this kind."""
        return self.resumes and _read(self.folder(run) / STARTED) == {**need, "versions": versions()}

    def can_build_on(self, study: Study, before: Mapping[str, Any] | None, need: Mapping[str, Any]) -> bool:
        """Whether work for another need, done or not, is of use for this one."""
        if not self.resumes or before is None or before.get("versions") != versions():
            return False
        return before.get("revision") == need["revision"] and self.keeps(study, before, need)

    def begun(self, run: Path) -> dict[str, Any] | None:
        """What unfinished work in the folder was started with, if there is any."""
        return _read(self.folder(run) / STARTED)

    def finish(self, run: Path, need: Mapping[str, Any], outcome: Outcome, seconds: float, digests: Digests) -> None:
        """Write the marker; from here on the stage is done."""
        marker = {
            "schema_version": SCHEMA_VERSION,
            **need,
            "versions": versions(),
            "outputs": self.outputs(run, digests),
            "summary": outcome.summary,
            "warnings": list(outcome.warnings),
            "excluded": dict(outcome.excluded),
            "seconds": round(seconds, 1),
        }
        write_json(self.folder(run) / DONE, marker)
        (self.folder(run) / STARTED).unlink(missing_ok=True)


def _is_state(path: Path) -> bool:
    return path.name in (DONE, STARTED) or path.name.endswith(STATE_ENDINGS)


def _digest(place: Path | Sequence[Path], digests: Digests) -> str:
    if isinstance(place, Path):
        return digests.any(place)
    return "+".join(digests.any(path) for path in place)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def difference(marker: Mapping[str, Any], need: Mapping[str, Any]) -> str | None:
    """In words, the first way in which a marker was made from something else; None when it was not."""
    for kind in ("inputs", "options"):
        before, now = marker.get(kind), need[kind]
        if not isinstance(before, dict):
            return "its marker is damaged"
        for name in sorted({*before, *now}):
            if before.get(name) != now.get(name):
                return f"{kind[:-1]} '{name}' changed"
    return None if marker.get("revision") == need["revision"] else "it is made differently by this version"


def damage(marker: Mapping[str, Any], outputs: Mapping[str, str]) -> dict[str, str]:
    """Outputs that are not as the marker says: path to ``missing``, ``modified`` or ``unknown``."""
    recorded = marker.get("outputs")
    recorded = recorded if isinstance(recorded, dict) else {}
    found = {
        path: "missing" if path not in outputs else "modified"
        for path in recorded
        if outputs.get(path) != recorded[path]
    }
    return found | {path: "unknown" for path in outputs if path not in recorded}
