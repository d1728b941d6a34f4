"""Synthetic run directories, written from the file formats of the design alone."""

from __future__ import annotations

import csv
import json
import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

from mimetic2.files import folder_name

HOSTILE = [
    "<script>alert(1)</script>",
    'Eve "onload=alert(2)" O\'Hara',
    "</title><img src=x onerror=alert(3)>",
    "\u202eevil\u202c name",
    "שלמה המלך",
    "{{ 7 * 7 }} {% raw %}",
    "a\x07bell",
]
FIRST = ["Ada", "Bo", "Cyn", "Dov", "Elsa", "Finn", "Gala", "Hugo", "Ines", "Jan", "Kaja", "Lars"]
LAST = ["Ashford", "Brook", "Calloway", "Dunmore", "Ellery", "Fairfax"]
LAST += ["Garrick", "Holt", "Ives", "Jessop", "Keller", "Lorne"]


def logistic(count: float) -> float:
    """The invented truth: a rise around 150."""
    return 1 / (1 + math.exp(-4 * (math.log10(1 + count) - 2.2)))


def invented(names: list[str], seed: int = 1) -> list[dict[str, Any]]:
    """Rows of scores.csv and counts.csv over counts from 0 to about 2 000."""
    rng, rows = random.Random(seed), []
    for index, name in enumerate(names):
        count = 0 if index % 12 == 0 else round(10 ** (3.3 * rng.random()))
        level = logistic(count)
        row = {
            "concept": name, "count": count, "count_low": round(count * 0.9), "count_high": round(count * 1.1),
            "mentions": round(count * 1.2) + 1, "sampled": min(50, count + 1), "alive": min(48, count + 1),
            "verified": min(40, count), "status": "ok" if count else "zero",
            "score": 0.06 + 0.55 * level + rng.gauss(0, 0.04), "score_se": 0.012, "null_score": rng.gauss(0.04, 0.02),
            "identified": rng.random() < 0.01 + 0.98 * level, "n_generated": 25, "n_reference": 10, "excluded": "",
        }  # fmt: skip
        rows.append(row)
    for row in rows[5:7]:
        row.update(score="", score_se="", null_score="", identified="", excluded="no face found")
    return rows


def threshold_of(verdict: str | None, **changes: Any) -> dict[str, Any]:
    """A threshold.json as the design gives it."""
    grid = [0, 1, 3, 10, 30, 60, 100, 150, 200, 300, 600, 1000, 2000]
    score = [0.06 + 0.55 * logistic(count) for count in grid]
    document = {
        "schema_version": 1, "method": "robust", "verdict": verdict, "decisive": verdict != "undecided",
        "sentence": "The imitation score rises around 150 training images (95 % interval 121 to 163).",
        "threshold": 150, "threshold_kind": "step", "interval": [121, 163], "level": 0.95,
        "onset": {"count": 90, "interval": [61, 150]},
        "identification": {"n50": 160, "n50_interval": [120, 240], "n90": None, "n90_interval": None, "chance": 0.008,
                           "n_ranked": 142, "ceiling": 1.0, "curve": {
                               "count": grid, "p": [logistic(c) for c in grid],
                               "low": [max(0, logistic(c) - 0.1) for c in grid],
                               "high": [min(1, logistic(c) + 0.1) for c in grid]}},
        "paper": {"threshold": 118, "change_points": [118, 402], "penalty": 0.9, "tie_range": [118, 131]},
        "change_points": [150],
        "shapes": {"flat": {"bic": 120.0}, "linear": {"bic": 14.2}, "step": {"bic": 3.0}, "ramp": {"bic": 8.1}},
        "curve": {"count": grid, "score": score, "low": [s - 0.03 for s in score], "high": [s + 0.03 for s in score]},
        "tests": {"flat_against_step": 0.001, "smooth_against_step": 0.02, "flat_against_any": None},
        "n_concepts": 142, "excluded": {"no face found": 2}, "seed": 0,
        "warnings": ["the training data are a proxy: counts come from another data set"],
    }  # fmt: skip
    if verdict not in ("step", None):
        document.update(threshold=None, threshold_kind=None, interval=None, change_points=[])
    return document | changes


def write_csv(path: Path, rows: list[dict[str, Any]], columns: list[str]) -> None:
    """A CSV of these columns, booleans as `true` and `false`."""
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            cells = [row[column] for column in columns]
            writer.writerow([str(c).lower() if isinstance(c, bool) else c for c in cells])


SCORES = ["concept", "count", "score", "score_se", "null_score", "identified", "n_generated", "n_reference", "excluded"]
COUNTS = ["concept", "count", "count_low", "count_high", "mentions", "sampled", "alive", "verified", "status"]
MANIFEST = {
    "schema_version": 1, "study": "invented", "command": "mimetic2 run study.yaml --out RUN", "seed": 7,
    "versions": {"mimetic2": "0.1.0", "python": "3.11.9", "numpy": "2.4.0"},
    "platform": {"system": "Linux-6", "machine": "x86_64", "cores": 2, "threads": None},
    "stages": {"score": {"outputs": {"scores.csv": "ab" * 32}, "options": {}, "inputs": {}},
               "embed": {"outputs": {}, "excluded": {"generated image: unreadable": 3}}}, "warnings": [],
}  # fmt: skip


def names(number: int = 144) -> list[str]:
    """Invented names, none of them anybody's."""
    return [f"{first} {last}" for first in FIRST for last in LAST][:number]


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes a run directory."""

    def make(
        concepts: list[str] | None = None, *, verdict: str | None = "step", domain: str = "lab", images: bool = False,
        folder: str = "run", **changes: Any,
    ) -> Path:  # fmt: skip
        run = tmp_path / folder
        run.mkdir()
        rows = invented(concepts or names())
        write_csv(run / "scores.csv", rows, SCORES)
        write_csv(run / "counts.csv", rows, COUNTS)
        (run / "threshold.json").write_text(json.dumps(threshold_of(verdict, **changes)))
        (run / "manifest.json").write_text(json.dumps(MANIFEST))
        study = {
            "name": f"invented-{folder}", "domain": domain, "model": "lab", "reference": str(tmp_path / "reference"),
            "training_data": {"name": "the lab's captions", "relation": "exact"},
            "subjects": {"basis": "imaginary painters; nobody is concerned"},
        }  # fmt: skip
        (run / "study.yaml").write_text(yaml.safe_dump(study))
        if images:
            draw_images(run / "generate", rows, prompts=5)
            draw_images(tmp_path / "reference", rows, prompts=None)
        return run

    return make


def draw_images(root: Path, rows: list[dict[str, Any]], prompts: int | None) -> None:
    """Small pictures: flat for rare concepts, striped for frequent ones."""
    for number, row in enumerate(rows):
        for index in range(prompts or 3):
            folder = root / folder_name(row["concept"])
            path = folder / str(index) / "0.png" if prompts else folder / f"{index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            picture = Image.new("RGB", (32, 32), (40 + number % 200, 90, 200 - number % 180))
            if prompts is None or row["count"] > 150:
                picture.paste((240, 220, 60), (4 + index, 4, 24, 14 + index))
            picture.save(path)
