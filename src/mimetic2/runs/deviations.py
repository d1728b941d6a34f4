"""Where a run departs from the paper's procedure, worked out from what the run did, never from a fixed list."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mimetic2.runs.facts import Facts, gather
from mimetic2.runs.paper_rules import RULES
from mimetic2.study import Study
from mimetic2.threshold.paper import PaperThreshold


@dataclass(frozen=True)
class Deviation:
    """``number`` (D1 to D25, or empty), the stage, what the paper does and what was done here."""

    number: str
    stage: str
    paper: str
    here: str


def find_deviations(study: Study, run: Path, paper: PaperThreshold) -> list[Deviation]:
    """The deviations of a run whose scores are written and have been given a threshold, in the order of the stages."""
    return deviations_of(gather(study, run, paper.n_tied))


def deviations_of(facts: Facts) -> list[Deviation]:
    """As :func:`find_deviations`, from the facts."""
    return [
        Deviation(number, stage, paper, here)
        for stage, rules in RULES.items()
        for number, paper, instead in rules
        if (here := instead(facts)) is not None
    ]


def deviation_warning(found: list[Deviation]) -> str:
    """What every output of a run by the paper's procedure says."""
    by_stage = {stage: sum(each.stage == stage for each in found) for stage in RULES}
    parts = ", ".join(f"{number} in {stage}" for stage, number in by_stage.items() if number)
    return f"procedure paper: this run departs from the paper's in {len(found)} points ({parts}); the report lists them"
