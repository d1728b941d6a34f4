"""A run that decides after its first images how many each concept gets: what it leaves, and when it is interrupted."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest
import yaml
from PIL import Image

import mimetic2
from mimetic2.files import folder_name, sha256
from mimetic2.generation.store import Store
from mimetic2.lab import painters, reference_pictures

pytest.importorskip("diffusers")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # diffusers with numpy 2

N = 10


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("adaptive")
    chosen = sorted(painters(), key=lambda painter: painter.count)[5 :: len(painters()) // N][:N]
    pictures = reference_pictures(4)
    for painter in chosen:
        own = folder / "reference" / folder_name(painter.name)
        own.mkdir(parents=True)
        for index, picture in enumerate(pictures[painter.name]):
            Image.fromarray(picture).save(own / f"{index}.png")
    pl.DataFrame({"concept": [p.name for p in chosen], "count": [p.count for p in chosen]}).write_csv(
        folder / "counts.csv"
    )
    content = {"name": "adaptive", "domain": "lab", "counts": "counts.csv", "reference": "reference", "model": "lab"}
    content |= {"prompts": ["a painting of a house by {concept}", "a painting of a boat by {concept}"], "images": 2}
    content |= {"adaptive": {"most": 6, "budget": 60}}
    (folder / "study.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    return folder / "study.yaml"


@pytest.fixture(scope="module")
def finished(study: Path) -> mimetic2.RunResult:
    return mimetic2.run(study)


def outputs(run: Path) -> dict[str, str]:
    files = [*(run / "generate").rglob("*.png"), *(run / "generate").glob("*.csv"), run / "scores.csv"]
    return {path.relative_to(run).as_posix(): sha256(path) for path in [*files, run / "threshold.json"]}


def test_the_decision_is_written_down_and_kept_to(finished: mimetic2.RunResult) -> None:
    decided = pl.read_csv(finished.folder / "generate" / "allocation.csv")
    made = pl.read_csv(finished.folder / "generate" / "images.csv")
    per_prompt = made.group_by("concept", "prompt").len().group_by("concept").agg(pl.col("len").unique())
    numbers = dict(zip(decided["concept"], decided["images"], strict=True))
    assert {name: list(own) for name, own in per_prompt.iter_rows()} == {c: [n] for c, n in numbers.items()}
    assert decided["first"].to_list() == [2] * N
    assert decided["images"].min() == 2
    assert 2 * N * 2 < made.height <= 60
    scored = {row["concept"]: int(row["n_generated"]) for row in finished.scores.iter_rows(named=True)}
    assert scored == {name: 2 * number for name, number in numbers.items()}


@pytest.mark.parametrize("moment", [1, 12])
def test_interrupted_before_and_after_the_decision(
    study: Path, finished: mimetic2.RunResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    write, written = Store.write, []

    def stop(self: Store, made: object) -> None:
        written.append(1)
        if len(written) == moment:
            raise KeyboardInterrupt
        write(self, made)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(Store, "write", stop)
        with pytest.raises(KeyboardInterrupt):
            mimetic2.run(study, tmp_path / "cut")
    assert not (tmp_path / "cut" / "generate" / "done.json").exists()
    assert outputs(mimetic2.run(study, tmp_path / "cut").folder) == outputs(finished.folder)


def test_a_pilot_s_images_stay_when_concepts_and_further_images_are_added(
    study: Path, finished: mimetic2.RunResult, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The way that `plan` proposes: few concepts and images first, then more of both."""
    pilot = yaml.safe_load(study.read_text()) | {"counts": "few.csv", "reference": str(study.parent / "reference")}
    del pilot["adaptive"]
    few = (study.parent / "counts.csv").read_text().splitlines(keepends=True)
    (tmp_path / "few.csv").write_text("".join(few[:9]))
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(pilot))
    mimetic2.run(tmp_path / "study.yaml")
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "study-run" / "generate").rglob("*.png")}
    assert len(times) == 8 * 2 * 2
    capsys.readouterr()
    shutil.copy(study.parent / "counts.csv", tmp_path / "few.csv")
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(pilot | {"adaptive": {"most": 6, "budget": 60}}))
    grown = mimetic2.run(tmp_path / "study.yaml")
    assert "generate: again, keeping what fits, because input" in capsys.readouterr().err
    assert times == {path: path.stat().st_mtime_ns for path in times}
    assert outputs(grown.folder) == outputs(finished.folder)


def test_images_depend_on_counts_and_references_only_if_they_decide(study: Path, tmp_path: Path) -> None:
    from mimetic2.runs.sequence import STAGES

    stage = next(stage for stage in STAGES if stage.name == "generate")
    adaptive = mimetic2.load_study(study)
    fixed = adaptive.model_copy(update={"adaptive": None})
    assert set(stage.inputs(adaptive, tmp_path)) - set(stage.inputs(fixed, tmp_path)) == {"counts.csv", "reference"}
    assert {"adaptive", "embedder", "references"} <= set(stage.options(adaptive)) - set(stage.options(fixed))
