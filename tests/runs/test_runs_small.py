"""Whole runs of small studies of the lab's painters, from images on disk; and `init` and `clean`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml
from PIL import Image

import mimetic2
from mimetic2.errors import InputError
from mimetic2.files import folder_name
from mimetic2.lab import painters, reference_pictures
from mimetic2.runs.starting import write_start

pytest.importorskip("torch")

N = 12
RESULTS = ("study.yaml", "manifest.json", "counts.csv", "scores.csv", "threshold.json", "report.html")
STAGES = ("count", "embed", "score", "threshold", "report")


def paint(root: Path, first: int, number: int) -> None:
    """Real pictures of the first N painters, in a folder each."""
    pictures = reference_pictures(first + number)
    for painter in painters()[:N]:
        folder = root / folder_name(painter.name)
        folder.mkdir(parents=True)
        for index in range(number):
            Image.fromarray(pictures[painter.name][first + index]).save(folder / f"{index}.png")


@pytest.fixture(scope="session")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("material")
    paint(folder / "reference", 0, 5)
    paint(folder / "generated", 5, 3)
    counts = [("concept", "count", "group", "minor"), *((p.name, p.count, "g", "false") for p in painters()[:N])]
    (folder / "counts.csv").write_text("\n".join(",".join(map(str, row)) for row in counts) + "\n")
    study = {"name": "small", "domain": "lab", "embedder": "style-lite"}
    study |= {key: key for key in ("reference", "generated")} | {"counts": "counts.csv"}
    (folder / "study.yaml").write_text(yaml.safe_dump(study, sort_keys=False))
    return folder


@pytest.fixture(scope="session")
def finished(material: Path) -> mimetic2.RunResult:
    return mimetic2.run(material / "study.yaml")


@pytest.fixture
def copy(material: Path, finished: mimetic2.RunResult, tmp_path: Path) -> Path:
    """A copy of the study and its run that a test may change."""
    shutil.copytree(material, tmp_path / "copy")
    return tmp_path / "copy"


def change(study: Path, **keys: object) -> Path:
    content = yaml.safe_load(study.read_text()) | keys
    study.write_text(yaml.safe_dump(content, sort_keys=False))
    return study


def test_everything_promised_is_there(finished: mimetic2.RunResult, material: Path) -> None:
    assert finished.folder == material / "study-run"
    assert finished.done == STAGES
    assert all((finished.folder / name).is_file() for name in RESULTS)
    assert finished.scores.height == finished.counts.height == N
    assert finished.threshold["n_concepts"] == N
    assert finished.sentence
    assert finished.report.read_text().startswith("<!doctype html>")
    assert any("fewer than 30" in warning for warning in finished.warnings)


def test_real_pictures_are_identified_better_than_by_chance(finished: mimetic2.RunResult) -> None:
    assert finished.scores["identified"].to_list().count("true") >= N // 2


def test_again_skips_everything_and_changes_nothing(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = copy / "study-run"
    mimetic2.run(copy / "study.yaml")
    before = {name: (run / name).read_bytes() for name in RESULTS}
    capsys.readouterr()
    again = mimetic2.run(copy / "study.yaml")
    assert (again.done, again.skipped) == ((), STAGES)
    assert again.warnings
    assert {name: (run / name).read_bytes() for name in RESULTS} == before
    assert capsys.readouterr().err.count(": skipped, nothing changed") == len(STAGES)


@pytest.mark.parametrize(
    ("keys", "done"),
    [
        ({"level": 0.9}, ("threshold", "report")),
        ({"penalty": 0.1}, ("threshold", "report")),
        ({"references": 3}, ("score", "threshold", "report")),
        ({"subjects": {"basis": "imaginary"}}, ("report",)),
        ({"training_data": {"name": "x", "relation": "proxy"}}, ("threshold", "report")),
    ],
)
def test_a_changed_option_redoes_that_stage_and_those_after_it(
    copy: Path, keys: dict[str, object], done: tuple[str, ...]
) -> None:
    run = copy / "study-run"
    mimetic2.run(copy / "study.yaml", run)
    assert mimetic2.run(change(copy / "study.yaml", **keys), run).done == done


def test_a_changed_count_leaves_the_vectors(copy: Path) -> None:
    run = copy / "study-run"
    mimetic2.run(copy / "study.yaml", run)
    counts = pl.read_csv(copy / "counts.csv").with_columns(pl.col("count") + 1)
    counts.write_csv(copy / "counts.csv")
    assert mimetic2.run(copy / "study.yaml", run).done == ("count", "score", "threshold", "report")


def test_a_changed_image_is_noticed(copy: Path) -> None:
    run = copy / "study-run"
    mimetic2.run(copy / "study.yaml", run)
    path = next((copy / "generated").rglob("0.png"))
    Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(path)
    assert mimetic2.run(copy / "study.yaml", run).done == ("embed", "score", "threshold", "report")


def test_proxy_data_warn_in_every_output(copy: Path) -> None:
    study = change(copy / "study.yaml", training_data={"name": "LAION-X", "relation": "proxy"})
    result = mimetic2.run(study, copy / "proxy")
    assert any("LAION-X" in warning for warning in result.warnings)
    for name in ("threshold.json", "manifest.json"):
        warnings = json.loads((copy / "proxy" / name).read_text())["warnings"]
        assert any("LAION-X" in warning for warning in warnings), name
    assert "LAION-X" in result.report.read_text()


def test_copies_are_said_in_every_output(copy: Path) -> None:
    folder = next(path for path in (copy / "generated").iterdir())
    shutil.copyfile(next((copy / "reference" / folder.name).iterdir()), folder / "0.png")
    result = mimetic2.run(copy / "study.yaml", copy / "copied")
    assert any(text.startswith("1 generated images nearly equal a real one") for text in result.warnings)
    assert "1 nearly equal a real picture" in " ".join(result.report.read_text().split())


def test_the_paper_s_procedure(copy: Path) -> None:
    result = mimetic2.run(change(copy / "study.yaml", procedure="paper"), copy / "paper")
    assert result.threshold["method"] == "paper"
    assert result.threshold["verdict"] is None
    assert any(text.startswith("procedure paper: ") for text in result.threshold["warnings"])


def test_minors_are_left_out_of_every_stage(copy: Path) -> None:
    text = (copy / "counts.csv").read_text()
    (copy / "counts.csv").write_text(text.replace("false", "true", 1))
    result = mimetic2.run(copy / "study.yaml", copy / "minor")
    assert result.excluded["count"] == {"under age": 1}
    name = painters()[0].name
    for path in (copy / "minor").rglob("*.csv"):
        assert name not in path.read_text().replace(f"{name} ", ""), path
    assert not (pl.read_parquet(copy / "minor" / "embed" / "generated.parquet")["concept"] == name).any()


def test_covariates_groups_and_intervals_of_the_users_tables_reach_the_checks(copy: Path) -> None:
    counts = pl.read_csv(copy / "counts.csv")
    group = pl.Series("group", ["north", "south"] * (counts.height // 2) + ["north"] * (counts.height % 2))
    listed = counts.select("concept").with_columns(group, covariate_year=pl.int_range(pl.len()) * 37 % 11)
    listed.write_csv(copy / "list.csv")
    counts.select("concept", "count").with_columns(
        count_low=pl.col("count") * 0.8, count_high=pl.col("count") * 1.3, weighted_count=pl.col("count") * 2
    ).write_csv(copy / "counts.csv")
    result = mimetic2.run(change(copy / "study.yaml", concepts="list.csv"), copy / "checked")
    rows = {row["name"]: row["outcome"] for row in result.threshold["sensitivity"]}
    testable = {name for name, outcome in rows.items() if outcome != "not testable"}
    assert {"adjusted for covariates", "weighted images", "counts drawn from their intervals"} <= testable
    assert [group["group"] for group in result.threshold["groups"]["groups"]] == ["north", "south"]
    page = (copy / "checked" / "report.html").read_text(encoding="utf-8")
    assert "Would other choices change it?" in page
    assert "north" in page


def test_an_unreadable_image_is_counted_and_survived(copy: Path) -> None:
    path = next((copy / "generated").rglob("0.png"))
    path.write_bytes(path.read_bytes()[:60])
    result = mimetic2.run(copy / "study.yaml", copy / "broken")
    assert sum(result.excluded["embed"].values()) == 1


def test_the_run_s_own_study_runs_in_place(copy: Path) -> None:
    run = copy / "study-run"
    mimetic2.run(copy / "study.yaml", run)
    text = (run / "study.yaml").read_text()
    assert str(copy) not in text
    again = mimetic2.run(run / "study.yaml")
    assert again.folder == run
    assert again.done == ()


def test_clean_removes_vectors_and_keeps_results(copy: Path) -> None:
    run = copy / "study-run"
    assert (run / "embed").stat().st_mode & 0o777 == 0o700
    assert mimetic2.remove_biometrics(run) == [run / "embed"]
    assert not list(run.rglob("*embed*"))
    assert all((run / name).is_file() for name in RESULTS)
    assert mimetic2.remove_biometrics(run) == []
    assert mimetic2.run(copy / "study.yaml", run).done[0] == "embed"


def test_a_folder_that_is_no_run_is_not_cleaned(tmp_path: Path) -> None:
    (tmp_path / "embed").mkdir()
    with pytest.raises(InputError, match="no run directory"):
        mimetic2.remove_biometrics(tmp_path)
    assert (tmp_path / "embed").is_dir()


def test_what_init_writes_is_accepted(tmp_path: Path) -> None:
    files = write_start(tmp_path / "new")
    study = mimetic2.load_study(files[0])
    assert study.counts == files[1].resolve()
    with pytest.raises(InputError, match="exists already"):
        write_start(tmp_path / "new")


def test_every_commented_line_of_init_is_accepted_too(tmp_path: Path) -> None:
    files = write_start(tmp_path)
    (tmp_path / "captions").mkdir()
    (tmp_path / "captions" / "a.parquet").touch()
    lines = []
    for line in files[0].read_text().splitlines():
        bare = line.removeprefix("# ").removeprefix("#")
        words = bare.split(":")[0].strip()
        commented = line.startswith("# ") and ":" in bare and words.replace("_", "").isalpha()
        if commented and (words in mimetic2.Study.model_fields or bare.startswith("  ")):
            lines.append(bare)
        elif not line.startswith(("#", "counts:", "generated:")):
            lines.append(line)
    (tmp_path / "all.yaml").write_text("\n".join(lines) + "\n")
    study = mimetic2.load_study(tmp_path / "all.yaml")
    assert study.model is not None
    assert study.training_data is not None
    assert study.subjects is not None
    assert study.captions is not None


def test_init_s_examples_are_a_concept_list(tmp_path: Path) -> None:
    from mimetic2.concepts import read_concepts

    write_start(tmp_path)
    assert [concept.control for concept in read_concepts(tmp_path / "concepts.csv")] == [False, False, True]
