"""The table of docs/planning: are proposed concepts worth more than others, and does `plan` foretell what they bring?

python benchmarks/bench_proposal.py [studies]      # 200 studies a truth: about ten minutes of one core

A pilot with a known truth is simulated and planned. The proposed concepts, their scores drawn from the same truth, are
added to the pilot's own data, and the whole is judged by the rule for data; beside it the pilot alone, and the pilot
with as many concepts whose counts are drawn like its own. So what a pilot's luck does to a proposal is in the result.
"""

from __future__ import annotations

import math
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from mimetic2.planning.basis import find_basis
from mimetic2.planning.growth import Growth, grow
from mimetic2.planning.power import rate_error
from mimetic2.planning.proposal import added
from mimetic2.study import Study, load_study
from mimetic2.threshold.batch import Intervals, judge_many
from mimetic2.threshold.shapes import Design
from mimetic2.threshold.verdict import Verdict
from mimetic2.validation.bins import draw_counts

Curve = Callable[[np.ndarray], np.ndarray]

N, MOST, TABLE, NOISE, RISE, PLACE, DECADES = 60, 120, "classical artists", 0.12, 0.25, 300, 1.2
TRUTHS: dict[str, tuple[Verdict, Curve]] = {
    "step": (Verdict.STEP, lambda counts: RISE * (counts >= PLACE)),
    "ramp": (
        Verdict.GRADUAL,
        lambda counts: RISE / (1 + np.exp(-(np.log10((1 + counts) / (1 + PLACE))) * 2 * math.log(9) / DECADES)),
    ),
    "linear": (Verdict.GRADUAL, lambda counts: RISE * np.log10(1 + counts) / 4),
}
HEADS = ("truth", "concepts", "right verdict, %", "interval of the step, high / low", "coverage, %", "foretold, %")


def plan(study: Study, folder: Path, counts: np.ndarray, scores: np.ndarray) -> Growth:
    """What `mimetic2 plan` says of this pilot, with fewer simulated studies a line."""
    names = [f"c{index}" for index in range(len(counts))]
    pl.DataFrame({"concept": names, "count": counts, "score": scores, "excluded": ""}).write_csv(folder / "scores.csv")
    basis = find_basis(study, folder / "study.yaml", folder)
    return grow(basis, 20.0, study, runs=30, affordable=MOST)


def simulate(truth: str, studies: int, study: Study, folder: Path) -> None:
    """Print the rows of one truth."""
    right, curve = TRUTHS[truth]
    rng = np.random.default_rng(list(TRUTHS).index(truth))
    rows: dict[str, list[tuple[bool, float, bool, float]]] = {"pilot": [], "proposed": [], "like the pilot's": []}
    sizes = []
    for _ in range(studies):
        counts = draw_counts(TABLE, N, rng)
        scores = curve(counts) + rng.normal(0, NOISE, N)
        growth = plan(study, folder, counts, scores)
        sizes.append(growth.more)
        foretold = [row.right for row in growth.power if row.truth == truth and row.concepts == N + growth.more]
        others = draw_counts(TABLE, growth.more, rng)
        tried = {"pilot": counts[:0], "proposed": added(list(growth.proposal)), "like the pilot's": others}
        for name, new in tried.items():
            every = np.concatenate((counts, new))
            values = np.concatenate((scores, curve(new) + rng.normal(0, NOISE, len(new))))
            order = np.argsort(every, kind="stable")
            design = Design(every[order])
            found = judge_many(design, values[order][np.newaxis], rng, intervals=Intervals.ALWAYS)[0]
            assert found.interval is not None
            ratio = (1 + found.interval.high) / (1 + found.interval.low)
            below = float(every[every < PLACE].max())
            covers = found.interval.low <= min(every[every >= PLACE]) and found.interval.high > below
            told = foretold[0] if foretold and name == "proposed" else math.nan
            rows[name].append((found.verdict is right, ratio, covers, told))
    for name, values in rows.items():
        print(line(truth, name, float(np.mean(sizes)), np.array(values, dtype=np.float64)), flush=True)


def line(truth: str, name: str, more: float, values: np.ndarray) -> str:
    """One row as Markdown; ``values`` (studies, 4) as in :func:`simulate`."""
    studies = len(values)

    def rate(column: int) -> str:
        hits = int(values[:, column].sum())
        return f"{100 * hits / studies:.0f} ± {100 * rate_error(hits, studies):.1f}"

    step = truth == "step"
    told = values[np.isfinite(values[:, 3]), 3]
    cells = (
        truth,
        f"{N}" if name == "pilot" else f"{N} + {more:.0f}, {name}",
        rate(0),
        f"{np.median(values[:, 1]):.2f}" if step else "–",
        rate(2) if step else "–",
        f"{100 * told.mean():.0f}" if len(told) else "–",
    )
    return "| " + " | ".join(cells) + " |"


def main(studies: int) -> None:
    """Print the table as Markdown."""
    print("| " + " | ".join(HEADS) + " |\n" + "|---" * len(HEADS) + "|", flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "reference").mkdir()
        (folder / "counts.csv").write_text("concept,count\na,1\n", encoding="utf-8")
        text = "name: pilot\ndomain: lab\ncounts: counts.csv\nreference: reference\nmodel: lab\nimages: 4\n"
        (folder / "study.yaml").write_text(text, encoding="utf-8")
        study = load_study(folder / "study.yaml")
        for truth in TRUTHS:
            simulate(truth, studies, study, folder)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
