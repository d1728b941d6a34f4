"""clip, siglip and dinov2 with tiny models of random weights; the oracle is transformers' own processor and model."""

import json

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from mimetic2.embedding import DECODER, get_embedder  # noqa: E402
from mimetic2.embedding.base import identity_of  # noqa: E402
from mimetic2.embedding.hub import safetensors_of  # noqa: E402
from mimetic2.errors import InputError, MissingRequirement  # noqa: E402
from mimetic2.files import sha256  # noqa: E402

VISION = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
TEXT = {**VISION, "vocab_size": 50, "max_position_embeddings": 8}


def picture(width, height, seed=0):
    """Smooth colours with some noise, so that resampling filters differ visibly."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (5, 7, 3), dtype=np.uint8)).resize((width, height))
    return Image.fromarray((np.asarray(coarse) // 2 + rng.integers(0, 128, (height, width, 3))).astype(np.uint8))


SIZES = [(50, 31), (31, 50), (200, 301), (48, 48), (333, 45), (51, 48), (263, 256)]
"""The last two leave odd margins of 3 and 7 around the crop of 48 and, after 256, of 224."""
PICTURES = [picture(*size, seed) for seed, size in enumerate(SIZES)]


def tiny_clip():
    from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel

    vision = {**VISION, "image_size": 48, "patch_size": 16}
    model = CLIPModel(CLIPConfig(vision_config=vision, text_config=TEXT, projection_dim=20))
    processor = CLIPImageProcessorPil(size={"shortest_edge": 48}, crop_size={"height": 48, "width": 48})
    return model, processor, lambda pixels: model.get_image_features(pixels).pooler_output


def tiny_siglip():
    from transformers import SiglipConfig, SiglipImageProcessorPil, SiglipModel

    vision = {**VISION, "image_size": 48, "patch_size": 16}
    model = SiglipModel(SiglipConfig(vision_config=vision, text_config=TEXT))
    processor = SiglipImageProcessorPil(size={"height": 48, "width": 48})
    return model, processor, lambda pixels: model.get_image_features(pixels).pooler_output


def tiny_dinov2():
    from transformers import BitImageProcessorPil, Dinov2Config, Dinov2Model

    model = Dinov2Model(Dinov2Config(**VISION, image_size=70, patch_size=14))
    processor = BitImageProcessorPil(
        size={"shortest_edge": 256}, image_mean=[0.485, 0.456, 0.406], image_std=[0.229, 0.224, 0.225]
    )
    return model, processor, lambda pixels: model(pixels).last_hidden_state[:, 0]


MAKERS = {"clip": tiny_clip, "siglip": tiny_siglip, "dinov2": tiny_dinov2}


@pytest.fixture(scope="module", params=sorted(MAKERS))
def saved(request, tmp_path_factory):
    torch.manual_seed(3)
    model, processor, features = MAKERS[request.param]()
    model.eval()
    for parameter in model.parameters():  # freshly made ones are nearly the same for every image
        parameter.data += 0.1 * torch.randn_like(parameter)
    folder = tmp_path_factory.mktemp(request.param)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return request.param, folder, processor, features


def test_vectors_are_those_of_transformers(saved):
    name, folder, processor, features = saved
    embedder = get_embedder(name, folder)
    vectors, reasons = embedder.embed(PICTURES)
    with torch.no_grad():
        expected = features(processor(images=PICTURES, return_tensors="pt")["pixel_values"]).numpy()
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert reasons == [None] * len(PICTURES)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(PICTURES), embedder.dim)
    np.testing.assert_allclose(vectors, expected, atol=2e-6)
    assert np.ptp(vectors @ vectors.T) > 0.01  # the pictures do differ


def test_a_vector_depends_on_its_own_image_only(saved):
    name, folder, *_ = saved
    embedder = get_embedder(name, folder)
    together, _ = embedder.embed(PICTURES)
    np.testing.assert_array_equal(embedder.embed(PICTURES[::-1])[0][::-1], together)
    np.testing.assert_array_equal(get_embedder(name, folder).embed(PICTURES[2:3])[0], together[2:3])


def test_batches_of_a_fixed_shape_give_the_same_within_rounding(saved, monkeypatch):
    from mimetic2.embedding import torch_network

    name, folder, *_ = saved
    embedder = get_embedder(name, folder)
    single, _ = embedder.embed(PICTURES)
    monkeypatch.setattr(torch_network, "_batches", lambda squares, size, real=torch_network._batches: real(squares, 3))
    np.testing.assert_allclose(embedder.embed(PICTURES)[0], single, atol=2e-6)


def test_identity_names_weights_configuration_and_pixels(saved, tmp_path):
    name, folder, *_ = saved
    identity = identity_of(get_embedder(name, folder))
    assert identity.weights_sha256 == sha256(folder / "model.safetensors")
    assert identity.decoder.startswith(DECODER + "; bicubic ")
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    config = json.loads((folder / "config.json").read_text())
    config.get("vision_config", config)["hidden_act"] = "relu"
    (tmp_path / "config.json").write_text(json.dumps(config))
    other = identity_of(get_embedder(name, tmp_path))
    assert other.weights_sha256 == identity.weights_sha256
    assert other != identity


def test_a_long_strip_has_a_reason_and_no_vector(saved):
    name, folder, *_ = saved
    vectors, reasons = get_embedder(name, folder).embed([Image.new("RGB", (2100, 100)), PICTURES[0]])
    assert reasons == ["more than 20 times as long as wide", None]
    assert np.isnan(vectors[0]).all()
    assert np.isfinite(vectors[1]).all()


def test_missing_weights_are_never_filled_with_random_ones(saved, tmp_path):
    from safetensors.torch import load_file, save_file

    name, folder, *_ = saved
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    tensors = load_file(tmp_path / "model.safetensors")
    lost = next(key for key in tensors if "layer_norm1.weight" in key or "norm1.weight" in key)
    if name != "dinov2":
        lost = next(key for key in tensors if "vision_model" in key and "layer_norm1.weight" in key)
    del tensors[lost]
    save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match=r"lacks the weights .*norm1\.weight"):
        get_embedder(name, tmp_path).embed(PICTURES[:1])


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("image_mean", [0.1, 0.2, 0.3]),
        ("resample", 2),
        ("size", 30),
        ("size", {"height": 1, "width": 2}),
        ("do_normalize", False),
        ("image_std", "all"),
    ],
)
def test_another_recipe_for_pixels_is_refused(saved, tmp_path, key, value):
    name, folder, *_ = saved
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    recipe = json.loads((folder / "preprocessor_config.json").read_text())
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(recipe | {key: value}))
    with pytest.raises(InputError, match=f"'{key}' is .*but {name} is defined here with"):
        get_embedder(name, tmp_path)


def test_models_of_other_kinds_are_refused(saved):
    name, folder, *_ = saved
    other = "clip" if name == "siglip" else "siglip"
    with pytest.raises(InputError, match="is of a model of type"):
        get_embedder(other, folder)


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda folder: None, InputError, "no such folder"),
        (lambda folder: folder.write_text(""), InputError, "is a file"),
        (lambda folder: folder.mkdir(), InputError, r"no model\.safetensors"),
        (lambda folder: (folder.mkdir(), (folder / "pytorch_model.bin").touch()), MissingRequirement, "convert"),
        (lambda folder: (folder.mkdir(), (folder / "model.safetensors").touch()), InputError, r"no config\.json"),
    ],
)
def test_folders_that_hold_no_model(tmp_path, make, kind, message):
    make(tmp_path / "x")
    with pytest.raises(kind, match=message):
        get_embedder("clip", tmp_path / "x")


@pytest.mark.parametrize("text", ["[", "[]", "{}", '{"model_type": "clip", "vision_config": 3}'])
def test_configurations_that_are_none(tmp_path, text):
    (tmp_path / "model.safetensors").touch()
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(InputError, match=r"config\.json"):
        get_embedder("clip", tmp_path)


def test_nothing_is_downloaded_unasked(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    for weights in (None, "openai/clip-vit-base-patch32"):
        with pytest.raises(MissingRequirement, match=r"\(--weights, .*fetch openai/clip.* with --allow-download"):
            get_embedder("clip", weights)


def test_a_model_in_the_hubs_cache_is_used(saved, monkeypatch):
    name, folder, *_ = saved
    asked = []

    def snapshot(repository, *, local_files_only, allow_patterns):
        asked.append((repository, local_files_only))
        return str(folder)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot)
    embedder = get_embedder(name)
    assert get_embedder(name, "someone/copy", allow_download=True).weights_sha256 == embedder.weights_sha256
    assert asked == [(embedder.default, True), ("someone/copy", False)]


def test_shards_are_hashed_together(saved, tmp_path):
    for number in (1, 2):
        (tmp_path / f"model-0000{number}-of-00002.safetensors").write_bytes(bytes(number))
    assert len(safetensors_of(tmp_path)) == 2


@pytest.mark.parametrize(
    ("device", "kind"),
    [("tpu", InputError), ("cuda:x", InputError), ("cpu:1", InputError), ("mps", MissingRequirement)],
)
def test_devices(saved, device, kind):
    name, folder, *_ = saved
    assert get_embedder(name, folder, device="cpu").embed(PICTURES[:1])[0].shape[0] == 1
    with pytest.raises(kind, match="device"):
        get_embedder(name, folder, device=device)
