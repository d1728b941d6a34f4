"""A folder with a study to plan."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from planned import N, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with counts, empty references, and a study of a preset."""
    (tmp_path / "reference").mkdir()
    counts = np.round(10 ** np.linspace(0, 3.5, N)).astype(int) - 1
    frame = pl.DataFrame({"concept": [f"c{index}" for index in range(N)], "count": counts})
    frame.write_csv(tmp_path / "counts.csv")
    write(tmp_path, model="sd-1.5", images=4)
    return tmp_path
