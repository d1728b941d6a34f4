"""Several runs side by side: one row a run, and the grid of data and model against domain that the paper prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mimetic2.errors import InputError
from mimetic2.files import write_text
from mimetic2.report.answers import Figure, Figures
from mimetic2.report.contents import Contents, read_run
from mimetic2.report.numerals import as_pair, count
from mimetic2.report.page import render
from mimetic2.report.vocabulary import vocabulary

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
    interval: list[float | None] | None
    onset: float | None
    onset_interval: list[float | None] | None
    n50: float | None
    n50_interval: list[float | None] | None
    n90: float | None
    n90_interval: list[float | None] | None
    paper: float | None
    paper_interval: list[float | None] | None
    identified: float | None
    sentence: str
    warnings: list[str]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, absent ones None."""
        return asdict(self)

    @property
    def answer(self) -> str:
        """The cell of the paper's table: the threshold, or the verdict where there is none."""
        if self.method == "paper":
            return count(self.paper)
        return count(self.threshold) if self.threshold is not None else (self.verdict or "–")


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
        interval=as_pair(threshold.get("interval")),
        onset=onset.get("count"),
        onset_interval=as_pair(onset.get("interval")),
        n50=identification.get("n50"),
        n50_interval=as_pair(identification.get("n50_interval")),
        n90=identification.get("n90"),
        n90_interval=as_pair(identification.get("n90_interval")),
        paper=paper.get("threshold"),
        paper_interval=as_pair(paper.get("tie_range")),
        identified=sum(ranked) / len(ranked) if ranked else None,
        sentence=str(threshold.get("sentence") or ""),
        warnings=list(dict.fromkeys(str(text) for text in warnings)),
    )


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
        "same_counts": len({(run.training_data, run.domain, run.n_concepts) for run in compared}) == 1,
    }


def _figure(run: Compared, key: str) -> Figure:
    value = getattr(run, key)
    ends = run.interval if key == "threshold" else getattr(run, f"{key}_interval")
    note = "" if value is not None else (run.verdict or "–") if key == "threshold" else "–"
    return Figure(run.name, "", value, ends, note, "paper" if key == "paper" else "ours")


def paper_grid(compared: Sequence[Compared]) -> dict[str, Any]:
    """The paper's table: a row per training data and model, a column per domain, thresholds in the cells."""
    domains = list(dict.fromkeys(run.domain or "–" for run in compared))
    rows: dict[tuple[str, str], dict[str, list[str]]] = {}
    for run in compared:
        cells = rows.setdefault((run.training_data or "–", run.model or run.name), {})
        cells.setdefault(run.domain or "–", []).append(run.answer)
    return {
        "domains": domains,
        "rows": [(*key, [" / ".join(cells.get(domain, ["–"])) for domain in domains]) for key, cells in rows.items()],
    }
