"""Concepts that are not independent: members of one band, pupils of one master.

Clusters of four share half of the variance. Either members lie anywhere among the counts, or, worse, next to each other
in their order, so that a cluster looks like a rise.
"""

from __future__ import annotations

import numpy as np

from mimetic2.threshold.association import correlation
from mimetic2.threshold.batch import Intervals, judge_many
from mimetic2.threshold.checks.independence import neighbours_test
from mimetic2.threshold.conclusion import conclude
from mimetic2.threshold.segmentation import Floats
from mimetic2.threshold.shapes import Design
from mimetic2.threshold.verdict import SIGNIFICANCE, Verdict
from mimetic2.validation.bins import draw_counts
from mimetic2.validation.estimates.cases import DRAWS, LEVEL, RISE, TABLE, Case, Outcome, Sample, holds_step
from mimetic2.validation.worlds import draw_truth, spread

SIZE, SHARED = 4, 0.5


def dependent_study(case: Case, rng: np.random.Generator) -> Outcome:
    """One study; ``condition`` says where the members of a cluster lie: "anywhere" or "neighbours"."""
    counts = draw_counts(TABLE, case.n, rng)
    truth = draw_truth(case.world, RISE, counts, rng)
    scores = truth.mean + spread(case.noise, counts) * _clustered(case, rng)
    design = Design(counts)
    wanted = Intervals.ALWAYS if case.world == "step" else Intervals.NEVER
    judged = judge_many(design, scores[np.newaxis, :], rng, draws=DRAWS, level=LEVEL, intervals=wanted)[0]
    stepped = judged.verdict is Verdict.STEP
    outcome: dict[str, bool | float | None] = {"step found" if case.world == "step" else "false step": stepped}
    if judged.interval is not None:
        sample = Sample(counts, truth, scores)
        outcome["interval covers"] = holds_step(judged.interval.low, judged.interval.high, sample)
    neighbours = neighbours_test(conclude(counts, scores, None, level=LEVEL, seed=0, draws=1), rng)
    outcome["dependence seen"] = None if neighbours is None else neighbours.p <= SIGNIFICANCE
    if case.world == "flat":
        outcome["flat not rejected"] = judged.verdict is Verdict.NONE
        outcome["association wrongly seen"] = correlation(counts, scores, rng, DRAWS)["p"] <= SIGNIFICANCE
    return outcome


def _clustered(case: Case, rng: np.random.Generator) -> Floats:
    """Noise (n,) of variance 1."""
    cluster = np.arange(case.n) // SIZE
    if case.condition == "anywhere":
        cluster = rng.permutation(cluster)
    shared = rng.standard_normal(int(cluster.max()) + 1)[cluster]
    return np.asarray(np.sqrt(SHARED) * shared + np.sqrt(1 - SHARED) * rng.standard_normal(case.n))
