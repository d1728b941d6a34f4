"""Whose references do a concept's generated images fit best?"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from mimetic2.scoring.similarity import Matrix


def better_rivals(own: npt.NDArray[np.float64], fits: Matrix) -> npt.NDArray[np.int64]:
    """How many rivals fit at least as well as the own references: (c,).

    ``fits`` (c, M): mean similarity of each concept's images to every concept's references; ``own`` (c,): the value
    for the concept itself, which is one of the columns. Ties count against the concept: rank 1 is strict.
    """
    better: npt.NDArray[np.int64] = (fits >= own[:, None]).sum(1) - 1
    return better


def rank1_among(rivals: int, better: int, size: int = 20) -> float | None:
    """Chance of rank 1 among ``size``: the concept and ``size - 1`` rivals drawn without replacement.

    ``better`` of the ``rivals`` fit at least as well. None where there are too few rivals to draw.
    """
    if rivals < size - 1:
        return None
    return math.comb(rivals - better, size - 1) / math.comb(rivals, size - 1)
