"""What the controls show: real concepts absent from the training data, and invented names.

A real control has references and is an ordinary concept at its count, usually 0. An invented name has none: its images
are what the model draws when it knows nothing. Whose references they fit best are the default concepts: a listed
concept that looks like the default is identified without having been learnt.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mimetic2.threshold.observations import Observations

LISTED = 10


@dataclass(frozen=True)
class DefaultConcept:
    """A concept whose references the images of ``n_controls`` invented names fit best."""

    concept: str
    n_controls: int
    count: float | None
    group: str | None
    identified: bool | None


@dataclass(frozen=True)
class Controls:
    """Controls of both kinds; None for what the table does not say.

    ``p_default``: chance that any concept attracts as many invented names as the first of ``default_concepts`` if all
    concepts were equally likely (a union bound over binomial tails); small: the model has a default.
    """

    n_real: int
    n_real_identified: int | None
    n_real_above_null: int | None
    real_mean_score: float | None
    n_invented: int
    default_concepts: tuple[DefaultConcept, ...]
    p_default: float | None
    note: str

    def to_dict(self) -> dict[str, Any]:
        """The ``controls`` part of threshold.json."""
        return asdict(self) | {"default_concepts": [asdict(concept) for concept in self.default_concepts]}


def examine_controls(observed: Observations) -> Controls | None:
    """Controls of ``observed``; None if the table knows of none."""
    flags, fits_best = observed.beside.control, observed.beside.fits_best
    if (flags is None or not flags.any()) and not fits_best:
        return None
    real = observed.take(flags) if flags is not None and flags.any() else None
    hits = None
    if real is not None and real.identified is not None:
        hits = int(np.nansum(real.identified))
    above = None
    if real is not None and real.null_score is not None:
        above = int(np.count_nonzero(real.scores > real.null_score))
    counter = Counter(fits_best.values())
    attracted = [_default(concept, number, observed) for concept, number in _ordered(counter)[:LISTED]]
    n = 0 if real is None else len(real.counts)
    return Controls(
        n_real=n,
        n_real_identified=hits,
        n_real_above_null=above,
        real_mean_score=None if real is None else round(float(real.scores.mean()), 6),
        n_invented=len(fits_best),
        default_concepts=tuple(attracted),
        p_default=_p_default(counter, len(observed.counts)),
        note=_note(n, hits, counter),
    )


def _ordered(counter: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counter.items(), key=lambda item: (-item[1], item[0]))


def _default(concept: str, number: int, observed: Observations) -> DefaultConcept:
    names = [] if observed.beside.concepts is None else [str(name) for name in observed.beside.concepts]
    if concept not in names:
        return DefaultConcept(concept, number, None, None, None)
    row = names.index(concept)
    group = None if observed.beside.group is None else str(observed.beside.group[row]) or None
    known = observed.identified is not None and np.isfinite(observed.identified[row])
    identified = bool(observed.identified[row]) if known and observed.identified is not None else None
    return DefaultConcept(concept, number, float(observed.counts[row]), group, identified)


def _p_default(counter: Counter[str], concepts: int) -> float | None:
    if not counter or concepts < 2:
        return None
    n, most, share = counter.total(), max(counter.values()), 1 / concepts
    tail = sum(math.comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(most, n + 1))
    return round(min(1.0, concepts * tail), 6)


def _note(n_real: int, hits: int | None, counter: Counter[str]) -> str:
    parts = []
    if n_real and hits is not None:
        parts.append(f"{hits} of {n_real} real controls are identified, though the training data do not show them")
    if counter:
        most = max(counter.values())
        parts.append(
            f"the images of {counter.total()} invented names fit {len(counter)} concepts best, one of them {most} times"
        )
    return "; ".join(parts)
