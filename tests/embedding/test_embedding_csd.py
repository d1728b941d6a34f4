"""The style descriptor on random weights, against a definition of its own, written without torch's layers."""

import argparse
import os
import pickle
from collections import OrderedDict

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from mimetic2.embedding import DECODER, get_embedder  # noqa: E402
from mimetic2.embedding.base import identity_of  # noqa: E402
from mimetic2.errors import InputError, MissingRequirement  # noqa: E402
from mimetic2.files import sha256  # noqa: E402
from mimetic2.generation.convert import convert  # noqa: E402

WIDTH, HEADS, LAYERS, PATCH, GRID, OUT = 128, 2, 2, 14, 3, 40
MEAN, STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
rng = np.random.default_rng(11)
PICTURES = [
    Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))
    for width, height in ((60, 45), (45, 60), (42, 42), (130, 97), (45, 42))  # the last: an odd margin
]


def random_weights():
    """Every tensor of the released model under its name, in small."""
    generator = torch.Generator().manual_seed(5)

    def tensor(*shape, scale=0.3, shift=0.0):
        return torch.randn(shape, generator=generator) * scale + shift

    state = OrderedDict()
    state["backbone.class_embedding"] = tensor(WIDTH)
    state["backbone.positional_embedding"] = tensor(GRID**2 + 1, WIDTH)
    state["backbone.conv1.weight"] = tensor(WIDTH, 3, PATCH, PATCH, scale=0.05)
    for name in ("ln_pre", "ln_post", *(f"transformer.resblocks.{i}.ln_{j}" for i in range(LAYERS) for j in (1, 2))):
        state[f"backbone.{name}.weight"] = tensor(WIDTH, shift=1)
        state[f"backbone.{name}.bias"] = tensor(WIDTH)
    for block in (f"backbone.transformer.resblocks.{i}." for i in range(LAYERS)):
        for name, into, out in (
            ("attn.in_proj_", WIDTH, 3 * WIDTH),
            ("attn.out_proj.", WIDTH, WIDTH),
            ("mlp.c_fc.", WIDTH, 4 * WIDTH),
            ("mlp.c_proj.", 4 * WIDTH, WIDTH),
        ):
            state[f"{block}{name}weight"] = tensor(out, into, scale=0.1)
            state[f"{block}{name}bias"] = tensor(out)
    state["last_layer_style"], state["last_layer_content"] = tensor(WIDTH, OUT), tensor(WIDTH, OUT)
    return state


def reference(state, image):
    """The descriptor in float64 numpy, step by step after the paper and CLIP's description."""
    w = {name.removeprefix("backbone."): tensor.double().numpy() for name, tensor in state.items()}
    size, edge = GRID * PATCH, min(image.size)
    resized = image.resize([int(size * side / edge) for side in image.size], Image.Resampling.BICUBIC)
    left, top = (int(round((side - size) / 2.0)) for side in resized.size)  # noqa: RUF046
    pixels = (np.asarray(resized)[top : top + size, left : left + size] / 255.0 - MEAN) / STD
    tokens = [w["class_embedding"]]
    for row in range(GRID):
        for column in range(GRID):
            patch = pixels[row * PATCH : (row + 1) * PATCH, column * PATCH : (column + 1) * PATCH]
            tokens.append(np.einsum("hwc,ochw->o", patch, w["conv1.weight"]))

    def norm(x, name):
        centred = x - x.mean(-1, keepdims=True)
        return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5) * w[name + ".weight"] + w[name + ".bias"]

    x = norm(np.stack(tokens) + w["positional_embedding"], "ln_pre")
    for block in (f"transformer.resblocks.{i}." for i in range(LAYERS)):
        q, k, v = np.split(
            norm(x, block + "ln_1") @ w[block + "attn.in_proj_weight"].T + w[block + "attn.in_proj_bias"], 3, 1
        )
        heads = []
        for part in np.split(np.arange(WIDTH), HEADS):
            scores = np.exp(q[:, part] @ k[:, part].T / np.sqrt(len(part)))
            heads.append(scores / scores.sum(1, keepdims=True) @ v[:, part])
        x = x + np.concatenate(heads, 1) @ w[block + "attn.out_proj.weight"].T + w[block + "attn.out_proj.bias"]
        hidden = norm(x, block + "ln_2") @ w[block + "mlp.c_fc.weight"].T + w[block + "mlp.c_fc.bias"]
        hidden = hidden / (1 + np.exp(-1.702 * hidden))
        x = x + hidden @ w[block + "mlp.c_proj.weight"].T + w[block + "mlp.c_proj.bias"]
    style = norm(x[0], "ln_post") @ w["last_layer_style"]
    return style / np.linalg.norm(style)


@pytest.fixture(scope="module")
def state():
    return random_weights()


@pytest.fixture(scope="module")
def weights(state, tmp_path_factory):
    """A checkpoint in the layout of the released one (distributed training, arguments, a numpy number), converted."""
    folder = tmp_path_factory.mktemp("csd")
    content = {
        "model_state_dict": OrderedDict((f"module.{name}", tensor) for name, tensor in state.items()),
        "optimizer_state_dict": {"state": {}, "param_groups": [{"lr": 1e-4}]},
        "args": argparse.Namespace(arch="vit_large", lr=1e-4),
        "best": np.float64(0.5),
        "iter": 7,
    }
    torch.save(content, folder / "checkpoint.pth")
    return convert(folder / "checkpoint.pth")


def test_vectors_are_those_of_the_definition(state, weights):
    embedder = get_embedder("csd", weights)
    vectors, reasons = embedder.embed(PICTURES)
    assert reasons == [None] * len(PICTURES)
    assert (embedder.dim, embedder.input_size) == (OUT, GRID * PATCH)
    np.testing.assert_allclose(vectors, [reference(state, image) for image in PICTURES], atol=2e-6)
    assert np.abs(vectors @ vectors.T - 1).max() > 0.01


def test_a_vector_depends_on_its_own_image_only(weights):
    embedder = get_embedder("csd", weights)
    together, _ = embedder.embed(PICTURES)
    np.testing.assert_array_equal(embedder.embed(PICTURES[::-1])[0][::-1], together)


def test_identity(weights):
    identity = identity_of(get_embedder("csd", weights.parent))
    assert identity.weights_sha256 == sha256(weights)
    assert identity.decoder.startswith(f"{DECODER}; bicubic edge 42, crop 42, half to even")


def test_names_without_prefix_and_half_precision_load_as_well(state, weights, tmp_path):
    from safetensors.torch import save_file

    save_file({name: tensor.half() for name, tensor in state.items()}, tmp_path / "half.safetensors")
    half, full = (get_embedder("csd", path).embed(PICTURES)[0] for path in (tmp_path / "half.safetensors", weights))
    assert 1e-7 < np.abs(half - full).max() < 5e-3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("last_layer_style"), "no style descriptor"),
        (lambda state: state.pop("backbone.conv1.weight"), "no style descriptor"),
        (lambda state: state.pop("backbone.ln_pre.bias"), r"lacks the weights backbone\.ln_pre\.bias"),
        (lambda state: state.update({"last_layer_style": torch.zeros(WIDTH + 1, OUT)}), "do not fit each other"),
        (lambda state: state.update({"backbone.positional_embedding": torch.zeros(9, WIDTH)}), "do not fit each"),
        (lambda state: state.update({"backbone.ln_post.weight": torch.zeros(3)}), r"has the shape \[3\], not \[128\]"),
    ],
)
def test_other_weights_are_refused(state, tmp_path, change, message):
    from safetensors.torch import save_file

    changed = dict(state)
    change(changed)
    save_file(changed, tmp_path / "w.safetensors")
    with pytest.raises(InputError, match=message):
        get_embedder("csd", tmp_path / "w.safetensors")


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        (None, MissingRequirement, "comes without weights.*--weights.*mimetic2 convert"),
        ("nowhere.safetensors", InputError, "no such file"),
        ("style.pth", MissingRequirement, r"mimetic2 convert .*style\.pth"),
        ("text.safetensors", InputError, "no safetensors file"),
        ("folder", InputError, "holds 0 safetensors files"),
    ],
)
def test_weights_that_are_none(tmp_path, name, kind, message):
    (tmp_path / "folder").mkdir()
    for file in ("style.pth", "text.safetensors"):
        (tmp_path / file).write_text("text")
    with pytest.raises(kind, match=message):
        get_embedder("csd", None if name is None else tmp_path / name)


class Command:
    """What a hostile checkpoint may contain."""

    def __reduce__(self):
        return os.system, ("touch opened",)


@pytest.mark.parametrize("place", ["args", "tensor", "namespace"])
def test_a_checkpoint_with_code_is_not_opened(tmp_path, monkeypatch, place):
    monkeypatch.chdir(tmp_path)
    content = {"model_state_dict": {"module.a": torch.zeros(2)}}
    if place == "args":
        content["args"] = Command()
    elif place == "tensor":
        content["model_state_dict"]["module.b"] = Command()
    else:
        content["args"] = argparse.Namespace(lr=Command())
    torch.save(content, "bad.pth")
    with pytest.raises(InputError, match=r"holds more than tensors.*is not opened \(it asks for posix\.system\)"):
        convert(tmp_path / "bad.pth")
    (tmp_path / "old.pth").write_bytes(pickle.dumps(content))
    with pytest.raises(InputError, match="is not opened"):
        convert(tmp_path / "old.pth")
    assert not (tmp_path / "opened").exists()
