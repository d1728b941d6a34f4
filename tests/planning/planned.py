"""Studies to plan: counts only, and a run that left scores and variances."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import yaml

N = 60


def write(folder: Path, **keys: object) -> Path:
    """study.yaml with these keys beside the least ones; None removes a key."""
    content = {"name": "planned", "domain": "faces", "counts": "counts.csv", "reference": "reference"} | keys
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump({key: value for key, value in content.items() if value is not None}))
    return path


def write_run(folder: Path, curve: object = "step", *, variances: bool = True, seed: int = 0) -> Path:
    """A run of the study: a step of .4 at count 100 or a weak line, τ = .1, σ = .2 of 20 images."""
    run = folder / "study-run"
    (run / "score").mkdir(parents=True)
    rng = np.random.default_rng(seed)
    counts = pl.read_csv(folder / "counts.csv")["count"].to_numpy()
    mean = 0.4 * (counts >= 100) if curve == "step" else 0.06 * np.log10(1 + counts)
    scores = mean + rng.normal(0, 0.1, N) + rng.normal(0, 0.2 / np.sqrt(20), N)
    names = [f"c{index}" for index in range(N)]
    pl.DataFrame(
        {"concept": names, "count": counts, "score": scores.round(6), "score_se": [0.2 / np.sqrt(20)] * N}
        | {"n_generated": [20] * N, "excluded": [""] * N}
    ).write_csv(run / "scores.csv")
    if variances:
        pl.DataFrame(
            {"concept": names, "image_variance": 0.04 * rng.chisquare(16, N) / 16, "freedom": [16] * N}
            | {"reference_variance": [0.0004] * N}
        ).write_csv(run / "score" / "variances.csv")
    return run
