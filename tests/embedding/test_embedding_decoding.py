"""What the decoder promises, pixel by pixel; and digests that say when a new Pillow resizes otherwise."""

import hashlib
import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from mimetic2.embedding import DECODER, decode_bytes
from mimetic2.embedding.decoding import decode_all, fingerprint, square
from mimetic2.embedding.pixels import Recipe
from mimetic2.embedding.threads import in_threads

rng = np.random.default_rng(8)
PIXELS = rng.integers(0, 256, (5, 7, 3), dtype=np.uint8)
"""Rows, columns, channels; no two neighbours alike."""


def encoded(image, kind="PNG", **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def upright(pixels, orientation):
    """EXIF's definition: where the stored row 0 and column 0 are on the upright picture."""
    return {
        1: pixels,
        2: pixels[:, ::-1],
        3: pixels[::-1, ::-1],
        4: pixels[::-1],
        5: pixels.transpose(1, 0, 2),
        6: pixels.transpose(1, 0, 2)[:, ::-1],
        7: pixels.transpose(1, 0, 2)[::-1, ::-1],
        8: pixels.transpose(1, 0, 2)[::-1],
    }[orientation]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_every_orientation_is_turned_upright(orientation, kind):
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if kind == "WEBP" else {}
    image, reason = decode_bytes(encoded(Image.fromarray(PIXELS), kind, exif=exif, **options))
    assert reason is None
    np.testing.assert_array_equal(np.asarray(image), upright(PIXELS, orientation))


def test_colour_profiles_are_ignored():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    image, _ = decode_bytes(encoded(Image.fromarray(PIXELS), icc_profile=profile))
    np.testing.assert_array_equal(np.asarray(image), PIXELS)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_of_a_moving_picture_the_first_frame_counts(kind):
    frames = [Image.new("RGB", (4, 4), colour) for colour in ((200, 10, 10), (10, 200, 10))]
    options = {"lossless": True} if kind == "WEBP" else {}
    image, reason = decode_bytes(encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options))
    assert reason is None
    assert image.getpixel((1, 1)) == (200, 10, 10)


def test_half_transparency_is_half_white():
    image, _ = decode_bytes(encoded(Image.new("RGBA", (2, 2), (0, 0, 0, 128))))
    assert image.getpixel((0, 0)) == (127, 127, 127)


def test_a_transparent_colour_of_a_palette_is_white():
    picture = Image.new("P", (2, 1))
    picture.putpalette([9, 9, 9, 50, 60, 70])
    picture.putdata([0, 1])
    image, _ = decode_bytes(encoded(picture, transparency=0))
    assert [image.getpixel((x, 0)) for x in (0, 1)] == [(255, 255, 255), (50, 60, 70)]


def test_resampling_is_what_the_decoders_version_says():
    """If this fails after an update of Pillow, vectors have moved: raise the version in `DECODER`, then the digests."""
    assert DECODER == "pillow-rgb-1"
    rows, columns = np.mgrid[:150, :211]
    waves = np.stack([rows * columns % 256, (rows**2 + columns) % 256, (rows * 7 + columns * 3) % 256], 2)
    image = Image.fromarray(waves.astype(np.uint8))
    recipe = Recipe(48, 56, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    assert digest(square(image, 64)) == "46890870632566da"
    assert digest(recipe._square(image)) == "c4347e2c0c8f9854"


def digest(image):
    return hashlib.sha256(np.asarray(image).tobytes()).hexdigest()[:16]


def test_many_at_once_are_decoded_as_one_by_one(monkeypatch):
    monkeypatch.setattr("mimetic2.embedding.threads.cores", lambda: 4)
    contents = [encoded(Image.fromarray(rng.integers(0, 256, (9, 9, 3), dtype=np.uint8))) for _ in range(20)]
    contents[3:5] = [b"", contents[4][:40]]
    for data, (image, reason, mark) in zip(contents, decode_all(contents), strict=True):
        alone, why = decode_bytes(data)
        assert (reason, image is None) == (why, alone is None)
        if image is not None:
            np.testing.assert_array_equal(np.asarray(image), np.asarray(alone))
            assert mark == fingerprint(alone)


def test_threads_keep_the_order_and_pass_errors_on(monkeypatch):
    monkeypatch.setattr("mimetic2.embedding.threads.cores", lambda: 3)
    assert in_threads(lambda number: number**2, range(50)) == [number**2 for number in range(50)]
    assert in_threads(str, []) == []
    with pytest.raises(ZeroDivisionError):
        in_threads(lambda number: 1 // number, [1, 2, 0])
