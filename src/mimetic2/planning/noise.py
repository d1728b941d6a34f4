"""How much scores vary around the curve, at any count and for any number of images: from a run, or as assumed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mimetic2.errors import InputError
from mimetic2.planning.allocation import Floats, Numbers, Spread, estimate_spread
from mimetic2.planning.assumptions import PAPER_IMAGES, Components, Given
from mimetic2.tables import numbers, read_table
from mimetic2.threshold.table import ThresholdTable
from mimetic2.threshold.weights import concept_weights

VARIANCES = Path("score") / "variances.csv"


@dataclass(frozen=True)
class Noise:
    """Standard deviations over x = log10(1 + count), at ascending ``x`` (k,), and where they come from.

    ``within`` is None where nothing tells an image's share from the concept's: then images are not planned.
    """

    between: float
    x: Floats
    within: Floats | None
    reference: Floats
    source: str

    def instead(self, given: Given) -> Noise:
        """With the given numbers at all counts."""
        between = self.between if given.between is None else given.between
        within = self.within if given.within is None else np.full(len(self.x), given.within)
        words = replace(given, rise=None).words()
        return replace(self, between=between, within=within, source=self.source + words)

    def at(self, counts: Floats, images: Floats | float) -> Floats:
        """Standard deviation of a score at ``counts`` (n,) with ``images`` images each."""
        here = np.log10(1 + counts)
        variance = self.between**2 + np.interp(here, self.x, self.reference) ** 2
        if self.within is not None:
            variance = variance + np.interp(here, self.x, self.within) ** 2 / images
        return np.asarray(np.sqrt(variance))

    def wider(self, counts: Floats, images: Floats | float) -> float | None:
        """How much wider the interval is than with the paper's 1 000 images a concept; 0.05: by 5 %."""
        if self.within is None:
            return None
        ratio = (self.at(counts, images) ** 2).mean() / (self.at(counts, PAPER_IMAGES) ** 2).mean()
        return float(ratio) - 1

    def spread(self, counts: Floats) -> Spread | None:
        """As :func:`mimetic2.planning.allocation.allocate` takes it."""
        if self.within is None:
            return None
        here = np.log10(1 + counts)
        reference = np.interp(here, self.x, self.reference)
        return Spread(self.between, np.interp(here, self.x, self.within), reference)


def assumed(components: Components) -> Noise:
    """The same at all counts."""
    return Noise(
        components.between,
        np.zeros(1),
        np.array([components.within]),
        np.array([components.reference]),
        components.source,
    )


def measured(run: Path, table: ThresholdTable) -> Noise:
    """From a finished run's scores and, where it has them, the variances that scoring keeps.

    ``table``: the run's scores. Raises :class:`InputError` where too few concepts have a score.
    """
    order = np.argsort(table.counts, kind="stable")
    counts, scores = table.counts[order], table.scores[order]
    x = np.log10(1 + counts)
    if not (run / VARIANCES).is_file():
        floor = np.full(len(counts), max(float(np.ptp(scores)), 1e-9) * 1e-6)
        between = float(np.sqrt(concept_weights(counts, scores, floor)[1]))
        source = f"measured on {len(counts)} concepts of {run.resolve().name}; the images' share is unknown"
        return Noise(between, x, None, np.zeros(len(x)), source)
    frame = read_table(run / VARIANCES, ["concept", "image_variance", "freedom", "reference_variance"])
    columns = ("image_variance", "freedom", "reference_variance")
    values = [numbers(frame, column, file=run / VARIANCES, minimum=0, missing=True) for column in columns]
    by_name = dict(zip(frame["concept"].to_list(), zip(*values, strict=True), strict=True))
    missing = [name for name in table.concepts if name not in by_name]
    if missing:
        raise InputError(f"has no row for '{missing[0]}' of the scores", file=run / VARIANCES)
    parts = np.array([[value or 0.0 for value in by_name[table.concepts[row]]] for row in order])
    images = _images(run, table, order)
    spread = estimate_spread(counts, scores, images, parts[:, 0], parts[:, 1].astype(np.int64), parts[:, 2])
    source = f"measured on {len(counts)} concepts of {run.resolve().name}"
    return Noise(spread.between, x, spread.within, spread.reference, source)


def _images(run: Path, table: ThresholdTable, order: NDArray[np.intp]) -> Numbers:
    frame = read_table(run / "scores.csv", ["concept", "n_generated"])
    by_name = dict(zip(frame["concept"].to_list(), numbers(frame, "n_generated", missing=True), strict=True))
    return np.array([int(by_name[table.concepts[row]] or 1) for row in order])
