"""The engine on stages that are small functions: what is done, what is skipped, and why."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mimetic2.runs.engine import Log, do_stages
from mimetic2.runs.manifest import MANIFEST, write_manifest
from mimetic2.runs.stage import Outcome, Stage
from mimetic2.study import Study, TrainingData

WORDS = Path("first/words.txt")
TOTAL = Path("total.txt")


def first(study: Study, run: Path) -> Outcome:
    """Copy the input, one file a line."""
    lines = (study.reference / "input.txt").read_text().splitlines()
    for index, line in enumerate(lines):
        (run / "first" / f"{index}.txt").write_text(f"{line} {study.seed}")
    return Outcome(f"{len(lines)} lines", ("first warns",), {"odd": 1})


def second(study: Study, run: Path) -> Outcome:
    """Join what the first stage wrote."""
    parts = sorted((run / "first").glob("*.txt"))
    (run / TOTAL).write_text("+".join(part.read_text() for part in parts) + f" at {study.level}")
    return Outcome("joined")


def third(study: Study, run: Path) -> Outcome:
    """Depends on another option only."""
    (run / "third" / "penalty.txt").write_text(str(study.penalty))
    return Outcome("noted")


def stages(*, resumes: bool = False) -> tuple[Stage, ...]:
    return (
        Stage("first", first, lambda s: {"seed": s.seed}, lambda s, run: {"reference": s.reference}, resumes=resumes),
        Stage(
            "second",
            second,
            lambda s: {"level": s.level},
            lambda s, run: {"parts": sorted((run / "first").glob("*.txt"))},
            results=(str(TOTAL),),
        ),
        Stage("third", third, lambda s: {"penalty": s.penalty}, lambda s, run: {}, wanted=lambda s: s.penalty != 0.5),
    )


@pytest.fixture
def study(tmp_path: Path) -> Study:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "input.txt").write_text("a\nb\n")
    data = TrainingData(name="all of it", relation="exact")
    paths = {"counts": tmp_path, "generated": tmp_path, "reference": tmp_path / "in"}
    return Study(name="s", domain="lab", training_data=data, **paths)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    return tmp_path / "run"


def do(study: Study, run: Path, *, resumes: bool = False) -> Log:
    return do_stages(stages(resumes=resumes), study, run, "the command")


def test_a_second_time_everything_is_skipped_and_still_speaks(study: Study, run: Path) -> None:
    assert do(study, run).done == ["first", "second", "third"]
    before = {path: path.read_bytes() for path in run.rglob("*.*") if path.is_file() and "sqlite" not in path.name}
    again = do(study, run)
    assert (again.done, again.skipped) == ([], ["first", "second", "third"])
    assert again.outcomes["first"] == Outcome("2 lines", ("first warns",), {"odd": 1})
    assert before == {path: path.read_bytes() for path in before}


@pytest.mark.parametrize(
    ("change", "redone"),
    [
        ({"seed": 1}, ["first", "second"]),
        ({"level": 0.9}, ["second"]),
        ({"penalty": 2.0}, ["third"]),
        ({"name": "another"}, []),
    ],
)
def test_a_changed_option_redoes_what_depends_on_it(
    study: Study, run: Path, change: dict[str, object], redone: list[str]
) -> None:
    do(study, run)
    assert do(study.model_copy(update=change), run).done == redone


def test_a_changed_input_leaves_nothing_of_before(study: Study, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    do(study, run)
    (study.reference / "input.txt").write_text("c\n")
    assert do(study, run).done == ["first", "second"]
    assert sorted(path.name for path in (run / "first").glob("*.txt")) == ["0.txt"]
    assert (run / TOTAL).read_text() == "c 0 at 0.95"
    assert "first: again, because input 'reference' changed" in capsys.readouterr().err


@pytest.mark.parametrize("resumes", [False, True])
@pytest.mark.parametrize("damage", ["modified", "same length", "deleted", "added", "marker"])
def test_damaged_outputs_are_noticed_and_made_again(study: Study, run: Path, damage: str, resumes: bool) -> None:
    do(study, run, resumes=resumes)
    path = run / "first" / "1.txt"
    stat = path.stat()
    if damage == "modified":
        path.write_text("something else")
    elif damage == "same length":
        path.write_text("x 0")
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    elif damage == "deleted":
        path.unlink()
    elif damage == "added":
        (run / "first" / "2.txt").write_text("stray")
    else:
        (run / "first" / "done.json").write_text('{"stage": "fi')
    assert do(study, run, resumes=resumes).done == ["first"]
    assert path.read_text() == "b 0"
    assert not (run / "first" / "2.txt").exists()


@pytest.mark.parametrize(
    "marker",
    ["", "[]", "{}", '{"schema_version": 1, "options": {}, "inputs": {}, "outputs": {}}', '{"schema_version": 0}'],
)
def test_a_marker_of_another_form_is_no_marker(study: Study, run: Path, marker: str) -> None:
    do(study, run)
    (run / "first" / "done.json").write_text(marker)
    assert do(study, run).done == ["first"]


def test_a_deleted_result_is_made_again(study: Study, run: Path) -> None:
    do(study, run)
    (run / TOTAL).unlink()
    assert do(study, run).done == ["second"]
    assert (run / TOTAL).exists()


@pytest.mark.parametrize("resumes", [True, False])
def test_a_stage_that_fails_has_no_marker_and_keeps_its_place_only_if_it_resumes(
    study: Study, run: Path, resumes: bool
) -> None:
    def failing(study: Study, run: Path) -> Outcome:
        if (run / "work" / "part.txt").exists():
            return Outcome("went on")
        (run / "work" / "part.txt").write_text("x")
        raise RuntimeError("stop")

    stage = Stage("work", failing, lambda s: {}, lambda s, run: {}, resumes=resumes)
    with pytest.raises(RuntimeError, match="stop"):
        do_stages([stage], study, run, "")
    assert not (run / "work" / "done.json").exists()
    if resumes:
        assert do_stages([stage], study, run, "").outcomes["work"].summary == "went on"
    else:
        with pytest.raises(RuntimeError, match="stop"):
            do_stages([stage], study, run, "")


@pytest.mark.parametrize("done", [True, False])
@pytest.mark.parametrize("change", ["seed", "level"])
def test_a_stage_builds_on_work_for_another_need_only_where_it_says_so(
    study: Study, run: Path, change: str, done: bool
) -> None:
    def adding(study: Study, run: Path) -> Outcome:
        part = run / "work" / "part.txt"
        before = part.read_text() if part.exists() else ""
        part.write_text(f"{before}{study.seed} {study.level};")
        if not done and not before:
            raise RuntimeError("stop")
        return Outcome("")

    def same_seed(study: Study, before: Mapping[str, Any], need: Mapping[str, Any]) -> bool:
        return bool(before["options"]["seed"] == need["options"]["seed"])

    def options(study: Study) -> dict[str, object]:
        return {"seed": study.seed, "level": study.level}

    stage = Stage("work", adding, options, lambda s, run: {}, resumes=True, keeps=same_seed)
    changed = study.model_copy(update={"seed": 9} if change == "seed" else {"level": 0.9})
    if done:
        do_stages([stage], study, run, "")
        (run / "work" / "stray.txt").write_text("x")
        do_stages([stage], changed, run, "")
        assert not (run / "work" / "stray.txt").exists()
    else:
        with pytest.raises(RuntimeError, match="stop"):
            do_stages([stage], study, run, "")
        if change == "seed":
            with pytest.raises(RuntimeError, match="stop"):
                do_stages([stage], changed, run, "")
        else:
            do_stages([stage], changed, run, "")
    expected = "9 0.95;" if change == "seed" else "0 0.95;0 0.9;"
    assert (run / "work" / "part.txt").read_text() == expected


def test_unfinished_work_of_other_versions_is_thrown_away(study: Study, run: Path) -> None:
    stage = Stage("first", first, lambda s: {}, lambda s, run: {}, resumes=True)
    stage.start(run, {"stage": "first"})
    assert stage.can_resume(run, {"stage": "first"})
    started = json.loads((run / "first" / "started.json").read_text())
    started["versions"]["numpy"] = "0.0"
    (run / "first" / "started.json").write_text(json.dumps(started))
    assert not stage.can_resume(run, {"stage": "first"})


def test_unwanted_stages_are_left_out(study: Study, run: Path) -> None:
    happened = do(study.model_copy(update={"penalty": 0.5}), run)
    assert happened.done == ["first", "second"]
    assert not (run / "third").exists()


def test_the_manifest_names_versions_options_and_digests(study: Study, run: Path) -> None:
    do(study, run)
    manifest = json.loads((run / MANIFEST).read_text())
    assert manifest["command"] == "the command"
    assert manifest["schema_version"] == 1
    assert manifest["versions"]["numpy"]
    assert list(manifest["stages"]) == ["first", "second", "third"]
    assert manifest["stages"]["first"]["options"] == {"seed": 0}
    assert manifest["warnings"] == ["first warns"]
    digest = manifest["stages"]["second"]["outputs"]["total.txt"]
    found = subprocess.run(["sha256sum", run / TOTAL], capture_output=True, text=True, check=True).stdout.split()[0]
    assert digest == found


def test_images_stand_in_the_manifest_with_one_digest(study: Study, run: Path) -> None:
    def paint(study: Study, run: Path) -> Outcome:
        for name in ("b.png", "a.png"):
            (run / "paint" / name).write_text(name)
        return Outcome("painted")

    stage = Stage("paint", paint, lambda s: {}, lambda s, run: {})
    do_stages([stage], study, run, "")
    write_manifest(run, study, [stage], "")
    entry = json.loads((run / MANIFEST).read_text())["stages"]["paint"]
    sums = subprocess.run(["sha256sum paint/a.png paint/b.png"], shell=True, cwd=run, capture_output=True, check=True)
    whole = subprocess.run(["sha256sum"], input=sums.stdout, capture_output=True, check=True).stdout.decode().split()[0]
    assert entry["images"] == {"number": 2, "sha256": whole}
    assert entry["outputs"] == {}


_SLOW = textwrap.dedent(
    """
    import sys, time
    from pathlib import Path
    from mimetic2.runs.engine import do_stages
    from mimetic2.runs.stage import Outcome, Stage
    from mimetic2.study import Study

    def work(study, run):
        for index in range(40):
            path = run / "work" / f"{index}.txt"
            if not path.exists():
                time.sleep(0.01)
                part = path.with_suffix(".part")  # killed between opening and writing, a file would be empty
                part.write_text(str(index * index))
                part.rename(path)
        (run / "sum.txt").write_text(str(sum(int(p.read_text()) for p in (run / "work").glob("*.txt"))))
        return Outcome("summed")

    here = Path(sys.argv[1])
    study = Study(name="s", domain="lab", counts=here, generated=here, reference=here)
    stage = Stage("work", work, lambda s: {}, lambda s, run: {}, results=("sum.txt",), resumes=True)
    do_stages([stage], study, here, "")
    """
)


def test_killed_again_and_again_it_ends_with_the_same_bytes(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _SLOW, str(tmp_path)]
    for enough in (1, 9, 21, 39):
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            while len(list(tmp_path.glob("work/*.txt"))) < enough and process.poll() is None:
                time.sleep(0.005)
            os.kill(process.pid, signal.SIGKILL)
        assert not (tmp_path / "work" / "done.json").exists()
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    assert (tmp_path / "sum.txt").read_text() == str(sum(i * i for i in range(40)))
    assert (tmp_path / "work" / "done.json").exists()
