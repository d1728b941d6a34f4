"""A run that is killed in every stage and started again ends with the same bytes as an undisturbed one.

The processes are real and so is SIGKILL. The moment of the kill comes from outside: a stage has begun when its folder
says so.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest
from PIL import Image

from mimetic2.files import folder_name, sha256
from mimetic2.lab import painters, reference_pictures, shipped_shards

pytest.importorskip("diffusers")

STAGES = ("count", "verify", "generate", "embed", "score", "threshold", "report")
RESULTS = ("counts.csv", "scores.csv", "threshold.json")
MIMETIC2 = (sys.executable, "-c", "from mimetic2.cli.main import main; main()")
N = 10


def finish(command: Sequence[str]) -> str:
    """Run the command to its end; what it says on stderr."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr


def kill_in(stage: str, run: Path, command: Sequence[str], delay: float) -> None:
    """Start the command and kill it ``delay`` seconds after the stage has begun, before its marker is there."""
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        while not (run / stage / "started.json").exists() and process.poll() is None:
            time.sleep(0.002)
        time.sleep(delay)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert process.returncode == -signal.SIGKILL
    assert not (run / stage / "done.json").exists()


def images(run: Path) -> dict[str, str]:
    """Digests of the generated images by path."""
    return {path.relative_to(run).as_posix(): sha256(path) for path in sorted((run / "generate").rglob("*.png"))}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of ten painters with everything in it: captions, a sample, a model."""
    folder = tmp_path_factory.mktemp("killed")
    chosen = sorted(painters(), key=lambda painter: painter.count)[5 :: len(painters()) // N][:N]
    pl.DataFrame({"concept": [painter.name for painter in chosen]}).write_csv(folder / "concepts.csv")
    pictures = reference_pictures(4)
    for painter in chosen:
        own = folder / "reference" / folder_name(painter.name)
        own.mkdir(parents=True)
        for index, picture in enumerate(pictures[painter.name]):
            Image.fromarray(picture).save(own / f"{index}.png")
    lines = [
        "name: killed",
        "domain: lab",
        f"captions: {shipped_shards()[0].parent}/*.parquet",
        "concepts: concepts.csv",
        "reference: reference",
        "model: lab",
        'prompts: ["a painting of a house by {concept}", "a painting of a boat by {concept}"]',
        "images: 2",
        "sample: 8",
    ]
    (folder / "study.yaml").write_text("\n".join(lines) + "\n")
    return folder / "study.yaml"


def test_killed_in_every_stage_gives_the_same_bytes(study: Path, tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    command = [*MIMETIC2, "run", str(study), "--out"]
    finish([*command, str(whole)])
    for stage in STAGES:
        kill_in(stage, broken, [*command, str(broken)], 0.3 if stage == "generate" else 0.0)
    finish([*command, str(broken)])
    for name in RESULTS:
        assert (whole / name).read_bytes() == (broken / name).read_bytes(), name
    assert images(whole) == images(broken)
    again = finish([*command, str(broken)])
    assert all(f"{stage}: skipped" in again for stage in STAGES)


@pytest.mark.slow
def test_the_demo_killed_in_every_stage_gives_the_same_bytes(tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    finish([*MIMETIC2, "demo", "--out", str(whole)])
    for stage in STAGES:
        delay = 1.0 if stage in ("verify", "generate", "embed") else 0.0
        kill_in(stage, broken, [*MIMETIC2, "demo", "--out", str(broken)], delay)
    finish([*MIMETIC2, "demo", "--out", str(broken)])
    for name in RESULTS:
        assert (whole / name).read_bytes() == (broken / name).read_bytes(), name
    assert images(whole) == images(broken)
