"""What of the paper can be recomputed from public counts, and our answers beside its own: the tables of docs/agreement.

python benchmarks/agreement.py [--classical COUNTS.csv] [--celebrities SCORES.csv]

``--classical``: the artists' counts published with the paper's code. ``--celebrities``: scores.csv of a run on the 22
people whose images its site shows. Nothing but counts and aggregates is printed. Deterministic.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from mimetic2.threshold import find_threshold, paper_threshold, read_threshold_table
from mimetic2.threshold.segmentation import Floats

BINS = {"celebrities": (19, 48, 57, 52, 151, 19, 53), "politicians": (15, 60, 120, 80, 65, 40, 40)}
EDGES = (1, 100, 500, 1_000, 5_000, 10_000, 100_000)
PUBLISHED = (112, 391, 360, 198)  # classical: SD1.1 twice, SD1.5's second; modern: SD1.1
WORLDS = {"linear, .09 a decade": ("linear", 1.0, 0.09), "logistic, midpoint 501": ("logistic", 1.0, 0.45)}
WORLDS |= {"logistic, half the slope": ("logistic", 0.5, 0.45), "logistic, twice the slope": ("logistic", 2.0, 0.45)}
WORLDS |= {"logistic, half the height": ("logistic", 1.0, 0.225)}


def counts_of(bins: Sequence[int]) -> Floats:
    """Counts of a bin table: the first bin is 0, the others are even on the log scale."""
    inner = zip(EDGES, EDGES[1:], bins[1:], strict=False)
    return np.concatenate([np.zeros(bins[0]), *(np.geomspace(a, b, n, endpoint=False) for a, b, n in inner)])


def curve(counts: Floats, kind: str, slope: float, height: float) -> Floats:
    """A rise without any jump: a line of ``height`` a decade, or a logistic in log count of ``slope`` around 501."""
    x = np.log10(1 + counts)
    if kind == "linear":
        return np.asarray(height * x)
    return np.asarray(0.05 + height / (1 + np.exp(-slope * np.log(10) * (x - np.log10(501)))))


def markdown(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join([*lines, *("| " + " | ".join(str(cell) for cell in row) + " |" for row in rows)])


def shown(values: Sequence[int] | int | None) -> str:
    """Counts as text; a dash for none."""
    if values is None or values == ():
        return "–"
    return f"{values:,}" if isinstance(values, int) else ", ".join(f"{value:,}" for value in values)


def smooth_rises() -> str:
    """The paper's rule and robust mode on noise-free rises without a jump."""
    rows = []
    for table, bins in BINS.items():
        counts = counts_of(bins)
        for world, shape in WORLDS.items():
            scores = curve(counts, *shape)
            ours = find_threshold(counts, scores, draws=199)
            middle = f"{ours.verdict}, midpoint {shown(ours.threshold)}" if ours.threshold else str(ours.verdict)
            rows.append((table, world, shown(paper_threshold(counts, scores).change_points), middle))
    return markdown(("counts as of", "rise", "paper's rule", "robust mode"), rows)


def ramps() -> str:
    """Straight lines over the rank: how many thresholds the paper's rule sees depends on height and number."""
    rows = []
    for n, height in ((400, 0.2), (400, 0.3), (400, 0.45), (400, 0.6), (400, 0.25), (100, 0.25)):
        scores = 0.05 + height * np.arange(n) / (n - 1)
        rows.append((n, height, shown(paper_threshold(np.arange(n), scores).change_points)))
    return markdown(("concepts", "height", "change points of the paper's rule (ranks)"), rows)


def best_of_many(draws: int = 400) -> str:
    """Mean of the ten largest of N standard normals: what choosing references by similarity adds to a score."""
    rng = np.random.default_rng(0)
    rows = []
    for n in (10, 20, 50, 100, 1_000, 10_000):
        largest = np.sort(rng.standard_normal((draws, n)), axis=1)[:, -10:]
        rows.append((f"{n:,}", f"{abs(largest.mean()):.1f}"))
    return markdown(("training images", "mean of the ten best, in standard deviations"), rows)


def classical(path: Path, runs: int = 40) -> str:
    """What the published artists' counts say of the published thresholds, and both modes on smooth rises over them."""
    counts = pl.read_csv(path)["count_this_artist_artworks_in_laion_images"].to_numpy().astype(np.float64)
    ascending = np.sort(counts)
    facts = [
        ("artists, at 0, different counts", f"{len(counts)}, {int((counts == 0).sum())}, {len(np.unique(counts))}"),
        *(
            (f"{value} is one of the counts", "yes" if value in ascending else "no (it is from another set of artists)")
            for value in PUBLISHED
        ),
    ]
    rows = []
    x = np.log10(1 + counts)
    worlds: dict[str, Callable[[], Floats]] = {
        "linear, .1 a decade": lambda: np.asarray(0.1 * x),
        "logistic over 2 decades, height .3": lambda: np.asarray(0.3 / (1 + np.exp(-(x - 2.3) / 0.45))),
        "step of .3 at 112": lambda: np.asarray(0.3 * (counts >= 112)),
    }
    for world, mean in worlds.items():
        rng = np.random.default_rng(0)
        named, values, verdicts = 0, [], []
        for _ in range(runs):
            result = find_threshold(counts, mean() + rng.normal(0, 0.1, len(counts)), draws=199)
            named += result.paper.threshold is not None
            values += [result.paper.threshold] if result.paper.threshold is not None else []
            verdicts.append(str(result.verdict))
        share = ", ".join(f"{verdict} {verdicts.count(verdict)}" for verdict in sorted(set(verdicts)))
        middle = shown(round(float(np.median(values)))) if values else "–"
        rows.append((world, f"{named} of {runs}, median {middle}", share))
    second = markdown(
        ("simulated on these counts, noise .1", "paper's rule names a threshold", "robust verdicts"), rows
    )
    return f"{markdown(('fact', 'value'), facts)}\n\n{second}"


def largest_cutting_penalty(counts: Floats, scores: Floats) -> tuple[float, int]:
    """The penalty from which on one cut no longer pays, and the count of the first concept after that cut."""
    order = np.argsort(counts, kind="stable")
    values, n = scores[order], len(scores)
    gains = [k * (n - k) / n * (values[k:].mean() - values[:k].mean()) ** 2 for k in range(1, n)]
    best = int(np.argmax(gains))
    return float(gains[best]), round(float(counts[order][best + 1]))


def celebrities(path: Path) -> str:
    """Both modes on the 22 people, with and without the scores' standard errors as weights."""
    table = read_threshold_table(path)
    rows = []
    for name, weights in (("weights 1/(se² + τ²)", table.score_se), ("equal weights", None)):
        result = find_threshold(
            table.counts, table.scores, score_se=weights, null_score=table.null_score, identified=table.identified
        )
        shapes = {shape: f"{row['delta']:.1f}" for shape, row in (result.shapes or {}).items()}
        deltas = (shapes[shape] for shape in ("linear", "hinge", "ramp", "step", "flat"))
        rows.append((name, result.verdict, *deltas, f"{dict(result.association or {})['spearman']:.2f}"))
    ranked, n = result.identification, len(table.counts)
    lines = [f"- concepts with a score: {n}; paper's rule (penalty .9): {shown(result.paper.threshold)}"]
    penalty, place = largest_cutting_penalty(table.counts, table.scores)
    lines.append(f"- the paper's rule cuts, at {place:,}, only with penalties up to {penalty:.4f}")
    if result.onset is not None and result.onset.interval is not None:
        lines.append(f"- onset: {result.onset.count} ({result.onset.interval[0]} to {result.onset.interval[1]})")
    if ranked is not None:
        lines.append(f"- identified: {ranked.n_identified} of {ranked.n_ranked}; N50 {ranked.n50} ({ranked.half.note})")
    header = ("robust mode", "verdict", "linear", "hinge", "ramp", "step", "flat", "Spearman")
    return markdown(header, rows) + "\n\n" + "\n".join(lines)


def main() -> None:
    """Print all tables that the given files allow."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--classical", type=Path)
    parser.add_argument("--celebrities", type=Path)
    chosen = parser.parse_args()
    parts = [smooth_rises(), ramps(), best_of_many()]
    parts += [classical(chosen.classical)] if chosen.classical else []
    parts += [celebrities(chosen.celebrities)] if chosen.celebrities else []
    print("\n\n".join(parts))


if __name__ == "__main__":
    main()
