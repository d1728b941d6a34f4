"""The bound on mentions in unread rows, against scipy and by simulation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mimetic2.counting.missing import mentions_high, missing_rows
from mimetic2.counting.shards import Outcome

stats = pytest.importorskip("scipy.stats")


@pytest.mark.parametrize("mentions", [0, 1, 17, 1000, 250_000])
@pytest.mark.parametrize(("rows", "missing"), [(10**9, 10**7), (1000, 900), (50_000_000, 1)])
def test_against_scipy(mentions: int, rows: int, missing: int) -> None:
    want = stats.nbinom(mentions + 0.5, rows / (rows + missing)).ppf(0.975)
    assert mentions_high(mentions, rows, missing) == mentions + min(int(want), missing)


def test_nothing_missing_and_everything_missing() -> None:
    assert mentions_high(12, 1000, 0) == 12
    assert mentions_high(0, 0, 500) == 500


def test_covers() -> None:
    draw = np.random.default_rng(3)
    rows, missing, covered = 100_000, 5_000, 0
    for _ in range(2000):
        total = draw.integers(0, 300)
        unseen = draw.hypergeometric(missing, rows, total)
        covered += mentions_high(int(total - unseen), rows, missing) >= total
    assert covered / 2000 > 0.96


def test_rows_of_unreadable_shards(tmp_path: Path) -> None:
    """By the footer; by bytes where the file is longer than its like; by its like where it is shorter."""
    sizes = {"a.parquet": 1000, "b.parquet": 3000, "c.txt": 50, "d.parquet": 4000, "e.parquet": 10, "f.csv": 1}
    for name, size in sizes.items():
        (tmp_path / name).write_bytes(bytes(size))
    at = {name: str(tmp_path / name) for name in sizes}
    read = {at["a.parquet"]: 100, at["b.parquet"]: 300, at["c.txt"]: 5}

    def lost(*bad: str, rows: int | None = None) -> int:
        outcomes = dict.fromkeys(read, Outcome("found")) | {at[name]: Outcome(None, "bad", rows) for name in bad}
        return missing_rows(outcomes, read)

    assert lost("d.parquet", rows=7) == 7
    assert lost("d.parquet") == 400  # 4000 bytes at 100 rows in 1000
    assert lost("e.parquet") == 200  # the mean of its like
    assert lost("f.csv") == 135  # none like it: the mean of all
    assert lost("e.parquet", "f.csv") == 335
    assert lost() == 0
    assert missing_rows({at["e.parquet"]: Outcome(None, "bad")}, {}) == 1
