"""How many images each concept deserves: spent where they narrow the threshold's interval, never where a score is high.

The noise of a concept's score has two parts: τ², how much concepts of equal count differ, which no number of images
reduces, and σ²/m with m images. Around a break at x = log10(1 + count) the step's interval has a width in decades of
(τ² + σ²(x)/m(x)) / (δ² ρ(x)), δ the rise and ρ the concepts per decade. Averaged over breaks anywhere among the
concepts it is, for a given number of images, smallest at m ∝ σ/√ρ: Neyman's (1934) rule with sparse counts weighted up.
(Breaks anywhere in x would give σ/ρ, widths in concepts instead of decades σ; each does worse where the other is
right.) Beyond m = σ²/(ε τ²) all further images together can shorten the interval by no more than ε: they are not made.

What decides is counts and variances. A concept's own score enters through τ² only, which all concepts share, and σ² is
pooled over neighbours in count, so that a concept that scored high or low by chance in the first images gets neither
more nor fewer images: the scores stay unbiased and intervals keep their coverage (simulated in ``docs/planning``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mimetic2.errors import InputError
from mimetic2.threshold.observations import LEAST_CONCEPTS, LEAST_COUNTS, conclusive
from mimetic2.threshold.weights import concept_weights

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]

TOLERANCE = 0.05
"""ε: the share of the interval that the images not made could still save."""
BANDWIDTH = 0.35  # decades, of the normal kernel that pools variances and measures density


@dataclass(frozen=True)
class Spread:
    """Variance components of a study: ``between`` = τ, ``within`` (n,) = σ of one image, ``reference`` (n,), all sd."""

    between: float
    within: Floats
    reference: Floats

    def noise(self, images: Floats | Numbers | float) -> Floats:
        """Standard deviation of each concept's score around the curve with ``images`` images each."""
        return np.asarray(np.sqrt(self.between**2 + self.within**2 / images + self.reference**2))


def estimate_spread(
    counts: Floats, scores: Floats, images: Numbers, variance: Floats, freedom: Numbers, reference: Floats
) -> Spread:
    """Variance components from first images; all (n,).

    ``images`` made per concept, ``variance`` of one image's score within its prompt on ``freedom`` degrees (where that
    is 0 the variance is ignored and may be NaN), ``reference`` the variance that the references add to the score. τ² by
    restricted maximum likelihood around the best shape, see :func:`mimetic2.threshold.weights.concept_weights`.

    Raises :class:`InputError` with fewer than 8 concepts or 5 distinct counts, or no concept with two images a prompt.
    """
    if not conclusive(counts):
        problem = (
            f"{len(counts)} concepts with {len(np.unique(counts))} distinct counts show no spread between concepts"
        )
        raise InputError(problem, accepted=f"{LEAST_CONCEPTS} concepts and {LEAST_COUNTS} distinct counts, or more")
    if not freedom.any():
        raise InputError("no concept has two images of a prompt: nothing shows how images of a concept differ")
    x = np.log10(1 + counts)
    kernel = _kernel(x)
    within2 = kernel @ np.where(freedom > 0, variance * freedom, 0.0) / (kernel @ freedom)
    reference2 = kernel @ reference / kernel.sum(axis=1)
    order = np.argsort(counts, kind="stable")
    error = np.sqrt(within2 / images + reference2)
    between2 = concept_weights(counts[order], scores[order], error[order])[1]
    return Spread(math.sqrt(between2), np.sqrt(within2), np.sqrt(reference2))


def _kernel(x: Floats) -> Floats:
    return np.asarray(np.exp(-0.5 * ((x[:, np.newaxis] - x) / BANDWIDTH) ** 2))


def useful_images(spread: Spread, tolerance: float = TOLERANCE) -> Floats:
    """Images per concept (n,) beyond which all further ones shorten the interval by less than ``tolerance``.

    Infinite where concepts of equal count do not differ: then every image helps.
    """
    rest = tolerance * (spread.between**2 + spread.reference**2)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(spread.within > 0, spread.within**2 / rest, 0.0))


def allocate(
    counts: Floats,
    spread: Spread,
    *,
    prompts: int,
    first: int,
    most: int,
    budget: int | None = None,
    tolerance: float = TOLERANCE,
) -> Numbers:
    """Images per prompt in the end for each concept (n,): at least ``first``, at most ``most``.

    Every prompt gets the same number, so that the mean over images stays the mean over prompts. ``budget`` is the total
    number of images, the first ones included; without it each concept gets what is useful (:func:`useful_images`).
    """
    cap = np.clip(np.ceil(useful_images(spread, tolerance) / prompts), first, most)
    if budget is None or cap.sum() * prompts <= budget:
        return cap.astype(np.int64)
    density = _kernel(np.log10(1 + counts)).sum(axis=1)
    share = spread.within / np.sqrt(density)
    total = budget // prompts
    if total <= first * len(counts):
        return np.full(len(counts), first, dtype=np.int64)
    low, high = 0.0, float(np.max(cap / np.maximum(share, np.finfo(float).tiny)))
    for _ in range(200):  # the factor at which first ≤ factor · share ≤ cap spends the budget
        middle = (low + high) / 2
        low, high = (middle, high) if np.clip(middle * share, first, cap).sum() <= total else (low, middle)
    return _rounded(np.clip(low * share, first, cap), cap, total)


def _rounded(wanted: Floats, cap: Floats, total: int) -> Numbers:
    """Whole numbers that sum to ``total``: the largest remainders are rounded up, the first of equals first."""
    whole = np.floor(wanted + 1e-9)
    remainder = np.where(whole < cap, wanted - whole, -1.0)
    up = np.argsort(-remainder, kind="stable")[: total - int(whole.sum())]
    whole[up[remainder[up] > -1]] += 1
    return whole.astype(np.int64)
