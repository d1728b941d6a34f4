"""What a concept's images score: the mean cosine and, on request only, two readouts that correct it.

All readouts have one form. ``cells`` (C, M): what each maker's images score against each target's references; the
diagonal is the score, the rest of a column its null. ``equal`` is the same with equal numbers of references, for ranks.
``pairs`` of a concept is a matrix (images, references) with the score as its mean, so that the standard error of a mean
of pairs serves all of them.

``csls``: cross-domain similarity local scaling (Conneau et al. 2018, arXiv 1710.04087), between concepts: twice the
mean cosine, minus the mean of these images with their nearest references, minus that of these references with their
nearest images. It takes from a score what a concept whose images, or references, are near everybody's gets for nothing.

``scaled``: (score - null)/(ceiling - null), 0 for anybody's images and 1 for real ones. The ceiling is the mean cosine
of a concept's references with its others, each held out in turn. Without a ceiling surely above the null (jackknife-t)
there is no such readout.
"""

from __future__ import annotations

import numpy as np

from mimetic2.errors import InputError
from mimetic2.scoring.fitness import Gap, gap
from mimetic2.scoring.means import Means
from mimetic2.scoring.similarity import Matrix

READOUTS = ("mean", "csls", "scaled")
NEIGHBOURS = 10
"""Nearest concepts that CSLS looks at, the concept itself being one of them; all where there are fewer."""


class MeanCosine:
    """The score of design: the mean cosine of all pairs."""

    def __init__(self, means: Means) -> None:
        self.means = means
        self.cells: Matrix = means.images @ means.references.T
        self.equal: Matrix = means.images @ means.equal.T

    def pairs(self, name: str) -> Matrix:
        """(images, references), with the score as mean."""
        return self.means.pairs(name)

    def reason(self, name: str) -> str:
        """Why there is no such readout of a concept that has images and references; '' if there is."""
        return ""


class Csls(MeanCosine):
    """See the module. The neighbourhoods are held fixed in the standard error."""

    def __init__(self, means: Means) -> None:
        super().__init__(means)
        raw = self.cells
        self._near_references, self._near_images = _nearest(raw), _nearest(raw.T)
        self.cells = _csls(raw)
        self.equal = _csls(self.equal)

    def pairs(self, name: str) -> Matrix:
        """Twice the cosines, minus each image's and each reference's mean cosine with the concept's neighbourhood."""
        means, pool = self.means, self.means.pool
        references = means.references[self._near_references[means.maker[name]]].mean(0)
        images = means.images[self._near_images[means.target[name]]].mean(0)
        own: Matrix = 2 * means.pairs(name)
        own -= (pool.images(name) @ references)[:, None]
        own -= pool.reference_images(name) @ images
        return own


class Scaled(MeanCosine):
    """See the module. Null and ceiling move with the references; the pairs carry that into the standard error."""

    def __init__(self, means: Means, level: float = 0.95) -> None:
        super().__init__(means)
        self._others: dict[str, Matrix] = {}
        self._gaps: dict[str, Gap] = {}
        for place, name in enumerate(means.targets):
            others = means.others(name)
            self.cells[:, place] = np.nan
            if not len(others):
                continue
            self._others[name] = means.images[others].mean(0)
            found = gap(means.pool.reference_images(name), self._others[name], level)
            if found.low > 0:
                self._gaps[name] = found
                null = self._others[name] @ means.references[place]
                self.cells[:, place] = (means.images @ means.references[place] - null) / found.value

    def pairs(self, name: str) -> Matrix:
        """The cosines minus each reference's null over the gap, plus what each reference does to the gap.

        To first order (delta method) a reference whose own gap is e above the mean gap lowers the readout s by s·e/gap.
        A ceiling is a mean over pairs of references, so that each of them counts twice in it (Hoeffding 1948).
        """
        own, found = self.means.pool.reference_images(name), self._gaps[name]
        nulls = own @ self._others[name]
        scaled: Matrix = (self.means.pairs(name) - nulls) / found.value
        alike = (own @ own.sum(0) - 1) / (len(own) - 1)
        gaps = 2 * alike - alike.mean() - nulls
        scaled -= scaled.mean() * (gaps - found.value) / found.value
        return scaled

    def reason(self, name: str) -> str:
        """Why there is no such readout of a concept that has images and references; '' if there is."""
        if name not in self._others:
            return "no null score to scale by"
        return "" if name in self._gaps else "ceiling not surely above the null"


def read_out(readout: str, means: Means) -> MeanCosine:
    """The readout of that name; raises `InputError` for an unknown one."""
    kinds = {"mean": MeanCosine, "csls": Csls, "scaled": Scaled}
    if readout not in kinds:
        raise InputError(f"unknown readout '{readout}'", accepted=", ".join(READOUTS))
    return kinds[readout](means)


def _nearest(cells: Matrix) -> np.ndarray[tuple[int, int], np.dtype[np.intp]]:
    """Columns of the ``NEIGHBOURS`` largest cells of each row; of equal ones the first."""
    nearest: np.ndarray[tuple[int, int], np.dtype[np.intp]] = np.argsort(-cells, axis=1, kind="stable")[:, :NEIGHBOURS]
    return nearest


def _csls(cells: Matrix) -> Matrix:
    if not cells.size:
        return cells
    rows = np.take_along_axis(cells, _nearest(cells), axis=1).mean(1)
    columns = np.take_along_axis(cells.T, _nearest(cells.T), axis=1).mean(1)
    corrected: Matrix = 2 * cells - rows[:, None] - columns
    return corrected
