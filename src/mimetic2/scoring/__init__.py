"""How alike the generated and the real images of a concept are, against what anybody's images would score.

Input: two tables of vectors. Output: a row a concept, with standard error, null score, identification, fitness and
what was left out and why.
"""

from __future__ import annotations

from mimetic2.scoring.identification import rank1_among
from mimetic2.scoring.result import ScoreResult
from mimetic2.scoring.score import score_concepts
from mimetic2.scoring.similarity import STATISTICS, reference_centre, similarity, unit

__all__ = [
    "STATISTICS",
    "ScoreResult",
    "rank1_among",
    "reference_centre",
    "score_concepts",
    "similarity",
    "unit",
]
