"""Correction of a verified share for the errors of the verification itself.

An image that passes need not show the concept (specificity Sp < 1), one that shows it need not pass (sensitivity
Se < 1). Rogan and Gladen (1978, Am. J. Epidemiology 107:71): share = (apparent + Sp − 1)/(Se + Sp − 1), clipped to
[0, 1]. The interval simulates what is random: which rows were drawn, which of them were misjudged, and how well the
labelled pairs determine Se and Sp.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from mimetic2.domains import Cutoff
from mimetic2.errors import InputError
from mimetic2.seeding import generator

LEAST_INFORMATION = 0.2
"""Below this Se + Sp − 1 a correction would amplify the noise more than fivefold; it is refused."""
SIMULATIONS = 4000

Floats = npt.NDArray[np.float64]


class Known(Protocol):
    """What is known of one concept, in rows (see `effective.Tally`)."""

    @property
    def mentions(self) -> int: ...
    @property
    def sampled(self) -> int: ...
    @property
    def alive(self) -> int: ...
    @property
    def verified(self) -> int: ...
    @property
    def clumping(self) -> float: ...


@dataclass(frozen=True, slots=True)
class ErrorRates:
    """Labelled images that were *not* used to choose the cut-off, and how many of them it judged rightly.

    ``passed`` of ``positives`` images that show the concept, ``rejected`` of ``negatives`` that do not.
    """

    passed: int
    positives: int
    rejected: int
    negatives: int

    def __post_init__(self) -> None:
        if not (0 <= self.passed <= self.positives and 0 <= self.rejected <= self.negatives):
            raise InputError(f"impossible error rates {self}", accepted="passed ≤ positives, rejected ≤ negatives")
        if not (self.positives and self.negatives):
            raise InputError("error rates need images of both kinds", accepted="positives and negatives from 1")

    @property
    def sensitivity(self) -> float:
        """Share of the concept's images that pass."""
        return self.passed / self.positives

    @property
    def specificity(self) -> float:
        """Share of other images that are rejected."""
        return self.rejected / self.negatives

    @property
    def information(self) -> float:
        """Se + Sp − 1 (Youden's J)."""
        return self.sensitivity + self.specificity - 1

    def require_information(self) -> None:
        """Raise `InputError` when Se + Sp − 1 is too small to correct with."""
        if self.information < LEAST_INFORMATION:
            raise InputError(
                f"the verification is too poor to be corrected (Se + Sp − 1 = {self.information:.2f})",
                accepted=f"error rates with Se + Sp − 1 of at least {LEAST_INFORMATION}",
            )


def rates_of(cutoff: Cutoff, *, filtered: bool = False) -> ErrorRates:
    """The error rates that a cut-off was measured to have; raises `InputError` where it was not.

    ``filtered``: a filter decides before it, so that only rates of both together will do.
    """
    if filtered and cutoff.behind is None:
        problem = "the cut-off's error rates are those without the filter, so they do not correct with it"
        raise InputError(problem, accepted="a cut-off calibrated behind the same filter")
    if cutoff.rates is None:
        problem = f"the cut-off for {cutoff.embedder} has no measured error rates, so nothing can be corrected"
        raise InputError(problem, accepted="a cut-off with 'rates'")
    return ErrorRates(**cutoff.rates.model_dump())


def rogan_gladen(apparent: float, rates: ErrorRates) -> float:
    """The true share behind an apparent one, clipped to [0, 1]; raises when Se + Sp − 1 < 0.2."""
    rates.require_information()
    return min(1.0, max(0.0, (apparent + rates.specificity - 1) / rates.information))


def corrected(
    known: Known, rates: ErrorRates, *, level: float, seed: int, concept: str
) -> tuple[int, int, int, int, int]:
    """(count, low, high, bound_low, bound_high) in rows, corrected for errors; needs at least one alive row.

    Each simulation draws Se and Sp given the labelled pairs (Jeffreys prior), how many of all mentions are alive and
    would pass (Polya's urn: the finite population given the sample), and how far misjudgements of that many rows
    stray from their mean. The seed depends on the concept's name only, so that other concepts change nothing.
    """
    rates.require_information()
    rng = generator("verification errors", seed, concept)
    share = rogan_gladen(known.verified / known.alive, rates)
    se = rng.beta(rates.passed + 0.5, rates.positives - rates.passed + 0.5, SIMULATIONS)
    sp = rng.beta(rates.rejected + 0.5, rates.negatives - rates.rejected + 0.5, SIMULATIONS)
    information = np.maximum(se + sp - 1, LEAST_INFORMATION / 2)
    apparent = _urn(rng, known.verified, known.alive, known.mentions, known.clumping)
    alive = _urn(rng, known.alive, known.sampled, known.mentions, known.clumping)
    judged = known.mentions / known.clumping
    mean = np.clip((apparent + sp - 1) / information, 0, 1)
    noise = np.sqrt((mean * se * (1 - se) + (1 - mean) * sp * (1 - sp)) / judged) * rng.standard_normal(SIMULATIONS)
    true = np.clip((apparent + noise + sp - 1) / information, 0, 1)
    low, high = _rows(true, known.mentions, level)
    bound_low, _ = _rows(true * alive, known.mentions, level)
    _, bound_high = _rows(true * alive + 1 - alive, known.mentions, level)
    count = math.floor(share * known.mentions + 0.5)
    return count, min(low, count), max(high, count), bound_low, bound_high


def _urn(rng: np.random.Generator, found: int, drawn: int, population: int, clumping: float) -> Floats:
    """Simulated shares in the population given ``found`` of ``drawn``: what was seen, and a beta-binomial rest."""
    entries, hits = drawn / clumping, found / clumping
    if drawn >= population:
        return np.full(SIMULATIONS, found / drawn)
    probability = rng.beta(hits + 0.5, entries - hits + 0.5, SIMULATIONS)
    rest = max(1, round((population - drawn) / clumping))
    unseen = rng.binomial(rest, probability) / rest
    shares: Floats = (found + unseen * (population - drawn)) / population
    return shares


def _rows(shares: Floats, mentions: int, level: float) -> tuple[int, int]:
    tail = (1 - level) / 2
    low, high = np.quantile(shares, [tail, 1 - tail]) * mentions
    # A thousandth of a row of slack: a quantile of exactly 7 must not become 8 by rounding.
    return math.floor(low + 1e-3), math.ceil(high - 1e-3)
