"""`mimetic2 threshold` and `mimetic2 predict` from a table alone: what they print, refuse and write."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from mimetic2.cli.main import run
from mimetic2.threshold import threshold_of

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    """Run a command line in an empty folder: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(list(arguments))
        captured = capsys.readouterr()
        return int(code or 0), captured.out, captured.err

    return call


def write(path: Path, n: int = 120, **columns: Any) -> pl.DataFrame:
    """A table with a step of .3 at 150 images."""
    rng = np.random.default_rng(0)
    counts = np.round(10 ** rng.uniform(0, 4.5, n) - 1).astype(int)
    scores = (0.3 * (counts >= 150) + rng.normal(0, 0.03, n)).round(6)
    frame = pl.DataFrame({"concept": [f"c{i}" for i in range(n)], "count": counts, "score": scores} | columns)
    frame.write_csv(path)
    return frame


def test_text_says_the_sentence_the_numbers_and_the_papers_rule(command: Command, tmp_path: Path) -> None:
    write(tmp_path / "t.csv")
    code, out, err = command("threshold", "t.csv")
    assert (code, err) == (0, "")
    assert out.startswith("Over 120 concepts the imitation score jumps at about ")
    for part in (
        "verdict         step",
        "threshold       1",
        "paper's rule    ",
        "BIC above best  step 0.0",
        "concepts        120",
    ):
        assert part in out


def test_json_is_the_same_as_python_and_as_the_file_written(command: Command, tmp_path: Path) -> None:
    write(tmp_path / "t.csv")
    code, out, _ = command("threshold", "t.csv", "--json", "--out", "x.json", "--seed", "3", "--level", "0.9")
    assert code == 0
    document = json.loads(out)
    assert document == threshold_of(tmp_path / "t.csv", seed=3, level=0.9).to_dict()
    assert document == json.loads((tmp_path / "x.json").read_text())
    assert document["schema_version"] == 1
    assert document["threshold_kind"] == "step"
    assert {"sensitivity", "assumptions", "bounds", "groups", "controls", "association", "tests"} <= document.keys()
    assert document["association"]["p"] <= 0.01


def test_paper_mode_takes_two_rows_and_leaves_the_rest_null(command: Command, tmp_path: Path) -> None:
    write(tmp_path / "t.csv", n=2)
    code, out, _ = command("threshold", "t.csv", "--method", "paper", "--penalty", "0.001", "--json")
    document = json.loads(out)
    assert code == 0
    assert document["method"] == "paper"
    for key in ("verdict", "decisive", "interval", "shapes", "curve", "bounds"):
        assert document[key] is None
    assert (document["sensitivity"], document["assumptions"]) == ([], [])
    assert document["paper"]["penalty"] == 0.001


def test_scores_as_they_are_with_every_optional_column(command: Command, tmp_path: Path) -> None:
    n = 60
    rng = np.random.default_rng(1)
    write(
        tmp_path / "scores.csv", n,
        score_se=np.full(n, 0.02), null_score=rng.normal(0, 0.02, n), identified=["true", "false", ""] * 20,
        excluded=[""] * n, count_low=[""] * n, group=["a", "b"] * 30, control=["false"] * n,
        covariate_age=rng.normal(size=n), n_generated=[25] * n, note=["kept"] * n,
    )  # fmt: skip
    code, out, _ = command("threshold", "scores.csv", "--json")
    assert code == 0
    document = json.loads(out)
    assert document["identification"]["n_ranked"] == 40
    assert document["onset"] is not None
    assert [row["group"] for row in document["groups"]["groups"]] == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("concept,count\na,1\n", ("t.csv", "column 'score'", "is missing")),
        ("concept,count,score\na,1,x\n", ("row 2", "column 'score'", "'x'")),
        ("concept,count,score\na,-1,0\n", ("row 2", "column 'count'", "too small")),
        ("concept,count,score\na,1,\n", ("row 2", "'excluded' gives no reason")),
        ("concept,count,score\na,1,0\na,2,0\n", ("row 3", "'a'", "already")),
        ("concept,count,score,identified\na,1,0,yes\n", ("row 2", "column 'identified'", "true, false or empty")),
        ("concept,count,score,count_low,count_high\na,5,0,9,6\n", ("row 2", "'count_low'", "greater than count_high")),
        ("concept,count,score,covariate_x\na,5,0,1\nb,6,0,\n", ("row 3", "column 'covariate_x'", "other rows have it")),
        ("concept,count,score,weighted_count\na,5,0,-2\n", ("row 2", "column 'weighted_count'", "too small")),
        ("concept,count,score,control\na,5,0,2\n", ("row 2", "column 'control'")),
        ("concept,count,score\n" + "".join(f"c{i},{i},0\n" for i in range(7)), ("7 rows", "8 rows or more")),
        ("concept,count,score\n" + "".join(f"c{i},{i % 4},0\n" for i in range(12)), ("4 distinct counts", "5 or more")),
    ],
)  # fmt: skip
def test_a_bad_table_is_one_line_that_names_the_place(
    command: Command, tmp_path: Path, text: str, says: tuple[str, ...]
) -> None:
    (tmp_path / "t.csv").write_text(text)
    code, out, err = command("threshold", "t.csv")
    assert (code, out) == (2, "")
    assert len(err.strip().splitlines()) == 1
    for part in says:
        assert part in err


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--method", "best"), "unknown method 'best'"),
        (("--level", "95"), "level"),
        (("--penalty", "-1"), "penalty"),
    ],
)
def test_bad_options(command: Command, tmp_path: Path, options: tuple[str, ...], says: str) -> None:
    write(tmp_path / "t.csv")
    code, _, err = command("threshold", "t.csv", *options)
    assert code == 2
    assert says in err


def test_predict_reads_a_table_a_json_and_a_run_alike(command: Command, tmp_path: Path) -> None:
    write(tmp_path / "scores.csv", identified=["true", "false"] * 60)
    command("threshold", "scores.csv", "--out", "threshold.json")
    answers = [
        command("predict", source, "--count", "300", "--json") for source in ("scores.csv", "threshold.json", ".")
    ]
    assert {code for code, _, _ in answers} == {0}
    first = json.loads(answers[0][1])
    assert all(json.loads(out) == first for _, out, _ in answers)
    assert first["score_interval"][0] <= first["score"] <= first["score_interval"][1]
    assert 0.2 < first["score"] < 0.4
    text = command("predict", "threshold.json", "--count", "300")[1]
    assert "at 300 training images" in text
    assert "P(identified)" in text


def test_predict_says_nothing_beyond_the_counts(command: Command, tmp_path: Path) -> None:
    write(tmp_path / "t.csv")
    code, out, _ = command("predict", "t.csv", "--count", "1e9")
    assert code == 0
    assert "lies outside the observed counts" in out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("t.csv", "--count", "-1"), "numbers from 0"),
        (("empty", "--count", "1"), "neither threshold.json nor scores.csv"),
        (("bad.json", "--count", "1"), "cannot be read"),
        (("other.json", "--count", "1"), "not a threshold.json"),
        (("paper.json", "--count", "1"), "paper mode, which has no curve"),
    ],
)
def test_predict_refuses(command: Command, tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    write(tmp_path / "t.csv")
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.json").write_text("{")
    (tmp_path / "other.json").write_text("{}")
    command("threshold", "t.csv", "--method", "paper", "--out", "paper.json")
    code, out, err = command("predict", *arguments)
    assert (code, out) == (2, "")
    assert says in err


def test_a_missing_end_of_n50_is_explained_on_the_terminal(command: Command, tmp_path: Path) -> None:
    frame = write(tmp_path / "t.csv", n=20)
    hits = ["true" if count > 5 or i % 3 == 0 else "false" for i, count in enumerate(frame["count"])]
    write(tmp_path / "t.csv", n=20, identified=hits)
    out = command("threshold", "t.csv")[1]
    assert "N50" in out
    assert "no lower end: the data allow that 50 % are identified" in out
