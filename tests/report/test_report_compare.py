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
from mimetic2.report.page import FIXED_SENTENCE

Make = Callable[..., Path]


def test_table_json_and_page(make_run: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [str(make_run(folder="one")), str(make_run(folder="two", verdict="gradual"))]
    assert command(["compare", *runs]) == 0
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split()[:4] == ["run", "data", "verdict", "threshold"]
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


def test_refuses_one_run_or_the_same_twice(make_run: Make, tmp_path: Path) -> None:
    run = make_run()
    with pytest.raises(InputError, match="two or more"):
        compare_runs([run])
    with pytest.raises(InputError, match="given twice"):
        write_comparison([run, run / ".." / run.name], tmp_path / "c.html")
