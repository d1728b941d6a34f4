"""Runs side by side, on stdout, as JSON and as a page."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import threshold_of
from mimetic2.cli.main import run as command
from mimetic2.errors import InputError
from mimetic2.report import compare_runs, write_comparison
from mimetic2.report.comparison import paper_grid
from mimetic2.report.wording import FIXED_SENTENCE, NO_NUMBER_SENTENCE

Make = Callable[..., Path]


def test_table_json_and_page(make_run: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [str(make_run(folder="one")), str(make_run(folder="two", verdict="gradual"))]
    assert command(["compare", *runs]) == 0
    head, first, second, *_ = capsys.readouterr().out.splitlines()
    assert head.split()[:3] == ["run", "verdict", "threshold"]
    assert "150 (121 to 163)" in first
    assert "gradual" in second
    assert command(["compare", *runs, "--json", "--out", str(tmp_path / "c.html")]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [run["threshold"] for run in document["runs"]] == [150, None]
    page = (tmp_path / "c.html").read_text(encoding="utf-8")
    assert FIXED_SENTENCE in page
    assert threshold_of("step")["sentence"] in page


def test_grid_has_a_column_a_domain(make_run: Make) -> None:
    runs = [make_run(folder="a"), make_run(folder="b", domain="faces"), make_run(folder="c", verdict="none")]
    grid = paper_grid(compare_runs(runs))
    assert len(grid["domains"]) == 2
    assert grid["rows"] == [("the lab's captions", "lab", ["150 / none", "150"])]


def ranked(p: list[float], n50: int | None, bounds: list[int | None]) -> dict[str, object]:
    curve = {"count": [0, 100, 2000], "p": p, "low": p, "high": p}
    return {"n50": n50, "n50_bounds": bounds, "n90": None, "n90_bounds": [None, None], "curve": curve, "chance": 0.01}


@pytest.mark.parametrize(
    ("identification", "n50", "n90"),
    [
        (ranked([0.0, 0.4, 0.7], 160, [120, None]), "160 (120 or more)", "not reached by 2,000"),
        (ranked([0.0, 0.1, 0.3], None, [900, None]), "not reached by 2,000 (900 or more)", "not reached by 2,000"),
        (ranked([0.6, 0.8, 0.89], None, [None, 30]), "reached at 0 already (up to 30)", "not reached by 2,000"),
        (ranked([0.0, 0.6, 0.8], 70, [70, 70]), "70 (70 to 70)", "not reached by 2,000"),
    ],
)
def test_open_ends_are_said(
    make_run: Make, capsys: pytest.CaptureFixture[str], identification: dict[str, object], n50: str, n90: str
) -> None:
    runs = [make_run(folder="a", identification=identification), make_run(folder="b")]
    assert command(["compare", *map(str, runs)]) == 0
    line = capsys.readouterr().out.splitlines()[1]
    assert f"  {n50}  " in line
    assert f"  {n90}  " in line


def test_no_number_anywhere_has_its_own_sentence(make_run: Make, tmp_path: Path) -> None:
    runs = [make_run(folder="a", verdict="none"), make_run(folder="b", verdict="undecided")]
    page = write_comparison(runs, tmp_path / "c.html").read_text(encoding="utf-8")
    assert NO_NUMBER_SENTENCE in page
    assert FIXED_SENTENCE not in page
    assert "2 runs side by side" in page


def test_a_midpoint_is_no_jump(make_run: Make, capsys: pytest.CaptureFixture[str]) -> None:
    middle = {"threshold": 339, "threshold_kind": "midpoint", "interval": [240, 567]}
    runs = [make_run(folder="a", verdict="gradual", **middle), make_run(folder="b", domain="faces")]
    assert paper_grid(compare_runs(runs))["rows"][0][2] == ["339 (midpoint)", "150"]
    assert command(["compare", *map(str, runs)]) == 0
    assert "339 (midpoint)" in capsys.readouterr().out


def test_refuses_one_run_or_the_same_twice(make_run: Make, tmp_path: Path) -> None:
    run = make_run()
    with pytest.raises(InputError, match="two or more"):
        compare_runs([run])
    with pytest.raises(InputError, match="given twice"):
        write_comparison([run, run / ".." / run.name], tmp_path / "c.html")
