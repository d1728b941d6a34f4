"""Shares as users write them: ``1%`` or 0.01."""

from __future__ import annotations

from mimetic2.errors import InputError

ACCEPTED = "a share such as 1% or 0.01"


def share(value: object) -> float:
    """A fraction from 0 to 1, given as a number, as ``0.01`` or as ``1%``.

    Raises :class:`InputError` for anything else.
    """
    try:
        if isinstance(value, bool):
            raise ValueError
        text = str(value).strip()
        found = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        found = -1.0
    if not 0 <= found <= 1:
        raise InputError(f"'{value}' is no share", accepted=ACCEPTED)
    return found
