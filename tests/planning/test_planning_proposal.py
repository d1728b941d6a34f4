"""Where concepts are added: thin bins first, most of them where something is open, within the observed counts."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimetic2.planning.proposal import added, place


@given(
    counts=st.lists(st.integers(0, 100_000), min_size=2, max_size=200),
    more=st.integers(0, 300),
    focus=st.none() | st.tuples(st.integers(0, 1000), st.integers(1000, 100_000)),
)
def test_bins_hold_every_count_and_every_new_concept(counts, more, focus):
    values = np.array(counts, float)
    bins = place(values, more, focus)
    assert sum(each.have for each in bins) == len(counts)
    assert sum(each.add for each in bins) == more
    assert all(each.low <= each.high for each in bins)
    assert all(first.high < second.low for first, second in pairwise(bins))
    assert (bins[0].low, bins[-1].high) == (min(counts), max(counts))
    new = added(bins)
    assert len(new) == more
    for each in bins:
        assert ((new >= each.low) & (new <= each.high)).sum() == each.add
    if more:
        assert min(counts) <= new.min()
        assert new.max() <= max(counts)


def test_thin_bins_are_filled_first():
    dense = np.geomspace(10, 99, 100)
    bins = place(np.concatenate((dense, [1000.0])), 40)
    assert all(each.add == 0 for each in bins if each.low > 12 and each.high < 90)
    filled = [each.have + each.add for each in bins if each.low >= 100]
    assert max(filled) - min(filled) <= 1


def test_most_go_where_something_is_open():
    bins = place(np.round(np.geomspace(1, 10_000, 80)), 100, (200, 400))
    near = sum(each.add for each in bins if each.high >= 60 and each.low <= 1300)
    assert near == pytest.approx(80, abs=10)
    even = place(np.round(np.geomspace(1, 10_000, 80)), 100)
    assert sum(each.add for each in even if each.high >= 60 and each.low <= 1300) < 45
