"""What all checks share."""

from __future__ import annotations

from dataclasses import dataclass

LEAST_CONCEPTS, LEAST_COUNTS = 8, 5  # fewer concepts or distinct counts give no conclusion of their own


@dataclass(frozen=True)
class Setting:
    """Confidence level, seed and number of bootstrap draws of the checks."""

    level: float
    seed: int
    draws: int
