"""What the bytes are, by themselves: neither the link's ending nor the server's content type is believed."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

from mimetic2.counting.fetching.failures import NOT_IMAGE, Failure

_MAGIC = (
    (b"\xff\xd8\xff", "jpg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"BM", "bmp"),
    (b"II*\x00", "tif"),
    (b"MM\x00*", "tif"),
)


@dataclass(frozen=True, slots=True)
class Content:
    """An image's ending and size in pixels."""

    ending: str
    width: int
    height: int


def sniff(data: bytes) -> str | None:
    """The ending that the first bytes tell, or None if they are those of no image that can be read here."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data[4:8] == b"ftyp" and data[8:12] in (b"avif", b"avis"):
        return "avif"
    return next((ending for magic, ending in _MAGIC if data.startswith(magic)), None)


def inspect(data: bytes) -> Content:
    """Sniff and apply the reference's clean filter; raises `Failure` with the reason for anything else.

    The size in the header is looked at before any pixel is decoded: more than 100 million pixels are refused.
    """
    from PIL import Image

    from mimetic2.counting.cleaning import clean

    ending = sniff(data)
    if ending is None:
        raise Failure(NOT_IMAGE)
    cleaned = clean(data)
    if cleaned.image is None:
        raise Failure(cleaned.reason or NOT_IMAGE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(data)) as image:
            return Content(ending, *image.size)
