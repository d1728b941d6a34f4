"""`mimetic2 lab build` and `lab train`, as a user calls them."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from mimetic2.cli.lab import register
from mimetic2.errors import MissingRequirement
from mimetic2.lab.rows import digest
from mimetic2.lab.shards import read_shards, shipped_shards


@pytest.fixture
def app() -> typer.Typer:
    application = typer.Typer()
    register(application)
    return application


def test_build_writes_shards_concepts_and_references(app: typer.Typer, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["lab", "build", "--out", str(tmp_path), "--references", "1"])
    assert result.exit_code == 0, result.output
    built = sorted((tmp_path / "training_set").glob("*.parquet"))
    assert digest(read_shards(built)) == digest(read_shards(shipped_shards()))
    assert (tmp_path / "concepts.csv").read_text().startswith("concept,aliases\n")
    assert len(list((tmp_path / "reference").iterdir())) == 150


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_train_ends_with_the_pipelines_folder(app: typer.Typer, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    arguments = ["lab", "train", "--tiny", "--steps", "2", "--threads", "1", "--out", str(tmp_path)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert str(tmp_path / "pipeline") in result.stdout
    assert (tmp_path / "pipeline" / "model_index.json").exists()


def test_without_torch_it_says_what_to_install(
    app: typer.Typer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    result = CliRunner().invoke(app, ["lab", "train", "--tiny", "--out", str(tmp_path)])
    assert isinstance(result.exception, MissingRequirement)
    assert "pip install 'mimetic2[diffusion]'" in str(result.exception)
