"""Ask everything of one conclusion."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from mimetic2.threshold.checks.assumptions import INDEPENDENT, MONOTONE, assumptions, doubt
from mimetic2.threshold.checks.bounds import Bounds, one_sided
from mimetic2.threshold.checks.controls import Controls, examine_controls
from mimetic2.threshold.checks.groups import Groups, compare_groups
from mimetic2.threshold.checks.sensitivity import sensitivity_rows
from mimetic2.threshold.checks.setting import Setting
from mimetic2.threshold.checks.uncertain import Shifts
from mimetic2.threshold.conclusion import Conclusion
from mimetic2.threshold.observations import Observations
from mimetic2.threshold.segmentation import Floats

FEWER_DRAWS = 199  # for rows that stand beside a conclusion of more draws


@dataclass(frozen=True)
class Checks:
    """Everything that stands beside a conclusion in threshold.json.

    ``fall``: what speaks against "it only rises"; ``clusters``: what speaks against independent concepts.
    """

    sensitivity: tuple[dict[str, Any], ...]
    bounds: Bounds
    groups: Groups | None
    controls: Controls | None
    assumptions: tuple[dict[str, Any], ...]
    fall: str | None
    clusters: str | None


def examine(observed: Observations, found: Conclusion, drawn: Floats, moved: Shifts | None, setting: Setting) -> Checks:
    """All checks of ``found``, the conclusion drawn from ``observed``.

    ``drawn`` (draws, levels): curves of the bootstrap; ``moved``: what uncertain counts change, None for certain ones.
    """
    setting = replace(setting, draws=min(setting.draws, FEWER_DRAWS))
    rows = sensitivity_rows(observed, found, setting, moved)
    groups = compare_groups(observed, found, setting)
    assumed = assumptions(observed, found, rows, groups, setting)
    return Checks(
        assumptions=tuple(assumption.to_dict() for assumption in assumed),
        sensitivity=tuple(row.to_dict() for row in rows),
        groups=groups,
        controls=examine_controls(observed),
        fall=doubt(assumed, MONOTONE),
        clusters=doubt(assumed, INDEPENDENT),
        bounds=one_sided(found, drawn, observed.null_score, moved, setting),
    )
