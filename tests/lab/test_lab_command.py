"""`mimetic2 lab build` and `lab train`, as a user calls them."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from mimetic2.cli.lab import register
from mimetic2.errors import InputError, MissingRequirement
from mimetic2.files import folder_name
from mimetic2.lab import painters
from mimetic2.lab.links import Link, render
from mimetic2.lab.pictures import evenly_by_count, read_generated
from mimetic2.lab.rows import digest
from mimetic2.lab.shards import read_shards, shipped_shards
from mimetic2.tables import read_table


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
    counts = read_table(tmp_path / "counts.csv")
    assert counts["count"].to_list() == [str(painter.count) for painter in painters()]
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


def test_sheet_draws_references_beside_generated_images(app: typer.Typer, tmp_path: Path) -> None:
    for painter in evenly_by_count(3):
        for prompt, subject in enumerate(("house", "tree")):
            path = tmp_path / "images" / folder_name(painter.name) / str(prompt) / "0.png"
            path.parent.mkdir(parents=True)
            Image.fromarray(render(Link(painter.slug, subject, 5))).save(path)
    arguments = [
        "lab",
        "sheet",
        "--generated",
        str(tmp_path / "images"),
        "--out",
        str(tmp_path / "sheet.png"),
        "--rows",
        "3",
    ]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.height == 3 * 64


def test_sheet_names_a_painter_without_images(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no images"):
        read_generated(tmp_path, evenly_by_count(2))


def test_sheet_refuses_images_of_another_size(tmp_path: Path) -> None:
    painter = evenly_by_count(2)[0]
    path = tmp_path / folder_name(painter.name) / "0" / "0.png"
    path.parent.mkdir(parents=True)
    Image.new("RGB", (64, 64)).save(path)
    with pytest.raises(InputError, match="is 64 x 64, not 32 x 32"):
        read_generated(tmp_path, [painter])
