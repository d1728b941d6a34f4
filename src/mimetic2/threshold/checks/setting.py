"""What all checks share."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Setting:
    """Confidence level, seed and number of bootstrap draws of the checks."""

    level: float
    seed: int
    draws: int
