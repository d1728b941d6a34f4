"""CLIP's texts with a tiny model of random weights; the oracle is transformers' own model, padded and in a batch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from clip_models import write_clip  # noqa: E402
from mimetic2.embedding import get_embedder  # noqa: E402
from mimetic2.embedding.base import ReadsTexts  # noqa: E402
from mimetic2.errors import InputError  # noqa: E402
from mimetic2.generation.convert import convert  # noqa: E402

TEXTS = ["an artwork", "a photograph", "a chart of art"]


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Path, Any]:
    return tmp_path / "clip", write_clip(tmp_path / "clip")


def test_texts_are_those_of_transformers(saved: tuple[Path, Any]) -> None:
    folder, model = saved
    tokens = transformers.CLIPTokenizer.from_pretrained(folder)(TEXTS, padding=True, return_tensors="pt")
    expected = model.get_text_features(**tokens).pooler_output.detach().numpy()
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    embedder = get_embedder("clip", folder)
    assert isinstance(embedder, ReadsTexts)
    found = embedder.embed_texts(TEXTS)
    np.testing.assert_allclose(found, expected, atol=2e-6)
    np.testing.assert_array_equal(embedder.embed_texts(TEXTS[1:2])[0], found[1])
    assert (found[0] @ found[1:].T < 0.999).all()


def test_a_converted_checkpoint_gives_the_same_texts(saved: tuple[Path, Any]) -> None:
    folder, model = saved
    before = get_embedder("clip", folder)
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    convert(folder / "pytorch_model.bin", folder / "model.safetensors")
    after = get_embedder("clip", folder)
    np.testing.assert_array_equal(after.embed_texts(TEXTS), before.embed_texts(TEXTS))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ("no tokenizer", "holds no tokenizer"),
        ("bad tokenizer", "its tokenizer cannot be read"),
        ("image tower only", "has no text model"),
        ("long", "has 42 tokens"),
    ],
)
def test_what_is_missing_is_said(saved: tuple[Path, Any], broken: str, message: str) -> None:
    folder, _ = saved
    text = "an artwork"
    if broken == "no tokenizer":
        for name in ("vocab.json", "merges.txt"):
            (folder / name).unlink()
    elif broken == "bad tokenizer":
        (folder / "vocab.json").write_text("[")
    elif broken == "image tower only":
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**config["vision_config"], "projection_dim": 20}))
    else:
        text = "x" * 40
    with pytest.raises(InputError, match=message):
        get_embedder("clip", folder).embed_texts([text])  # type: ignore[attr-defined]
