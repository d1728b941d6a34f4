"""Whatever is passed to the Python API: a wrong argument is one line that names it, never a numpy traceback."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mimetic2.errors import InputError
from mimetic2.threshold import SideColumns, find_threshold, predict, threshold_of
from mimetic2.threshold.arguments import number_column, truth_column

N = 30
RNG = np.random.default_rng(0)
COUNTS = [float(count) for count in np.round(10 ** RNG.uniform(0, 4, N))]
SCORES = [float(score) for score in RNG.random(N)]


def instead(values: list[float], row: int, value: object) -> list[Any]:
    """``values`` with another value in ``row``, counted from 1."""
    return [*values[: row - 1], value, *values[row:]]


@pytest.mark.parametrize(
    ("counts", "scores", "message"),
    [
        (COUNTS, instead(SCORES, 4, "high"), "row 4: column 'scores': is not a number but str 'high'"),
        (instead(COUNTS, 2, "7"), SCORES, "row 2: column 'counts': is not a number but str '7'"),
        (instead(COUNTS, 1, None), SCORES, "row 1: column 'counts': is missing"),
        (COUNTS, instead(SCORES, 30, math.nan), "row 30: column 'scores': is missing"),
        (instead(COUNTS, 5, math.inf), SCORES, "row 5: column 'counts': is not finite"),
        (instead(COUNTS, 5, -3), SCORES, r"row 5: column 'counts': is negative \(-3\)"),
        (COUNTS, instead(SCORES, 5, 1e300), "row 5: column 'scores': is too large"),
        (COUNTS, instead(SCORES, 5, 10**400), "row 5: column 'scores': is not a number"),
        (COUNTS, instead(SCORES, 5, [1]), "row 5: column 'scores': is not a number but list"),
        (COUNTS, instead(SCORES, 5, 1j), "row 5: column 'scores': is not a number but complex"),
        (COUNTS, np.array(["2026-01-01"] * N, dtype="datetime64[D]"), "row 1: column 'scores': is not a number"),
        (COUNTS, SCORES[:-1], "29 values of scores do not match 30 counts"),
        (np.ones((3, 2)), np.ones((3, 2)), "column 'counts': has 2 dimensions"),
        (3, SCORES, "column 'counts': is int 3"),
        (None, None, "column 'counts': is None"),
        ("abc", "abc", "column 'counts': is str 'abc'"),
        ({"a": 1}, SCORES, "column 'counts': is dict"),
        ([], [], "there are 0 concepts with a score"),
    ],
)
@pytest.mark.parametrize("method", ["robust", "paper"])
def test_counts_and_scores(counts: object, scores: object, message: str, method: str) -> None:
    with pytest.raises(InputError, match=message):
        find_threshold(counts, scores, method=method)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"level": 95}, "the level is 95; accepted: numbers between 0.5 and 1, such as 0.95"),
        ({"level": "0.95"}, "the level is str '0.95'"),
        ({"level": None}, "the level is None"),
        ({"level": math.nan}, "the level is nan"),
        ({"method": "pelt"}, "unknown method 'pelt'; accepted: robust, paper"),
        ({"method": None}, "unknown method None"),
        ({"penalty": -1}, "the penalty is -1"),
        ({"penalty": "x"}, "the penalty is str 'x'"),
        ({"penalty": True}, "the penalty is bool True"),
        ({"seed": "x"}, "seed is str 'x'; accepted: a whole number"),
        ({"seed": 1.5}, "seed is float 1.5"),
        ({"draws": 18}, "draws is 18; accepted: a whole number from 19"),
        ({"draws": "9"}, "draws is str '9'"),
        ({"concepts": ["a"]}, "1 concepts do not match 30 counts"),
        ({"concepts": ["a"] * N}, "row 2: column 'concepts': 'a' stands in row 1 already"),
        ({"concepts": list(range(N))}, "row 1: column 'concepts': is not text but int 0"),
        ({"concepts": "a" * N}, "column 'concepts': is str"),
        ({"score_se": [0.1]}, "1 values of score_se do not match 30 counts"),
        ({"score_se": 0.1}, "column 'score_se': is float 0.1"),
        ({"score_se": instead([0.1] * N, 3, None)}, "row 3: column 'score_se': is missing"),
        ({"score_se": [0.0] * N}, "a score_se is negative, or all are 0"),
        ({"score_se": ["x"] * N}, "row 1: column 'score_se': is not a number"),
        ({"null_score": instead([0.1] * N, 3, math.inf)}, "row 3: column 'null_score': is not finite"),
        ({"null_score": [0.1]}, "1 values of null_score"),
        ({"identified": ["yes"] * N}, "row 1: column 'identified': is not a number but str 'yes'"),
        ({"identified": [2] * N}, "row 1: column 'identified': is 2; accepted: True, False or None"),
        ({"identified": True}, "column 'identified': is bool True"),
        ({"excluded": ["x"]}, "excluded is list; accepted: a mapping of reasons to numbers"),
        ({"beside": "x"}, "beside is str"),
        ({"beside": SideColumns(group=np.array(["a"]))}, "1 values of group do not match 30 counts"),
        ({"beside": SideColumns(count_low=instead(COUNTS, 2, "x"))}, "row 2: column 'count_low': is not a number"),
        ({"beside": SideColumns(covariates={"year": [1.0]})}, "1 values of year do not match"),
    ],
)
def test_other_arguments(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        find_threshold(COUNTS, SCORES, **options)


@pytest.mark.parametrize("table", [5, None, {"count": [1]}])
def test_a_table_is_a_path(table: Any) -> None:
    with pytest.raises(InputError, match="accepted: a path"):
        threshold_of(table)


def test_counts_of_a_prediction() -> None:
    result = find_threshold(COUNTS, SCORES, draws=19)
    calls: list[Callable[[], object]] = [
        lambda: result.predict("x"),  # type: ignore[arg-type]
        lambda: result.predict(-1),
        lambda: result.predict(math.nan),
        lambda: predict({}, 5),
        lambda: predict(None, 5),
        lambda: result.curve(5),
        lambda: result.curve([None]),
    ]
    for call in calls:
        with pytest.raises(InputError):
            call()


def test_every_kind_of_column_gives_the_same_answer() -> None:
    expected = find_threshold(COUNTS, SCORES, draws=19).to_dict()
    frame = pl.DataFrame({"count": COUNTS, "score": SCORES})
    for counts, scores in (
        (tuple(COUNTS), iter(SCORES)),
        (np.array(COUNTS, dtype=np.int64), np.array(SCORES)),
        (frame["count"], frame["score"]),
        ([int(count) for count in COUNTS], [np.float64(score) for score in SCORES]),
    ):
        assert find_threshold(counts, scores, draws=19).to_dict() == expected


@given(st.lists(st.one_of(st.none(), st.floats(allow_nan=True), st.integers(), st.text(max_size=3), st.booleans())))
@settings(max_examples=200, deadline=None)
def test_numbers_or_an_error_that_names_the_first_wrong_row(values: list[Any]) -> None:
    def wrong(value: object) -> bool:
        if isinstance(value, str):
            return True
        return value is not None and not (math.isnan(value) or abs(value) <= 1e100)  # type: ignore[arg-type]

    bad = [row for row, value in enumerate(values, 1) if wrong(value)]
    if not bad:
        found = number_column(values, "x", missing=True)
        assert found.tolist() == pytest.approx([math.nan if v is None else float(v) for v in values], nan_ok=True)
        return
    texts = [row for row in bad if isinstance(values[row - 1], str)]
    with pytest.raises(InputError, match=f"row {min(texts or bad)}: column 'x'"):
        number_column(values, "x", missing=True)


def test_truth_of_numbers_and_none() -> None:
    assert truth_column([True, 0, None, math.nan, np.bool_(True)], "x", 5) == [True, False, None, None, True]
