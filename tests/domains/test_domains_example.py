"""docs/domains.md, run as it stands: one file adds logos; the embedder is a small CLIP of random weights."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from mimetic2.report import write_report  # noqa: E402
from mimetic2.runs import run  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
BRANDS = [f"Brand {letter}" for letter in "ABCDEFGHIJ"]
COUNTS = [0, 3, 8, 20, 50, 120, 300, 700, 2000, 5000]


def yaml_blocks() -> list[str]:
    page = (ROOT / "docs" / "domains.md").read_text(encoding="utf-8")
    return re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


def logo(brand: int, rng: np.random.Generator) -> Image.Image:
    """Two shapes in the brand's colours, a little moved."""
    own = np.random.default_rng(brand)
    picture = Image.new("RGB", (48, 48), tuple(own.integers(0, 256, 3).tolist()))
    pen = ImageDraw.Draw(picture)
    for draw in (pen.ellipse, pen.rectangle):
        left, top = own.integers(0, 24, 2) + rng.integers(-1, 2, 2)
        width, height = own.integers(12, 24, 2)
        draw((int(left), int(top), int(left + width), int(top + height)), fill=tuple(own.integers(0, 256, 3).tolist()))
    return picture


def save_images(folder: Path) -> None:
    """References, and images that resemble them the more the larger the brand's count."""
    rng = np.random.default_rng(1)
    for brand, name in enumerate(BRANDS):
        for index in range(4):
            for kind in ("reference", "generated"):
                picture = logo(brand, rng)
                if kind == "generated":
                    other = logo(100, rng).filter(ImageFilter.GaussianBlur(3))
                    picture = Image.blend(other, picture, brand / 9)
                (folder / kind / name).mkdir(parents=True, exist_ok=True)
                picture.save(folder / kind / name / f"{index}.png")
    rows = "".join(f"{name},{count}\n" for name, count in zip(BRANDS, COUNTS, strict=True))
    (folder / "counts.csv").write_text("concept,count\n" + rows)


def save_clip(folder: Path) -> None:
    from transformers import CLIPConfig, CLIPModel

    part = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    vision = {**part, "image_size": 48, "patch_size": 8}
    text = {**part, "vocab_size": 50, "max_position_embeddings": 8}
    torch.manual_seed(0)
    CLIPModel(CLIPConfig(vision_config=vision, text_config=text, projection_dim=32)).save_pretrained(folder)


def test_the_page_shows_the_example_that_ships() -> None:
    assert yaml_blocks()[0] == (ROOT / "examples" / "domains" / "logos.yaml").read_text(encoding="utf-8")


def test_one_file_adds_logos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = tmp_path / "study"
    study.mkdir()
    (study / "logos.yaml").write_text(yaml_blocks()[0])
    (study / "study.yaml").write_text(yaml_blocks()[1])
    save_images(study)
    save_clip(study / "clip")
    monkeypatch.chdir(tmp_path)  # paths start at the study, not here
    result = run(study / "study.yaml")
    scores = result.scores
    assert scores["concept"].to_list() == BRANDS
    assert scores["excluded"].to_list() == [None] * 10 or not any(scores["excluded"].to_list())
    assert float(scores["score"][9]) > float(scores["score"][0])
    manifest = json.loads((result.folder / "manifest.json").read_text())
    assert "clip" in json.dumps(manifest["stages"]["embed"]["options"])
    page = result.report.read_text(encoding="utf-8")
    assert "brands" in page
    assert "logos of brands" in page

    moved = tmp_path / "moved"
    shutil.move(result.folder, moved)
    (study / "logos.yaml").unlink()
    assert "brands" in write_report(moved).read_text(encoding="utf-8")


def test_another_embedders_weights_make_other_scores(tmp_path: Path) -> None:
    """Weights are an input of the stage: exchanging them redoes it, and nothing of the old vectors is left."""
    for name, text in zip(("logos.yaml", "study.yaml"), yaml_blocks(), strict=False):
        (tmp_path / name).write_text(text)
    save_images(tmp_path)
    save_clip(tmp_path / "clip")
    first = run(tmp_path / "study.yaml").scores["score"].to_list()
    again = run(tmp_path / "study.yaml")
    assert "embed" in again.skipped
    config = tmp_path / "clip" / "config.json"
    config.write_text(config.read_text().replace('"quick_gelu"', '"relu"'))
    other = run(tmp_path / "study.yaml")
    assert "embed" in other.done
    assert other.scores["score"].to_list() != first
