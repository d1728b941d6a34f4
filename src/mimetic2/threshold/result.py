"""What a threshold analysis returns, and its form as threshold.json."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from mimetic2.threshold.arguments import number_column
from mimetic2.threshold.checks.bounds import Bounds
from mimetic2.threshold.checks.controls import Controls
from mimetic2.threshold.checks.groups import Groups
from mimetic2.threshold.curve import Curve, NullBand, Onset, Prediction, predict
from mimetic2.threshold.identification import Identification
from mimetic2.threshold.paper import PaperThreshold

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class ThresholdResult:
    """The answer for one table of counts and scores; ``to_dict`` is threshold.json.

    In paper mode ``threshold`` and ``change_points`` are the paper's and verdict, decisive, interval, shapes None. In
    robust mode ``threshold`` follows the verdict (see :mod:`mimetic2.threshold.verdict`).
    """

    method: str
    sentence: str
    threshold: int | None
    change_points: tuple[int, ...]
    level: float
    seed: int
    n_concepts: int
    paper: PaperThreshold
    verdict: str | None = None
    threshold_kind: str | None = None
    interval: tuple[int, int] | None = None
    onset: Onset | None = None
    identification: Identification | None = None
    shapes: Mapping[str, Mapping[str, float]] | None = None
    tests: Mapping[str, float | None] | None = None
    association: Mapping[str, float] | None = None
    sensitivity: tuple[Mapping[str, Any], ...] = ()
    bounds: Bounds | None = None
    groups: Groups | None = None
    assumptions: tuple[Mapping[str, Any], ...] = ()
    controls: Controls | None = None
    curve_grid: Curve | None = None
    null_band: NullBand | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    excluded: Mapping[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def decisive(self) -> bool | None:
        """Whether the verdict is anything but undecided; None in paper mode."""
        return None if self.verdict is None else self.verdict != "undecided"

    def predict(self, count: float) -> Prediction:
        """Expected score and P(identified) at a count, with intervals; nothing beyond the observed counts."""
        return predict(self.to_dict(), count)

    def curve(self, counts: Any) -> list[Prediction]:
        """:meth:`predict` at several counts."""
        document = self.to_dict()
        return [predict(document, float(count)) for count in number_column(counts, "counts")]

    def to_dict(self) -> dict[str, Any]:
        """The content of threshold.json: plain values, absent numbers None, the same bytes for the same input."""
        return {
            "schema_version": SCHEMA_VERSION,
            "method": self.method,
            "verdict": self.verdict,
            "decisive": self.decisive,
            "sentence": self.sentence,
            "threshold": self.threshold,
            "threshold_kind": self.threshold_kind,
            "interval": _list(self.interval),
            "level": self.level,
            "onset": {"count": self.onset.count, "interval": _list(self.onset.interval)} if self.onset else None,
            "identification": self.identification.to_dict() if self.identification else None,
            "paper": self.paper.to_dict(),
            "change_points": list(self.change_points),
            "shapes": {name: dict(values) for name, values in self.shapes.items()} if self.shapes else None,
            "tests": dict(self.tests) if self.tests else None,
            "association": dict(self.association) if self.association else None,
            "sensitivity": [dict(row) for row in self.sensitivity],
            "bounds": self.bounds.to_dict() if self.bounds else None,
            "groups": self.groups.to_dict() if self.groups else None,
            "assumptions": [dict(row) for row in self.assumptions],
            "controls": self.controls.to_dict() if self.controls else None,
            "details": dict(self.details),
            "curve": self.curve_grid.to_dict() if self.curve_grid else None,
            "null_band": asdict(self.null_band) if self.null_band else None,
            "n_concepts": self.n_concepts,
            "excluded": dict(self.excluded),
            "seed": self.seed,
            "warnings": list(self.warnings),
        }

    def __repr__(self) -> str:
        parts = [f"method={self.method!r}"]
        if self.verdict is not None:
            parts.append(f"verdict={self.verdict!r}")
        parts.append(f"threshold={self.threshold}")
        if self.interval is not None:
            parts.append(f"interval={list(self.interval)}")
        parts.append(f"n_concepts={self.n_concepts}")
        return f"ThresholdResult({', '.join(parts)})"

    def _repr_html_(self) -> str:
        rows = [("verdict", self.verdict), ("threshold", self.threshold), ("interval", _list(self.interval))]
        rows += [("onset", self.onset.count if self.onset else None)]
        rows += [("N50", self.identification.n50 if self.identification else None)]
        rows += [("paper's threshold", self.paper.threshold), ("concepts", self.n_concepts)]
        cells = "".join(
            f"<tr><th>{html.escape(name)}</th><td>{'–' if value is None else html.escape(str(value))}</td></tr>"
            for name, value in rows
        )
        return f"<p>{html.escape(self.sentence)}</p><table>{cells}</table>"


def _list(pair: tuple[int, int] | None) -> list[int] | None:
    return None if pair is None else list(pair)
