"""Identification beside N50 and N90: rank 1 among 20, rates, missing ends in words, controls of both kinds."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, hypergeom

from mimetic2.threshold import SideColumns, find_threshold, threshold_of, threshold_table
from mimetic2.threshold.identification import fit_identification, rank1_among, wilson


@given(st.integers(19, 60).flatmap(lambda rivals: st.tuples(st.just(rivals), st.integers(0, rivals))))
def test_rank_one_among_twenty_is_the_share_of_draws_without_a_better_rival(case: tuple[int, int]) -> None:
    rivals, better = case
    assert rank1_among(better, rivals) == pytest.approx(hypergeom(rivals, better, 19).pmf(0))


def test_too_few_rivals_have_no_rank_among_twenty() -> None:
    assert rank1_among(0, 18) is None


@given(st.integers(1, 300).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_wilson_is_scipys(case: tuple[int, int]) -> None:
    hits, total = case
    expected = binomtest(hits, total).proportion_ci(0.9, method="wilson")
    assert wilson(hits, total, 0.9) == pytest.approx((expected.low, expected.high), abs=1e-9)


def world(n: int, seed: int = 0, middle: float = 2.2) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    counts = np.round(10 ** rng.uniform(0, 4.5, n) - 1)
    p = 1 / (1 + np.exp(-(np.log10(1 + counts) - middle) * 4))
    return counts, (rng.random(n) < p).astype(float)


def test_shares_of_zero_and_one_are_fitted_as_outcomes() -> None:
    counts, hits = world(120)
    found = fit_identification(counts, hits, 0.95, hits)
    assert found is not None
    assert found.among_20 is not None
    assert found.among_20.rate == pytest.approx(hits.mean())
    assert found.among_20.n50.count == pytest.approx(found.n50, rel=0.15)


def test_rank_one_among_twenty_does_not_depend_on_the_size_of_the_study() -> None:
    """Scores of rivals from one world; the study of 400 ranks against 399, that of 60 against 59."""
    found = []
    for n in (60, 400):
        rng = np.random.default_rng(5)
        counts = np.round(10 ** rng.uniform(0, 4.5, 400) - 1)[:n]
        chance = 0.5 / (1 + np.exp((np.log10(1 + counts) - 2) * 5))  # share of rivals that fit better
        better = rng.binomial(n - 1, chance)
        shares = np.array([rank1_among(int(k), n - 1) for k in better])
        result = fit_identification(counts, (better == 0).astype(float), 0.95, shares)
        assert result is not None
        assert result.among_20 is not None
        found.append((result.n50, result.among_20.n50.count))
    (small, small_20), (large, large_20) = found
    assert abs(np.log(small_20 / large_20)) < abs(np.log(small / large))
    assert small_20 == pytest.approx(large_20, rel=0.5)


def test_a_missing_end_is_said_in_words() -> None:
    counts, hits = world(25, middle=0.1)
    found = fit_identification(counts, hits, 0.95)
    assert found is not None
    document = found.to_dict()
    assert document["n50_interval"] is None
    assert "without any training image" in document["n50_note"]
    assert document["n50_bounds"][0] is None
    late = fit_identification(*world(40, middle=5.2), 0.95)
    assert late is not None
    assert late.n90 is None
    assert "nowhere within the observed counts" in late.most.note


def test_separation_is_said() -> None:
    counts = np.array([0, 1, 3, 5, 10, 20, 100, 200, 300, 1000], dtype=float)
    separated = fit_identification(counts, (counts >= 100).astype(float), 0.95)
    assert separated is not None
    assert separated.separated
    mixed = (counts >= 100).astype(float)
    mixed[0] = 1
    found = fit_identification(counts, mixed, 0.95)
    assert found is not None
    assert not found.separated
    assert found.to_dict()["identified_rate"] == 0.5


def table(n: int = 40) -> pl.DataFrame:
    """scores.csv with two real controls and six invented names, five of whose images fit `c7` best."""
    rng = np.random.default_rng(0)
    counts = np.concatenate([np.zeros(2), np.round(10 ** rng.uniform(0, 4, n - 2))])
    scores = 0.1 * np.log10(1 + counts) + rng.normal(0, 0.02, n)
    rows = [
        {
            "concept": f"c{i}", "count": str(int(counts[i])), "score": f"{scores[i]:.6f}", "null_score": "0.05",
            "identified": "true" if scores[i] > 0.2 else "false", "control": "true" if i < 2 else "false",
            "group": "a" if i % 2 else "b", "excluded": "", "rivals_better": "0" if scores[i] > 0.2 else "3",
            "rivals": str(n - 1), "control_score": f"{0.3 + i / 1000:.6f}", "fits_best": "",
        }
        for i in range(n)
    ]  # fmt: skip
    for k in range(6):
        empty = dict.fromkeys(rows[0], "")
        fits = "c7" if k else "c3"
        rows.append(empty | {"concept": f"Invented {k}", "excluded": "control without references", "fits_best": fits})
    return pl.DataFrame(rows)


def test_controls_of_both_kinds() -> None:
    result = threshold_of(threshold_table(table()), draws=99)
    controls = result.controls
    assert controls is not None
    assert (controls.n_real, controls.n_real_identified, controls.n_invented) == (2, 0, 6)
    first, second = controls.default_concepts
    assert (first.concept, first.n_controls, first.group) == ("c7", 5, "a")
    assert (second.concept, second.n_controls) == ("c3", 1)
    assert controls.p_default == pytest.approx(40 * binom.sf(4, 6, 1 / 40), abs=1e-6)
    assert result.n_concepts == 40
    assert result.excluded == {"control without references": 6}


def test_invented_names_give_the_null_band_where_there_are_enough() -> None:
    result = threshold_of(threshold_table(table()), draws=99)
    assert result.null_band is not None
    assert result.null_band.source == "invented names"
    assert 0.3 <= result.null_band.low <= result.null_band.high <= 0.34
    few = table().filter(~pl.col("concept").is_in(["Invented 4", "Invented 5"]))
    band = threshold_of(threshold_table(few), draws=99).null_band
    assert band is not None
    assert (band.source, band.median) == ("other concepts", 0.05)


def test_no_controls_no_section() -> None:
    counts, hits = world(40)
    result = find_threshold(counts, hits, beside=SideColumns(control=np.zeros(40, dtype=bool)), draws=99)
    assert result.controls is None
