"""Embedders by name: third parties' distributions, options, and what readiness says of each."""

import numpy as np
import polars as pl
import pytest
from PIL import Image

from mimetic2.counting.verification import cutoff_for
from mimetic2.domains import load_domain
from mimetic2.embedding import embed_images, embedder_names, get_embedder
from mimetic2.embedding.registry import has_option, weights_here
from mimetic2.errors import InputError, MissingRequirement
from mimetic2.readiness import MISSING, READY, UNVERIFIED, examine_embedder

THIRD_PARTY = '''
import numpy as np

class Tone:
    """Mean brightness above and below."""

    name, version, weights_sha256, licence = "tone", "7", "f" * 64, "MIT"
    input_size, dim, decoder, centred = 1, 2, "pillow-rgb-1", False

    def __init__(self, weights=None, *, sharp=False):
        self.weights, self.options = weights, f"sharp={sharp}"

    def embed(self, images):
        pixels = [np.asarray(image.convert("L"), np.float32) for image in images]
        halves = np.array([[each[: len(each) // 2].mean(), each[len(each) // 2 :].mean()] for each in pixels])
        return (halves / np.linalg.norm(halves, axis=1, keepdims=True)).astype(np.float32), [None] * len(images)


class Bare:
    name = "bare"

    def __init__(self, weights=None):
        pass


class Flat(Tone):
    def embed(self, images):
        return super().embed(images)[0][:, :1], [None] * len(images)
'''


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A distribution with an entry point, as pip would have laid it out."""
    (tmp_path / "toneembedder.py").write_text(THIRD_PARTY)
    info = tmp_path / "toneembedder-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toneembedder\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[mimetic2.embedders]\ntone = toneembedder:Tone\nclip = toneembedder:Tone\nbroken = toneembedder:THIRD\n"
        "bare = toneembedder:Bare\nflat = toneembedder:Flat\nabsent = no_such_package:Tone\nplain = math:pi\n"
    )
    monkeypatch.syspath_prepend(tmp_path)


def test_an_installed_distribution_adds_an_embedder(installed, tmp_path):
    assert "tone" in embedder_names()
    embedder = get_embedder("tone", tmp_path, sharp=True)
    assert (embedder.version, embedder.weights, embedder.options) == ("7", tmp_path, "sharp=True")
    vectors, reasons = embedder.embed([Image.new("RGB", (4, 4), "white")])
    np.testing.assert_allclose(vectors, [[0.5**0.5, 0.5**0.5]], rtol=1e-6)
    assert reasons == [None]


def test_it_cannot_take_the_place_of_one_of_ours(installed):
    assert embedder_names().count("clip") == 1
    assert has_option("clip", "allow_download")


def test_what_is_no_embedder_is_named(installed):
    with pytest.raises(InputError, match=r"'bare' is no embedder: it lacks version, weights_sha256, .*, embed;"):
        get_embedder("bare")


@pytest.mark.parametrize(
    ("name", "kind", "problem"),
    [
        ("broken", InputError, "AttributeError"),
        ("plain", InputError, "TypeError"),
        ("absent", MissingRequirement, "No module named 'no_such_package'"),
    ],
)
def test_what_cannot_be_loaded_is_its_package_s_fault(installed, name, kind, problem):
    with pytest.raises(kind, match=f"the embedder '{name}' of the package toneembedder cannot be loaded.*{problem}"):
        get_embedder(name)


def test_readiness_survives_a_package_that_cannot_be_imported(installed):
    found = examine_embedder("absent")
    assert found.state == MISSING
    assert "no_such_package" in found.remedy


def test_vectors_of_another_shape_than_promised(installed, tmp_path):
    Image.new("RGB", (4, 4), "white").save(tmp_path / "0.png")
    files = pl.DataFrame({"concept": ["a"], "prompt": [""], "index": [0], "path": [str(tmp_path / "0.png")]})
    with pytest.raises(InputError, match=r"the embedder tone gave vectors \(1, 1\)"):
        embed_images(files, get_embedder("flat"))


def test_options_that_an_embedder_has_not(installed):
    assert has_option("tone", "sharp")
    assert not has_option("tone", "faces")
    for name in ("tone", "style-lite", "clip"):
        with pytest.raises(InputError, match=f"{name} has no option 'faces'"):
            get_embedder(name, faces="one")


def test_an_error_inside_an_embedder_is_not_taken_for_a_wrong_option(installed, monkeypatch):
    import toneembedder

    def broken(weights=None):
        raise TypeError("unexpected keyword of something else")

    monkeypatch.setattr(toneembedder, "Tone", broken)
    with pytest.raises(TypeError, match="something else"):
        get_embedder("tone")


def test_weights_here(installed, tmp_path):
    assert weights_here("tone") is None
    assert weights_here("tone", tmp_path / "w") == tmp_path / "w"


def test_readiness_tells_pinned_from_unknown_weights(installed, monkeypatch, tmp_path):
    pytest.importorskip("dlib")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    states = {name: examine_embedder(name) for name in ("dlib-face", "style-lite", "clip", "csd", "arcface-onnx")}
    assert {name: finding.state for name, finding in states.items()} == {
        "dlib-face": READY,
        "style-lite": READY,
        "clip": MISSING,
        "csd": MISSING,
        "arcface-onnx": MISSING,
    }
    assert "cut-off of lab" in states["style-lite"].detail
    assert "hub id openai/clip-vit-large-patch14, unverified" in states["clip"].detail
    assert "non-commercial research" in states["arcface-onnx"].detail
    for finding in states.values():
        assert finding.detail.startswith("licence ")
        assert (finding.remedy != "") == (finding.state == MISSING)
    monkeypatch.setattr(get_embedder("tone").__class__, "weights_sha256", property(lambda self: "a" * 64))
    theirs = examine_embedder("tone")
    assert theirs.state == UNVERIFIED
    assert f"sha256 {'a' * 16}" in theirs.detail
    assert "compare digests with the publisher's" in theirs.remedy
    with pytest.raises(InputError, match="unknown embedder"):
        examine_embedder("nothing")


def test_published_cutoffs_are_refused_for_every_weights(installed):
    class Descriptor:
        name, weights_sha256 = "csd", "0" * 64

    with pytest.raises(InputError, match=r"no verification cut-off for csd.*csd \(weights not stated, max_cosine\)"):
        cutoff_for(Descriptor(), domain=load_domain("art-style"))
