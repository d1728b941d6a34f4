"""How many faces an image may show, for all face embedders alike.

An image without a face has no vector; of several faces the largest counts (``largest``) or the image has no vector
either (``one``, the paper's rule).
"""

from __future__ import annotations

from collections.abc import Sequence

from mimetic2.errors import InputError

FACE_RULES = ("largest", "one")
NO_FACE, SEVERAL_FACES = "no face found", "several faces"
Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""


def check_rule(rule: str) -> str:
    """The rule, if it is one."""
    if rule not in FACE_RULES:
        raise InputError(f"unknown rule '{rule}' for the number of faces", accepted=", ".join(FACE_RULES))
    return rule


def by_size(boxes: Sequence[Box]) -> list[int]:
    """The places of the boxes, largest area first; of equal ones the left, then the upper one."""

    def order(place: int) -> tuple[float, float, float]:
        left, top, right, bottom = boxes[place]
        return -(right - left) * (bottom - top), left, top

    return sorted(range(len(boxes)), key=order)


def choose(boxes: Sequence[Box], rule: str) -> tuple[int | None, str | None]:
    """The place of the face that counts and None, or None and the reason."""
    if not boxes:
        return None, NO_FACE
    if len(boxes) > 1 and rule == "one":
        return None, SEVERAL_FACES
    return by_size(boxes)[0], None
