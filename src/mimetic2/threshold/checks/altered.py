"""Scores altered so that one choice of the analysis no longer matters: ranks, and outliers pulled in."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from mimetic2.threshold.association import ranks
from mimetic2.threshold.segmentation import Floats

HUBER = 1.345  # of the robust sd: 95 % efficiency for normal scores (Huber 1964)
_TO_SD = 1.4826


def normal_scores(scores: Floats) -> Floats:
    """Van der Waerden's normal scores of the ranks: any rising change of the score's scale leaves them as they are."""
    shares = ranks(scores) / (len(scores) + 1)
    return np.array([NormalDist().inv_cdf(float(share)) for share in shares])


def pulled_in(counts: Floats, scores: Floats) -> Floats:
    """Scores further than Huber's 1.345 robust sd from the running median, set to that distance.

    ``counts`` (n,) ascending. The median is taken over all concepts of the same count and a fortieth of the concepts on
    each side, whole counts at a time, so it assumes no shape and keeps jumps.
    """
    reach = max(3, round(len(counts) / 40))
    _, starts, level_of, sizes = np.unique(counts, return_index=True, return_inverse=True, return_counts=True)
    ends = starts + sizes
    lower = starts[level_of[np.maximum(starts - reach, 0)]]
    upper = ends[level_of[np.minimum(ends + reach, len(counts)) - 1]]
    medians = np.array([np.median(scores[a:b]) for a, b in zip(lower, upper, strict=True)])[level_of]
    distance = scores - medians
    limit = HUBER * _TO_SD * float(np.median(np.abs(distance)))
    return medians + np.clip(distance, -limit, limit) if limit > 0 else scores
