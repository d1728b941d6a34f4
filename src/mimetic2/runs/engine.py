"""Does the stages of a study one after the other, each at most once: what is done and unchanged is skipped."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mimetic2.progress import log
from mimetic2.runs.digests import Digests
from mimetic2.runs.manifest import write_manifest
from mimetic2.runs.stage import DONE, Outcome, Stage, damage, difference
from mimetic2.study import Study


@dataclass
class Log:
    """What happened: stages done and skipped, and what they said."""

    done: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    outcomes: dict[str, Outcome] = field(default_factory=dict)


def do_stages(stages: Sequence[Stage], study: Study, run: Path, command: str) -> Log:
    """Do what is not done; the caller holds the run's lock.

    A stage is skipped when its marker names the digests of its inputs and outputs as they are now. The manifest is
    brought up to date after every stage.
    """
    happened = Log()
    for stage in (stage for stage in stages if stage.wanted(study)):
        with Digests(run) as digests:
            need = stage.need(study, run, digests)
            reason = _why(stage, study, need, run, digests)
            if reason is None:
                outcome = _outcome(stage.marker(run) or {})
                log(f"{stage.name}: skipped, nothing changed ({outcome.summary})")
                happened.skipped.append(stage.name)
            else:
                log(f"{stage.name}: {reason}")
                outcome = _do(stage, study, need, run, digests)
                log(f"{stage.name}: {outcome.summary}")
                happened.done.append(stage.name)
        happened.outcomes[stage.name] = outcome
        write_manifest(run, study, [s for s in stages if s.wanted(study)], command)
    return happened


def _why(stage: Stage, study: Study, need: dict[str, Any], run: Path, digests: Digests) -> str | None:
    """Why the stage must be done, or None. Prepares its folder: what cannot be used further is removed."""
    marker = stage.marker(run)
    if marker is None:
        if stage.can_resume(run, need) or stage.can_build_on(study, stage.begun(run), need):
            return "going on where it stopped"
        _clear(stage, run)
        return "starting"
    changed = difference(marker, need)
    if changed is not None:
        if stage.can_build_on(study, marker, need):
            _repair(stage, need, run, damage(marker, stage.outputs(run, digests)))
            return f"again, keeping what fits, because {changed}"
        _clear(stage, run)
        return f"again, because {changed}"
    damaged = damage(marker, stage.outputs(run, digests))
    if not damaged:
        return None
    path, what = next(iter(damaged.items()))
    others = f" and {len(damaged) - 1} more" if len(damaged) > 1 else ""
    _repair(stage, need, run, damaged)
    return f"again, because {path} is {what}{others}"


def _clear(stage: Stage, run: Path) -> None:
    """Remove the stage's files; hidden ones, which are caches that check themselves, stay."""
    folder = stage.folder(run)
    _unmark(stage, run)
    for path in folder.iterdir() if folder.is_dir() else ():
        if not path.name.startswith("."):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    for name in stage.results:
        (run / name).unlink(missing_ok=True)


def _repair(stage: Stage, need: dict[str, Any], run: Path, damaged: dict[str, str]) -> None:
    """Make ready to redo: only the damaged files of a stage that resumes, otherwise everything."""
    if not stage.resumes:
        _clear(stage, run)
        return
    _unmark(stage, run)
    for path in damaged:
        (run / path).unlink(missing_ok=True)
    stage.start(run, need)


def _unmark(stage: Stage, run: Path) -> None:
    (stage.folder(run) / DONE).unlink(missing_ok=True)


def _do(stage: Stage, study: Study, need: dict[str, Any], run: Path, digests: Digests) -> Outcome:
    started = time.monotonic()
    stage.start(run, need)
    outcome = stage.work(study, run)
    stage.finish(run, need, outcome, time.monotonic() - started, digests)
    return outcome


def _outcome(marker: dict[str, Any]) -> Outcome:
    return Outcome(str(marker.get("summary", "")), tuple(marker.get("warnings", ())), dict(marker.get("excluded", {})))
