"""The user's table of counts: every wrong cell is named by file, row and column, where it enters."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimetic2.countstable import LARGEST_COUNT, check_counts, read_counts
from mimetic2.errors import InputError
from mimetic2.tables import SHORTEST, read_table, write_table

WRONG = [
    ("concept,count", "a,99999999999999999999", "row 2: column 'count': is too large"),
    ("concept,count", "a,", "row 2: column 'count': is empty"),
    ("concept,count", "a,1\na,2", "row 3: column 'concept': 'a' stands in row 2"),
    ("concept,count,count_low,count_high", "a,5,9,3", "row 2: column 'count_low': is greater than count_high (9 > 3)"),
    ("concept,count,count_low,count_high", "a,5,6,9", "row 2: column 'count_low': leaves the count outside (6"),
    ("concept,count,count_low,count_high", "a,5,1,4", "row 2: column 'count_high': leaves the count outside (4"),
    ("concept,count,count_low", "a,5,6", "row 2: column 'count_low': leaves the count outside"),
    ("concept,count,status", "a,5,fine", "row 2: column 'status': is 'fine'; accepted: ok, zero, missing"),
    ("concept,count,status", "a,32,missing", "row 2: column 'status': is 'missing' beside a count of 32"),
    ("concept,count,status", "a,0,missing", "row 2: column 'status': is 'missing' beside a count of 0"),
    ("concept,count,status", "a,4,zero", "row 2: column 'status': is 'zero' beside a count of 4"),
    ("concept,count,status", "a,,ok", "row 2: column 'count': is empty"),
    ("concept,count,identified", "a,4,maybe", "row 1: column 'identified': belongs to a table of scores"),
    ("concept,count,excluded", "a,4,", "row 1: column 'excluded': belongs to a table of scores"),
    ("concept,count,mentions", "a,4,many", "row 2: column 'mentions': is not a number"),
    ("concept,count,control", "a,4,perhaps", "row 2: column 'control': is 'perhaps'"),
    ("concept,count,covariate_age", "a,4,old", "row 2: column 'covariate_age': is not a number"),
    ("concept,count,weighted_count", "a,4,1\nb,5,", "row 3: column 'weighted_count': is empty though other rows"),
]


@pytest.mark.parametrize(("header", "rows", "says"), WRONG)
def test_a_wrong_cell_is_named(tmp_path: Path, header: str, rows: str, says: str) -> None:
    path = tmp_path / "counts.csv"
    path.write_text(f"{header}\n{rows}\n")
    with pytest.raises(InputError) as caught:
        read_counts(path)
    assert str(caught.value).startswith(f"{path}: {says}")


def test_a_count_beyond_every_integer_in_json_lines_is_named(tmp_path: Path) -> None:
    path = tmp_path / "counts.jsonl"
    path.write_text('{"concept": "a", "count": 99999999999999999999}\n{"concept": "b", "count": 3}\n')
    with pytest.raises(InputError, match=r"counts\.jsonl: .*row"):
        read_counts(path)


def test_what_counting_writes_is_read(tmp_path: Path) -> None:
    path = tmp_path / "counts.csv"
    path.write_text(
        "concept,count,count_low,count_high,mentions,sampled,alive,verified,status,bound_low,bound_high,mine\n"
        " a ,5,4,9,9,9,9,5,ok,4,9,x\nb,0,0,0,0,0,0,0,zero,0,0,\nc,,0,7,7,7,0,0,missing,0,7,\n"
    )
    frame = read_counts(path)
    assert frame["concept"].to_list() == ["a", "b", "c"]
    assert frame["mine"].to_list() == ["x", "", ""]


def test_the_paper_counts_zero_where_nothing_was_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "counts.csv"
    path.write_text("concept,count,status\na,0,missing\n")
    assert read_counts(path, paper=True).height == 1


def test_covariates_are_wanted_of_concepts_with_a_count_only(tmp_path: Path) -> None:
    path = tmp_path / "counts.csv"
    path.write_text("concept,count,status,covariate_age\na,4,ok,30\nb,,missing,\n")
    assert read_counts(path).height == 2


@given(count=st.integers(0, LARGEST_COUNT), low=st.integers(0, 100), high=st.integers(0, 100))
def test_an_interval_is_refused_exactly_when_the_count_is_outside(count: int, low: int, high: int) -> None:
    count = count % 101
    frame = pl.DataFrame({"concept": ["a"], "count": [count], "count_low": [low], "count_high": [high]})
    if low <= count <= high:
        assert check_counts(frame) == [count]
    else:
        with pytest.raises(InputError):
            check_counts(frame)


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_decimals_are_the_same_in_every_kind_of_table(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"t{ending}"
    frame = pl.DataFrame({"score": [0.06572217279400154, None], "count": [32.0, 1.5]})
    write_table(path, frame, decimals={"score": 6, "count": SHORTEST})
    back = read_table(path)
    assert [None if cell in (None, "") else float(cell) for cell in back["score"]] == [0.065722, None]
    assert [float(cell) for cell in back["count"]] == [32.0, 1.5]
    if ending == ".jsonl":
        assert json.loads(path.read_text().splitlines()[0])["score"] == 0.065722
    if ending == ".csv":
        assert path.read_text() == "score,count\n0.065722,32\n,1.5\n"
