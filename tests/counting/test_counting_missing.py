"""The bound on mentions in unread rows, against scipy and by simulation."""

from __future__ import annotations

import numpy as np
import pytest

from mimetic2.counting.missing import mentions_high

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
