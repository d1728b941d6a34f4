"""Images that show nothing: recorded with a reason, never written and never scored."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

NOT_A_NUMBER = "not a number"
ALL_BLACK = "all black"
CONSTANT = "one colour"
SAFETY_CHECKER = "blanked by the safety checker"


def to_bytes(picture: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """Values in [0, 1] (clipped) as 8-bit grey levels, rounded half to even."""
    rounded: npt.NDArray[np.uint8] = np.rint(np.clip(picture, 0.0, 1.0) * 255.0).astype(np.uint8)
    return rounded


def fault(picture: npt.NDArray[np.float32]) -> str | None:
    """Why an image (height, width, 3) with values in [0, 1] shows nothing; None if it shows something."""
    return fault_of_levels(to_bytes(picture)) if np.isfinite(picture).all() else NOT_A_NUMBER


def fault_of_levels(levels: npt.NDArray[np.uint8]) -> str | None:
    """As :func:`fault`, of 8-bit grey levels (height, width, 3)."""
    if not levels.any():
        return ALL_BLACK
    if (levels == levels[:1, :1]).all():
        return CONSTANT
    return None
