"""Counts: worked examples, properties, coverage of the intervals, correction, images without captions."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import hypergeom

from mimetic2.counting.captionless import captionless_rows
from mimetic2.counting.correction import ErrorRates, rogan_gladen
from mimetic2.counting.effective import SCHEMA, effective_counts
from mimetic2.counting.missing import mentions_high
from mimetic2.errors import InputError

GOOD = ErrorRates(passed=180, positives=200, rejected=190, negatives=200)


def mentions(**numbers: int) -> pl.DataFrame:
    return pl.DataFrame({"concept": list(numbers), "mentions": list(numbers.values())})


def sample(concept: str, *entries: tuple[int, bool, bool]) -> pl.DataFrame:
    """Entries are (multiplicity, alive, verified)."""
    return pl.DataFrame(
        {
            "concept": [concept] * len(entries),
            "multiplicity": [entry[0] for entry in entries],
            "alive": [entry[1] for entry in entries],
            "verified": [entry[2] for entry in entries],
        },
        schema={"concept": pl.String, "multiplicity": pl.Int64, "alive": pl.Boolean, "verified": pl.Boolean},
    )


def one(numbers: int, entries: pl.DataFrame, **options: object) -> dict[str, object]:
    return effective_counts(mentions(a=numbers), entries, **options).row(0, named=True)  # type: ignore[arg-type]


def test_the_share_that_passes_is_applied_to_all_mentions() -> None:
    row = one(1000, sample("a", *[(1, True, True)] * 60, *[(1, True, False)] * 20, *[(1, False, False)] * 20))
    assert row["count"] == 750
    assert (row["sampled"], row["alive"], row["verified"], row["status"]) == (100, 80, 60, "ok")
    assert row["bound_low"] < row["count_low"] < 750 < row["count_high"] < row["bound_high"]  # type: ignore[operator]


def test_everything_fetched_and_alive_is_a_point() -> None:
    row = one(3, sample("a", (2, True, True), (1, True, False)))
    assert [row[name] for name in ("count", "count_low", "count_high", "bound_low", "bound_high")] == [2] * 5


def test_everything_fetched_and_some_dead_is_bounded_exactly() -> None:
    row = one(4, sample("a", (1, True, True), (1, True, True), (1, True, False), (1, False, False)))
    assert (row["bound_low"], row["bound_high"]) == (2, 3)
    assert (row["count_low"], row["count_high"]) == (2, 3)


def test_no_mention_is_zero_and_nothing_alive_is_missing() -> None:
    table = effective_counts(mentions(a=0, b=7, c=5), sample("b", (1, False, False)))
    assert table["status"].to_list() == ["zero", "missing", "missing"]
    assert table["count"].to_list() == [0, None, None]
    assert table.select("count_low", "count_high", "bound_low", "bound_high").rows() == [
        (0,) * 4,
        (0, 7) * 2,
        (0, 5) * 2,
    ]


@pytest.mark.parametrize(("population", "drawn"), [(12, 4), (25, 10), (40, 39)])
def test_coverage_is_exact_for_every_truth(population: int, drawn: int) -> None:
    """All samples that can be drawn, weighed by scipy's hypergeometric probabilities, for every true number of rows."""
    ends = []
    for verified in range(drawn + 1):
        table = sample("a", *[(1, True, index < verified) for index in range(drawn)])
        row = one(population, table)
        ends.append((row["count_low"], row["count_high"]))
    for truth in range(population + 1):
        chances = hypergeom.pmf(np.arange(drawn + 1), population, truth, drawn)
        covered = sum(chance for chance, (low, high) in zip(chances, ends, strict=True) if low <= truth <= high)
        assert covered >= 0.95 - 1e-9, truth


def test_unreadable_captions_raise_upper_ends_alone() -> None:
    table = mentions(a=1000, b=0, c=4).with_columns(mentions_high=pl.Series([1200, 5, 9]))
    entries = sample("a", *[(1, True, True)] * 60, *[(1, True, False)] * 40)
    wide = effective_counts(table, entries)
    narrow = effective_counts(table.drop("mentions_high"), entries)
    for column in ("count", "count_low", "bound_low", "mentions", "status"):
        assert wide[column].to_list() == narrow[column].to_list()
    assert wide["count_high"].to_list()[1:] == [5, 9]
    assert wide["count_high"][0] / narrow["count_high"][0] == pytest.approx(1.2, abs=0.02)
    assert wide["bound_high"].to_list() == wide["count_high"].to_list()
    corrected = effective_counts(table, entries, rates=GOOD)
    without = effective_counts(table.drop("mentions_high"), entries, rates=GOOD)
    assert corrected["count_high"][0] / without["count_high"][0] == pytest.approx(1.2, abs=0.03)
    assert corrected["count_low"].to_list() == without["count_low"].to_list()


def test_with_unreadable_shards_the_true_number_of_rows_is_covered() -> None:
    """Shards of one dataset, a fifth of them lost, 40 of the mentions read are looked at: rows of all shards count."""
    rng = np.random.default_rng(8)
    covered, runs = 0, 200
    for _ in range(runs):
        per_shard = rng.poisson(12, 20)
        shows = [rng.random(number) < 0.6 for number in per_shard]
        read = int(per_shard[:16].sum())
        seen = rng.permutation(np.concatenate(shows[:16]))[:40]
        table = mentions(a=read).with_columns(mentions_high=pl.lit(mentions_high(read, 16_000, 4_000)))
        row = effective_counts(table, sample("a", *[(1, True, bool(one)) for one in seen])).row(0, named=True)
        covered += row["count_low"] <= sum(part.sum() for part in shows) <= row["count_high"]
    assert covered / runs >= 0.93


def test_multiplicity_weighs_rows() -> None:
    assert one(100, sample("a", (3, True, True), (1, True, False)))["count"] == 75


def test_copies_tell_less_than_different_pictures() -> None:
    copies = one(1000, sample("a", *[(10, True, True)] * 5, *[(10, True, False)] * 5))
    fresh = one(1000, sample("a", *[(1, True, True)] * 50, *[(1, True, False)] * 50))
    assert copies["count"] == fresh["count"] == 500
    assert copies["count_low"] < fresh["count_low"]  # type: ignore[operator]
    assert copies["count_high"] > fresh["count_high"]  # type: ignore[operator]


def test_other_columns_stay() -> None:
    table = effective_counts(mentions(a=0).with_columns(group=pl.lit("g")), sample("a").clear())
    assert table.columns == [*SCHEMA, "group"]


entries = st.lists(
    st.tuples(st.integers(1, 4), st.booleans(), st.booleans()).map(lambda e: (e[0], e[1], e[1] and e[2])), max_size=40
)


@given(entries, st.integers(0, 5000), st.sampled_from([None, GOOD]))
@settings(max_examples=80, deadline=None)
def test_what_is_known_frames_what_is_estimated(
    drawn: list[tuple[int, bool, bool]], more: int, rates: ErrorRates | None
) -> None:
    table = sample("a", *drawn)
    total = int(table["multiplicity"].sum()) + more
    row = one(total, table, rates=rates)
    low, high = row["count_low"], row["count_high"]
    assert 0 <= row["bound_low"] <= low <= high <= row["bound_high"] <= total  # type: ignore[operator]
    if row["status"] == "ok":
        assert low <= row["count"] <= high  # type: ignore[operator]
    if rates is None and row["alive"]:
        assert row["verified"] <= low  # type: ignore[operator]
        assert high <= total - (row["alive"] - row["verified"])  # type: ignore[operator]


@given(entries, st.randoms(use_true_random=False))
@settings(max_examples=30)
def test_the_order_of_rows_does_not_matter(drawn: list[tuple[int, bool, bool]], random: object) -> None:
    shuffled = list(drawn)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert one(500, sample("a", *drawn)) == one(500, sample("a", *shuffled))


@pytest.mark.parametrize("population", [80, 1500])
def test_intervals_cover_with_copies_and_dead_links(population: int) -> None:
    """Entries of one to four rows, links dead at random, 60 entries sampled: the true number of rows is covered."""
    rng = np.random.default_rng(5)
    covered, bounded, runs = 0, 0, 300
    for _ in range(runs):
        weights = rng.choice([1, 1, 1, 4], population)
        shows = rng.random(population) < 0.7
        picked = rng.choice(population, 60, replace=False)
        alive = rng.random(60) < 0.8
        table = sample(
            "a", *[(int(weights[i]), bool(a), bool(a and shows[i])) for i, a in zip(picked, alive, strict=True)]
        )
        row, true = one(int(weights.sum()), table), int(weights[shows].sum())
        covered += row["count_low"] <= true <= row["count_high"]  # type: ignore[operator]
        bounded += row["bound_low"] <= true <= row["bound_high"]  # type: ignore[operator]
    assert covered / runs >= 0.92
    assert bounded / runs >= 0.99


@pytest.mark.parametrize(("problem", "table", "verified"), [
    ("twice", pl.DataFrame({"concept": ["a", "a"], "mentions": [1, 1]}), sample("a")),
    ("do not", mentions(a=1), sample("b", (1, True, True))),
    ("0 is less than its 1", mentions(a=1).with_columns(mentions_high=pl.lit(0)), sample("a")),
    ("2 rows sampled of 1", mentions(a=1), sample("a", (2, True, True))),
])  # fmt: skip
def test_contradictions_are_refused(problem: str, table: pl.DataFrame, verified: pl.DataFrame) -> None:
    with pytest.raises(InputError, match=problem):
        effective_counts(table, verified)


def test_rogan_gladen_by_hand_and_clipped() -> None:
    assert rogan_gladen(0.475, GOOD) == pytest.approx((0.475 + 0.95 - 1) / 0.85)
    assert rogan_gladen(0.0, GOOD) == 0
    assert rogan_gladen(1.0, GOOD) == 1


def test_a_poor_verification_is_not_corrected() -> None:
    with pytest.raises(InputError, match="too poor"):
        one(10, sample("a", (1, True, True)), rates=ErrorRates(55, 100, 60, 100))


@pytest.mark.parametrize("population", [100, 3000])
def test_corrected_intervals_cover(population: int) -> None:
    rng = np.random.default_rng(11)
    covered, runs, true_share = 0, 200, 0.6
    for _ in range(runs):
        rates = ErrorRates(int(rng.binomial(150, 0.85)), 150, int(rng.binomial(150, 0.9)), 150)
        shows = rng.random(population) < true_share
        passes = np.where(shows, rng.random(population) < 0.85, rng.random(population) > 0.9)
        picked = rng.choice(population, 80, replace=False)
        row = one(population, sample("a", *[(1, True, bool(passes[i])) for i in picked]), rates=rates)
        covered += row["count_low"] <= shows.sum() <= row["count_high"]  # type: ignore[operator]
    assert covered / runs >= 0.92


def test_no_hit_bounds_the_captionless_rows() -> None:
    result = captionless_rows(0, 100_000, 2_300_000_000)
    assert result.estimate == 0
    assert 68_000 < result.upper < 69_000


def test_false_matches_explain_captionless_hits() -> None:
    rates = ErrorRates(passed=990, positives=1000, rejected=9900, negatives=10_000)
    result = captionless_rows(100, 10_000, 1_000_000, rates=rates)
    assert result.estimate == 0
    assert 0 < result.upper < captionless_rows(100, 10_000, 1_000_000).upper


def test_the_captionless_bound_holds() -> None:
    rng = np.random.default_rng(3)
    held, runs, share = 0, 400, 0.004
    for _ in range(runs):
        rates = ErrorRates(int(rng.binomial(200, 0.9)), 200, int(rng.binomial(5000, 0.998)), 5000)
        found = int(rng.binomial(3000, share * 0.9 + (1 - share) * 0.002))
        held += captionless_rows(found, 3000, 10**6, rates=rates).upper >= share * 10**6
    assert held / runs >= 0.95


def test_impossible_captionless_numbers_are_refused() -> None:
    with pytest.raises(InputError, match="3 found among 2"):
        captionless_rows(3, 2, 10)
