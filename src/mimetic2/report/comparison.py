"""Several runs side by side: one row a run, and the grid of data and model against domain that the paper prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mimetic2.errors import InputError
from mimetic2.files import write_text
from mimetic2.report.answers import Figure, Figures
from mimetic2.report.contents import Contents, read_run
from mimetic2.report.numerals import DASH, as_pair, confidence, count
from mimetic2.report.page import render
from mimetic2.report.vocabulary import vocabulary
from mimetic2.report.wording import limits

MEASURES = {"threshold": "Threshold", "onset": "Onset", "n50": "N50", "n90": "N90", "paper": "Paper’s rule"}


@dataclass(frozen=True)
class Compared:
    """A run in a comparison; counts are None where the run names none."""

    run: str
    name: str
    model: str | None
    training_data: str | None
    domain: str | None
    n_concepts: int | None
    method: str | None
    verdict: str | None
    threshold: float | None
    threshold_kind: str | None
    interval: list[float | None] | None
    onset: float | None
    onset_interval: list[float | None] | None
    n50: float | None
    n50_interval: list[float | None] | None
    n50_note: str
    n90: float | None
    n90_interval: list[float | None] | None
    n90_note: str
    paper: float | None
    paper_interval: list[float | None] | None
    identified: float | None
    sentence: str
    warnings: list[str]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, absent ones None."""
        return asdict(self)

    @property
    def number(self) -> float | None:
        """The threshold that the run's own procedure names."""
        return self.paper if self.method == "paper" else self.threshold

    @property
    def cells(self) -> dict[str, tuple[float | None, str, str]]:
        """Each measure's number, None where there is none, what to show for it, and its interval as text."""
        ends = {"threshold": self.interval} | {key: getattr(self, f"{key}_interval") for key in list(MEASURES)[1:]}
        found = {}
        for key, pair in ends.items():
            value = getattr(self, key)
            shown = count(value) if value is not None else getattr(self, f"{key}_note", "") or DASH
            found[key] = (value, shown, confidence(pair))
        return found

    @property
    def answer(self) -> str:
        """The cell of the paper's table: the threshold, or the verdict where there is none."""
        if self.method == "paper":
            return f"{count(self.paper)} (paper’s rule)"
        if self.threshold is None:
            return self.verdict or DASH
        return count(self.threshold) + (" (midpoint)" if self.threshold_kind == "midpoint" else "")


def compare_runs(runs: Sequence[Path]) -> list[Compared]:
    """Read what a comparison shows of two or more run directories, in their order.

    Raises :class:`InputError` for fewer than two, for one given twice, and for a directory that is no run.
    """
    if len(runs) < 2:
        raise InputError(f"{len(runs)} run to compare", accepted="two or more run directories")
    resolved = [Path(run).resolve() for run in runs]
    for run in resolved:
        if resolved.count(run) > 1:
            raise InputError("is given twice", file=run, accepted="different run directories")
    compared = [_compared(read_run(Path(run))) for run in runs]
    names = [run.name for run in compared]
    # Runs of one study share its name: the folder then says which is which.
    return [replace(run, name=f"{run.name} ({run.run})") if names.count(run.name) > 1 else run for run in compared]


def _compared(contents: Contents) -> Compared:
    threshold, study = contents.threshold, contents.study
    robust = threshold.get("method") != "paper"
    onset, identification = threshold.get("onset") or {}, threshold.get("identification") or {}
    paper, data = threshold.get("paper") or {}, study.get("training_data") or {}
    ties = as_pair(paper.get("tie_range"))
    ranked = [row.identified for row in contents.rows if row.identified is not None and not row.excluded]
    warnings = [*(contents.manifest.get("warnings") or []), *(threshold.get("warnings") or [])]
    return Compared(
        run=str(contents.run),
        name=contents.name,
        model=study.get("model"),
        training_data=data.get("name"),
        domain=vocabulary(contents).title or study.get("domain"),
        n_concepts=threshold.get("n_concepts"),
        method=threshold.get("method"),
        verdict=threshold.get("verdict"),
        threshold=threshold.get("threshold") if robust else None,
        threshold_kind=threshold.get("threshold_kind"),
        interval=as_pair(threshold.get("interval")),
        onset=onset.get("count"),
        onset_interval=as_pair(onset.get("interval")),
        n50=identification.get("n50"),
        n50_interval=as_pair(identification.get("n50_bounds") or identification.get("n50_interval")),
        n50_note=_not_crossed(identification, "n50", 0.5),
        n90=identification.get("n90"),
        n90_interval=as_pair(identification.get("n90_bounds") or identification.get("n90_interval")),
        n90_note=_not_crossed(identification, "n90", 0.9),
        paper=paper.get("threshold"),
        paper_interval=None if ties and ties[0] == ties[1] else ties,
        identified=sum(ranked) / len(ranked) if ranked else None,
        sentence=str(threshold.get("sentence") or ""),
        warnings=list(dict.fromkeys(str(text) for text in warnings)),
    )


def _not_crossed(identification: Mapping[str, Any], key: str, share: float) -> str:
    """Why N50 or N90 has no number, short enough for a cell: the curve stays below within the observed counts, or it
    starts above; empty where there is a number."""
    curve = identification.get("curve") or {}
    if identification.get(key) is not None or not curve.get("p"):
        return ""
    if curve["p"][0] >= share:
        return f"reached at {count(curve['count'][0])} already"
    return f"not reached by {count(curve['count'][-1])}"


def write_comparison(runs: Sequence[Path], out: Path) -> Path:
    """Write the comparison of two or more runs as one self-contained HTML page; returns its path."""
    compared = compare_runs(runs)
    write_text(out, render("compare.html.j2", _values(compared)))
    return out


def _values(compared: Sequence[Compared]) -> dict[str, Any]:
    measures = []
    for key, name in MEASURES.items():
        figures = [_figure(run, key) for run in compared]
        if any(figure.value is not None for figure in figures):
            measures.append((name, figures))
    numbers = [figure.value for _, figures in measures for figure in figures]
    numbers += [end for _, figures in measures for figure in figures for end in figure.ends or []]
    highest = max([number for number in numbers if number is not None] + [9.0])
    return {
        "runs": compared,
        "measures": measures,
        "axis": Figures([], highest, 0.95),
        "grid": paper_grid(compared),
        "title": _title(compared),
        "limits": limits({"threshold": next((run.number for run in compared if run.number is not None), None)}),
        "same_counts": len({(run.training_data, run.domain, run.n_concepts) for run in compared}) == 1,
    }


def _title(compared: Sequence[Compared]) -> str:
    """Counts models only where each run is of another one."""
    models = {run.model for run in compared}
    different = None not in models and len(models) == len(compared)
    return f"{len(compared)} {'models' if different else 'runs'} side by side"


def _figure(run: Compared, key: str) -> Figure:
    value = getattr(run, key)
    ends = run.interval if key == "threshold" else getattr(run, f"{key}_interval")
    note = getattr(run, f"{key}_note", "")
    if key == "threshold":
        note = "midpoint of the rise" if run.threshold_kind == "midpoint" else "" if value is not None else run.verdict
    if value is None:
        note = note or DASH
    return Figure(run.name, "", value, ends, note, "paper" if key == "paper" else "ours")


def paper_grid(compared: Sequence[Compared]) -> dict[str, Any]:
    """The paper's table: a row per training data and model, a column per domain, thresholds in the cells."""
    domains = list(dict.fromkeys(run.domain or DASH for run in compared))
    rows: dict[tuple[str, str], dict[str, list[str]]] = {}
    for run in compared:
        cells = rows.setdefault((run.training_data or DASH, run.model or run.name), {})
        cells.setdefault(run.domain or DASH, []).append(run.answer)
    return {
        "domains": domains,
        "rows": [(*key, [" / ".join(cells.get(domain, [DASH])) for domain in domains]) for key, cells in rows.items()],
    }
