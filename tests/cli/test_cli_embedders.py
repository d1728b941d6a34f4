"""Embedders from the command line: weights, faces, devices; and vectors that are never mixed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from mimetic2.cli.main import run as run_cli  # noqa: E402
from mimetic2.embedding import EmbeddingTable, get_embedder  # noqa: E402
from mimetic2.files import sha256  # noqa: E402

CONCEPTS = ("Ada", "Bo", "Cy")


def run(*words: object) -> int:
    return run_cli([str(word) for word in words])


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    folder = tmp_path_factory.mktemp("clip")
    torch.manual_seed(0)
    config = CLIPVisionConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=2,
        image_size=32,
        patch_size=8,
        projection_dim=16,
    )
    CLIPVisionModelWithProjection(config).save_pretrained(folder)
    return folder


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    rng = np.random.default_rng(0)
    for kind in ("generated", "reference"):
        for name in CONCEPTS:
            (tmp_path / kind / name).mkdir(parents=True)
            for index in range(3):
                pixels = rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(tmp_path / kind / name / f"{index}.png")
    return tmp_path


def test_embed_with_weights_of_ones_own(images: Path, clip: Path) -> None:
    given = ("--embedder", "clip", "--weights", clip, "--device", "cpu")
    assert run("embed", "--images", "generated", *given, "--out", "vectors.parquet", "--cache", "cache") == 0
    table = EmbeddingTable.load(images / "vectors.parquet")
    assert table.identity.weights_sha256 == sha256(clip / "model.safetensors")
    assert table.vectors.shape == (9, 16)
    assert table.usable.all()


def test_score_takes_vectors_of_the_same_embedder_only(
    images: Path, clip: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ("--embedder", "clip", "--weights", clip)
    assert run("embed", "--images", "generated", *given, "--out", "g.parquet") == 0
    score = ("score", "--generated", "g.parquet", "--reference", "reference", *given, "--out", "s.csv")
    assert run(*score) == 0
    monkeypatch.setattr("mimetic2.embedding.vision_models.DECODER", "pillow-rgb-2")
    assert run(*score) == 2
    assert "g.parquet: holds vectors of" in capsys.readouterr().err
    monkeypatch.undo()
    monkeypatch.chdir(images)
    config = json.loads((clip / "config.json").read_text())
    other = images / "other"
    other.mkdir()
    (other / "model.safetensors").write_bytes((clip / "model.safetensors").read_bytes())
    (other / "config.json").write_text(json.dumps(config | {"hidden_act": "relu"}))
    assert run(*score[:-4], "--weights", other, "--out", "s.csv") == 2


def test_saved_vectors_are_scored_for_the_listed_concepts_only_as_folders_are(images: Path, clip: Path) -> None:
    (images / "counts.csv").write_text("concept,count\nada,5\nBo,7\n")
    given = ("--embedder", "clip", "--weights", clip, "--device", "cpu")
    for kind in ("generated", "reference"):
        assert run("embed", "--images", kind, *given, "--out", f"{kind}.parquet") == 0
    for ending, out in (("", "folders.csv"), (".parquet", "vectors.csv")):
        sources = ("--generated", f"generated{ending}", "--reference", f"reference{ending}")
        assert run("score", *sources, *given, "--counts", "counts.csv", "--out", out) == 0
    assert (images / "vectors.csv").read_bytes() == (images / "folders.csv").read_bytes()
    assert "Cy" not in (images / "vectors.csv").read_text()


def test_cached_vectors_of_another_decoder_are_not_used(
    images: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = ("embed", "--images", "generated", "--embedder", "clip", "--weights", clip, "--cache", "cache", "--out")
    assert run(*given, "a.parquet") == 0
    made: list[int] = []
    factory = type(get_embedder("clip", clip))
    original = factory.embed

    def counted(self: Any, pictures: Any) -> Any:
        made.append(len(pictures))
        return original(self, pictures)

    monkeypatch.setattr(factory, "embed", counted)
    assert run(*given, "b.parquet") == 0
    assert made == []
    monkeypatch.setattr("mimetic2.embedding.vision_models.DECODER", "pillow-rgb-2")
    assert run(*given, "c.parquet") == 0
    assert made == [9]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("embed --images generated --embedder clip --weights CLIP --faces one --out o.parquet", 2, "no option 'faces'"),
        ("embed --images generated --embedder clip --weights CLIP --device tpu --out o.parquet", 2, "unknown device"),
        ("embed --images generated --embedder clip --out o.parquet", 3, "--allow-download"),
        ("embed --images generated --embedder dinov2 --weights CLIP --out o.parquet", 2, "model of type 'clip_vision"),
        ("embed --images generated --embedder style-lite --device cpu --out o.parquet", 2, "no option 'device'"),
        ("embed --images generated --embedder csd --weights x.pth --out o.parquet", 2, "no such file"),
        ("score --generated generated --reference reference --embedder siglip --out s.csv", 3, "google/siglip"),
        ("score --generated generated --reference reference --embedder arcface-onnx --out s.csv", 3, "--weights"),
        ("doctor --weights CLIP", 2, "--embedder"),
        ("doctor --embedder clap", 2, "did you mean 'clip'"),
    ],
)
def test_mistakes(
    images: Path, clip: Path, capsys: pytest.CaptureFixture[str], words: str, code: int, message: str
) -> None:
    assert run(*(str(clip) if word == "CLIP" else word for word in words.split())) == code
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_verify_takes_weights_and_refuses_them_without_a_cutoff(
    images: Path, clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (images / "mentions.csv").write_text("concept,mentions\n" + "".join(f"{name},9\n" for name in CONCEPTS))
    (images / "sample.csv").write_text("concept,url\n" + "".join(f"{name},lab://{name}\n" for name in CONCEPTS))
    words = ("verify", "--concepts", "mentions.csv", "--sample", "sample.csv", "--reference", "reference")
    assert run(*words, "--embedder", "clip", "--weights", clip, "--domain", "art-style", "--out", "c.csv") == 2
    error = capsys.readouterr().err
    assert "no verification cut-off for clip" in error
    assert "csd (weights not stated, max_cosine)" in error


def test_doctor_looks_at_weights_of_ones_own(images: Path, clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("doctor", "--embedder", "clip", "--weights", clip, "--json") == 0
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert (finding["name"], finding["state"]) == ("clip", "unverified")
    assert f"model.safetensors sha256 {sha256(clip / 'model.safetensors')}" in finding["detail"]
    assert "no verification cut-off" in finding["detail"]
