"""Numbers, intervals, places and labels, each against something computed another way."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from conftest import HOSTILE, names, threshold_of
from mimetic2.report import numerals
from mimetic2.report.account import exclusions
from mimetic2.report.answers import key_figures, paper_beside_ours, shape_rows
from mimetic2.report.charts import SIZES, Chart
from mimetic2.report.contents import Contents, Row
from mimetic2.report.counting import counting_account, funnel
from mimetic2.report.figures import by_count, evenly, quantile, wilson
from mimetic2.report.labels import Labels, printable
from mimetic2.report.pictures import spread
from mimetic2.report.wording import prose


@given(st.integers(1, 400).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_wilson_is_scipys(case: tuple[int, int]) -> None:
    hits, total = case
    expected = binomtest(hits, total).proportion_ci(0.95, method="wilson")
    assert wilson(hits, total) == pytest.approx((expected.low, expected.high), abs=1e-6)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=40), st.floats(0, 1))
def test_quantile_is_numpys(values: list[float], share: float) -> None:
    import numpy as np

    assert quantile(sorted(values), share) == pytest.approx(float(np.quantile(values, share)), abs=1e-9)


@given(st.floats(-10, 10), st.floats(1e-3, 10))
def test_ticks_are_inside_and_even(low: float, span: float) -> None:
    ticks = numerals.even_ticks(low, low + span)
    assert 2 <= len(ticks) <= 12
    assert all(low - 1e-6 <= tick <= low + span + 1e-6 for tick in ticks)


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0, "0"), (12.0, "12"), (12.34, "12.3"), (1234, "1,234"), (1234567.6, "1,234,568")],
)
def test_counts_are_written(value: float | None, text: str) -> None:
    assert numerals.count(value) == text


@pytest.mark.parametrize(
    ("pair", "text"),
    [
        ([121, 163], "121 to 163"), (None, ""), ([None, None], ""),
        ([None, 5], "up to 5"), ([5, None], "5 or more"), ([3, 3], "3"),
    ],
)  # fmt: skip
def test_intervals_are_written(pair: list[float | None] | None, text: str) -> None:
    assert numerals.interval(pair) == text


def test_an_interval_beside_its_number_keeps_both_ends() -> None:
    assert numerals.confidence([439, 439]) == "439 to 439"
    assert numerals.confidence([None, 5]) == "up to 5"
    assert numerals.confidence(None) == ""


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("only 20 concepts", "Only 20 concepts"),
        ("run `plan` <b>", "Run <code>plan</code> &lt;b&gt;"),
        ("score_se is 0", "score_se is 0"),
        ("`plan` says", "<code>plan</code> says"),
        ("", ""),
    ],
)
def test_messages_become_sentences(text: str, html: str) -> None:
    assert prose(text) == html


@given(st.lists(st.integers(0, 10**6), min_size=2, max_size=30))
def test_places_keep_the_order_of_counts(counts: list[int]) -> None:
    for size in SIZES:
        chart = Chart(size, max([*counts, 1]), 0, 1, "", "")
        places = [chart.x(count) for count in sorted(counts)]
        assert places == sorted(places)
        left, _, width, _ = chart.plot
        assert left <= places[0] <= places[-1] <= left + width


@given(st.integers(1, 5000), st.integers(2, 900))
def test_evenly_keeps_the_ends(number: int, most: int) -> None:
    rows = [Row(str(index)) for index in range(number)]
    kept = evenly(rows, most)
    assert len(kept) == min(number, most)
    assert kept[0] is rows[0]
    assert kept[-1] is rows[-1]
    assert len({row.name for row in kept}) == len(kept)


@given(st.lists(st.integers(0, 10**5), min_size=1, max_size=60))
def test_sheet_spreads_from_end_to_end(counts: list[int]) -> None:
    rows = [Row(f"{index:03d}", count=count) for index, count in enumerate(sorted(counts))]
    chosen = spread(rows)
    assert len(chosen) == min(len(rows), 10)
    assert [row.count for row in chosen] == sorted(row.count or 0 for row in chosen)
    assert {chosen[0].count, chosen[-1].count} == {rows[0].count, rows[-1].count} or len(chosen) == 1


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=50))
def test_groups_hold_every_concept_once_and_zero_apart(counts: list[int]) -> None:
    rows = [Row(str(index), count=count) for index, count in enumerate(sorted(counts))]
    groups = by_count(rows)
    assert [row for group in groups for row in group] == rows
    assert all(len({row.count == 0 for row in group}) == 1 for group in groups)


@given(st.text())
def test_printable_has_no_control(text: str) -> None:
    assert not set(printable(text)) & set("\x00\x07\x1b\u202a\u202b\u202d\u202e\u2066\u2067\u2068")


@given(st.lists(st.sampled_from(HOSTILE + names()), min_size=1, unique=True), st.binary(min_size=1))
def test_codes_are_distinct_stable_and_masking(listed: list[str], key: bytes) -> None:
    labels = Labels(listed, key=key)
    assert len({labels[name] for name in listed}) == len(listed)
    assert [labels[name] for name in listed] == [Labels(reversed(listed), key=key)[name] for name in listed]
    for name in listed:
        assert labels.mask(f"about {name}, twice") == f"about {labels[name]}, twice"


def test_mask_takes_whole_words_aliases_and_the_longest_name() -> None:
    labels = Labels(["Ada", "Ada Keller"], key=b"k", aliases={"A. K.": "Ada Keller"})
    assert labels.mask("ada keller, ADA; Adaptation") == f"{labels['Ada Keller']}, {labels['Ada']}; Adaptation"
    assert labels.mask("by A. K. today") == f"by {labels['Ada Keller']} today"


def test_reasons_are_ranked_and_the_rare_ones_put_together(tmp_path: Path) -> None:
    (tmp_path / "verify").mkdir()
    reasons = {f"reason {number:02d}": number for number in range(1, 15)}
    (tmp_path / "verify" / "funnel.json").write_text(json.dumps({"dead": reasons, "unjudged": {"no face found": 2}}))
    rows = [Row("a", mentions=9, sampled=9, alive=7, verified=5, status="ok", exact_duplicates=1, near_duplicates=2)]
    rows += [Row("b", mentions=3, sampled=3, alive=0, verified=0, status="missing"), Row("c", status="zero")]
    found = counting_account(Contents(tmp_path, {}, rows), Labels(["a", "b", "c"]))
    assert found is not None
    assert found.dead[0] == ("reason 14", 14)
    assert found.dead[-1] == ("2 other reasons", 3)
    assert sum(number for _, number in found.dead) == sum(reasons.values())
    assert found.unjudged == [("no face found", 2)]
    assert (found.never_mentioned, found.without_image, found.copies) == (1, 1, (1, 2))
    assert counting_account(Contents(tmp_path, {}, [Row("a", count=3)]), Labels(["a"])) is None


def test_funnel_and_exclusions_add_up() -> None:
    rows = [
        Row("a", mentions=100, sampled=50, alive=40, verified=20),
        Row("b", mentions=10, sampled=10, alive=5, verified=5),
    ]
    assert [(step.number, step.width) for step in funnel(rows)] == [
        (110, 100),
        (60, 54.55),
        (45, 75),
        (25, 55.56),
    ]
    assert funnel([Row("a", count=3)]) == []
    out = exclusions({"excluded": {"no face found": 1, "minor": 3}}, [Row("a", excluded="no face found")], Labels("a"))
    assert [(item["reason"], item["number"]) for item in out] == [("minor", 3), ("no face found", 1)]


def test_figures_say_why_a_number_is_missing() -> None:
    by_name = {figure.name: figure for figure in key_figures(threshold_of("gradual")).figures}
    assert by_name["Threshold"].note == "not named: the rise is gradual"
    assert by_name["N90"].note == "not reached within the observed counts"
    assert by_name["Paper’s rule"].value == 118
    assert [row["name"] for row in shape_rows(threshold_of("step"))] == ["step", "ramp", "linear", "flat"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "first of possibly several breaks"), ({"threshold": 118}, "same count"),
        ({"threshold": None}, "smooth rise too"),
        ({"paper": {"threshold": None, "penalty": 0.9}}, "fixed amount (0.9)"),
        ({"method": "paper"}, "paper’s procedure only"),
    ],
)  # fmt: skip
def test_reasons_fit_the_case(changes: dict[str, object], told: str) -> None:
    beside = paper_beside_ours(threshold_of("step", **changes), [Row("a", score=0.1), Row("b", score=0.2)])
    assert beside is not None
    assert any(told in reason for reason in beside["reasons"])
