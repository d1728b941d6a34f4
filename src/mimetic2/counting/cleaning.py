"""Which downloaded bytes count as an image: the clean filter of the reference, each rejection with its reason.

In the reference's order: cannot be opened; one pixel wide or high; cannot be converted to RGB; smaller than 1 000
bytes. (Its last test, a second library that must read the file too, has no counterpart: one decoder decides.)
"""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image

from mimetic2.embedding.decoding import decode_bytes

LEAST_BYTES = 1000
LINE, SMALL = "one pixel wide or high", "smaller than 1000 bytes"


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A decoded image, or None and why the bytes do not count as one."""

    image: Image.Image | None
    reason: str | None


def clean(data: bytes, *, least_bytes: int = LEAST_BYTES) -> Cleaned:
    """Decode ``data`` and apply the filter."""
    image, reason = decode_bytes(data)
    if image is None:
        return Cleaned(None, reason)
    if min(image.size) == 1:
        return Cleaned(None, LINE)
    if len(data) < least_bytes:
        return Cleaned(None, SMALL)
    return Cleaned(image, None)
