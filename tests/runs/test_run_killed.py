"""The demo, killed in each stage and started again, ends with the same bytes as an undisturbed one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("diffusers")

STAGES = ("count", "verify", "generate", "embed", "score", "threshold", "report")
RESULTS = ("counts.csv", "scores.csv", "threshold.json")
COMMAND = [sys.executable, "-c", "from mimetic2.cli.main import main; main()", "demo", "--out"]


def demo(out: Path) -> str:
    """Run the demo to its end; what it says on stderr."""
    done = subprocess.run([*COMMAND, str(out)], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr


def killed_in(stage: str, out: Path) -> None:
    """Start the demo and kill it for good a moment after the stage has begun."""
    with subprocess.Popen(
        [*COMMAND, str(out)], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith(f"{stage}: starting"):
                time.sleep(1.0 if stage in ("verify", "generate", "embed") else 0.05)
                os.kill(process.pid, signal.SIGKILL)
                break
        else:
            pytest.fail(f"the stage {stage} never began")


def test_killed_in_every_stage_gives_the_same_bytes(tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    demo(whole)
    for stage in STAGES:
        killed_in(stage, broken)
    demo(broken)
    for name in RESULTS:
        assert (whole / name).read_bytes() == (broken / name).read_bytes(), name
    again = demo(broken)
    for stage in STAGES:
        assert f"{stage}: skipped" in again
