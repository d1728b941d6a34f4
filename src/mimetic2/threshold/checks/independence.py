"""Do concepts of neighbouring counts go together? Clusters of them look like a rise that is not there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mimetic2.threshold.conclusion import Conclusion

DRAWS = 999
LEAST = 20


@dataclass(frozen=True)
class Neighbours:
    """Correlation of neighbours' residuals, and the one-sided p-value of "they do not go together"."""

    correlation: float
    p: float


def neighbours_test(found: Conclusion, rng: np.random.Generator) -> Neighbours | None:
    """Test of the weighted residuals around the leading shape, each beside the next in count (ties in random order).

    Drawn are signs: they keep how far each residual lies out, so that scatter which changes with the count is no
    correlation (sign-flipping; exact for symmetric residuals of the true shape). Curves fitted to the data make
    neighbours go together less, which errs towards not seeing it. None with fewer than 20 concepts or constant scores.
    """
    design = found.design
    if found.constant or design.n < LEAST:
        return None
    around = np.sqrt(design.weights) * (found.scores - design.at_rows(found.rivals[0].levels))
    around = around[np.lexsort((rng.random(design.n), design.level_of))]
    total = float(np.sum(around**2))
    if total == 0:
        return None
    drawn = around * rng.choice((-1.0, 1.0), size=(DRAWS, design.n))
    simulated = np.sum(drawn[:, :-1] * drawn[:, 1:], axis=1)
    observed = float(np.sum(around[:-1] * around[1:]))
    reached = int(np.count_nonzero(simulated >= observed * (1 - 1e-12)))
    return Neighbours(observed / total, (1 + reached) / (1 + DRAWS))
