"""One specified way from a file to pixels, versioned because scores move with it.

Decoder ``pillow-rgb-1``: Pillow; first frame; EXIF orientation applied; embedded colour profiles ignored; 16-bit
greyscale reduced to its high byte; transparency laid on white (what a page would show); 8-bit RGB. Resizing:
bilinear with antialiasing (Pillow's `BILINEAR`), to cover the square, then centre crop.
A file that cannot be decoded gives a reason, never an exception.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from mimetic2.embedding.threads import in_threads

DECODER = "pillow-rgb-1"
HASH = "dct256-1"
"""Names :func:`fingerprint`; goes up when its bits change."""
MAX_PIXELS = 100_000_000
"""Larger pictures are refused as decompression bombs before their pixels are read."""
Decoded = tuple[Image.Image | None, str | None, bytes | None]
"""Image or None, reason or None, fingerprint or None."""


def decode_bytes(data: bytes) -> tuple[Image.Image | None, str | None]:
    """Pixels of an encoded image as 8-bit RGB and None, or None and the reason why not."""
    with _without_warnings():
        return _decode(data)


def decode_all(contents: Sequence[bytes]) -> list[Decoded]:
    """Many at once, on all cores, with the fingerprints of those that are images."""
    with _without_warnings():  # here and not in the threads, which share what is ignored
        return in_threads(_decode_and_mark, contents)


def _decode_and_mark(data: bytes) -> Decoded:
    image, reason = _decode(data)
    return image, reason, None if image is None else fingerprint(image)


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _decode(data: bytes) -> tuple[Image.Image | None, str | None]:
    if not data:
        return None, "empty file"
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.width * image.height > MAX_PIXELS:
                return None, "too many pixels"
            return _rgb(ImageOps.exif_transpose(image)), None
    except Image.DecompressionBombError:
        return None, "too many pixels"
    except UnidentifiedImageError:
        return None, "not an image"
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, ArithmeticError, MemoryError):
        return None, "damaged image"  # Pillow's codecs raise all of these on hostile or truncated files


def decode(path: Path) -> tuple[Image.Image | None, str | None]:
    """As :func:`decode_bytes`, of a file."""
    try:
        return decode_bytes(path.read_bytes())
    except OSError:
        return None, "unreadable file"


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        values = np.asarray(image)
        image = Image.fromarray((np.clip(values, 0, 65535) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", layer.size, (255, 255, 255, 255)), layer)
    image = image.convert("RGB")
    image.load()
    return image


def square(image: Image.Image, size: int) -> Image.Image:
    """The image scaled to cover ``size`` x ``size`` pixels, its centre cut out."""
    return ImageOps.fit(image, (size, size), Image.Resampling.BILINEAR)


def fingerprint(image: Image.Image) -> bytes:
    """A 256-bit perceptual hash, to find near duplicates; 32 bytes.

    The 16 x 16 lowest frequencies of the cosine transform of the brightness at 64 x 64: is each above their median?
    The mean brightness is not used. Rounding makes the hash of a flat image all zeros.
    """
    grey = np.asarray(image.convert("L").resize((64, 64), Image.Resampling.BOX), np.float64)
    low = np.einsum("iy,yx,jx->ij", _COSINES, grey, _COSINES, optimize=["einsum_path", (0, 1), (0, 1)]).round(3)
    low[0, 0] = np.median(low)
    return np.packbits(low > np.median(low)).tobytes()


_COSINES = np.cos(np.pi * np.outer(np.arange(16), 2 * np.arange(64) + 1) / 128)
