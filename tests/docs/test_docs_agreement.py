"""docs/agreement.md: its tables are what benchmarks/agreement.py prints."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "agreement.md"


@pytest.fixture(scope="module")
def agreement() -> ModuleType:
    """The script, imported from its place."""
    spec = importlib.util.spec_from_file_location("agreement", ROOT / "benchmarks" / "agreement.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["agreement"] = module
    spec.loader.exec_module(module)
    return module


def test_smooth_rises_have_the_thresholds_that_the_page_prints(agreement: ModuleType) -> None:
    assert agreement.smooth_rises() in PAGE.read_text(encoding="utf-8")


def test_ramps_break_as_often_as_the_page_says(agreement: ModuleType) -> None:
    assert agreement.ramps() in PAGE.read_text(encoding="utf-8")


def test_the_best_ten_of_many(agreement: ModuleType) -> None:
    assert agreement.best_of_many() in PAGE.read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_artists_counts(agreement: ModuleType, shared: Path) -> None:
    facts, simulated = agreement.classical(shared / "data" / "classical-artists-counts.csv").split("\n\n")
    page = PAGE.read_text(encoding="utf-8")
    assert facts in page
    assert simulated in page


@pytest.mark.slow
def test_the_22_people(agreement: ModuleType, shared: Path, tmp_path: Path) -> None:
    pytest.importorskip("dlib", reason="needs the extra `faces`")
    from mimetic2 import run

    data = shared / "data" / "sd11-celebrities"
    study = tmp_path / "study.yaml"
    folders = "".join(f"{name}: {data / name}\n" for name in ("reference", "generated"))
    study.write_text(f"name: people\ndomain: faces\ncounts: {data / 'counts.csv'}\n{folders}embedder: dlib-face\n")
    run(study, tmp_path / "run")
    table, lines = agreement.celebrities(tmp_path / "run" / "scores.csv").split("\n\n")
    page = PAGE.read_text(encoding="utf-8")
    assert table in page
    assert lines in page
