"""The simulation study of the statistics: how often each verdict is right, and how often an interval holds the truth.

`mimetic2 validate` simulates studies in worlds where the truth is known, judges them by the same functions that judge
data, and tabulates the rates with their Monte Carlo errors, the paper's rule beside ours.
"""

from mimetic2.validation.required import Requirement, required
from mimetic2.validation.study import cells_of, validate

__all__ = ["Requirement", "cells_of", "required", "validate"]
