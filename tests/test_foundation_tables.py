"""Tables: the same bytes for the same frame, and one line naming file, row and column for everything wrong."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from mimetic2.errors import InputError
from mimetic2.tables import booleans, names, numbers, read_table, write_table

FRAME = pl.DataFrame({"concept": ["a, b", 'quo"te', "new\nline"], "count": [1, 2, 3], "flag": [True, False, None]})


@pytest.mark.parametrize("ending", [".parquet", ".jsonl"])
def test_types_survive(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"t{ending}"
    write_table(path, FRAME)
    assert_frame_equal(read_table(path), FRAME)


def test_csv_comes_back_as_text(tmp_path: Path) -> None:
    write_table(tmp_path / "t.csv", FRAME)
    found = read_table(tmp_path / "t.csv")
    assert found["concept"].to_list() == FRAME["concept"].to_list()
    assert found["count"].to_list() == ["1", "2", "3"]
    assert booleans(found, "flag") == [True, False, None]


def test_csv_is_what_the_standard_library_reads(tmp_path: Path) -> None:
    write_table(tmp_path / "t.csv", FRAME)
    with (tmp_path / "t.csv").open(newline="") as handle:
        assert list(csv.reader(handle))[1:] == [["a, b", "1", "true"], ['quo"te', "2", "false"], ["new\nline", "3", ""]]


def test_decimals_and_missing_numbers(tmp_path: Path) -> None:
    frame = pl.DataFrame({"score": [0.1, None, float("nan")], "other": [0.1, 1e-9, 2.0]})
    write_table(tmp_path / "t.csv", frame, decimals={"score": 6})
    assert (tmp_path / "t.csv").read_text() == "score,other\n0.100000,0.1\n,1e-09\n,2.0\n"


@given(
    st.lists(st.tuples(st.text(st.characters(exclude_categories=["Cs", "Cc"])), st.floats(allow_nan=False)), max_size=8)
)
def test_csv_round_trip(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, float]]) -> None:
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    frame = pl.DataFrame(rows, schema={"text": pl.String, "number": pl.Float64}, orient="row")
    write_table(path, frame)
    first = path.read_bytes()
    write_table(path, frame)
    assert path.read_bytes() == first
    found = read_table(path)
    assert found["text"].to_list() == [text for text, _ in rows]
    assert [float(cell) for cell in found["number"]] == [number for _, number in rows]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", b"", "is empty"),
        ("t.csv", b"a,a\n1,2\n", "row 1: column 'a': stands twice"),
        ("t.csv", b"a,b\n1\n", "row 2: has 1 cells, the header has 2"),
        ("t.csv", b"a,b\n1,2,3\n", "row 2: has 3 cells"),
        ("t.csv", b'a,b\n"1,2\n', "row 2: unexpected end of data"),
        ("t.csv", b"a,b\n\xff,2\n", r"is not UTF-8 \(byte 4\)"),
        ("t.csv", b"b\n1\n", "row 1: column 'a': is missing; the columns are: b"),
        ("t.csv", b"b;a\n1;2\n", "separated by semicolons; commas are wanted"),
        ("t.csv", b"b\ta\n1\t2\n", "separated by tabs"),
        ("t.csv", b"b;a\n1;2,5\n", "separated by semicolons"),
        ("t.csv", b"b,A\n1,2\n", "'A' would have to be written 'a'"),
        ("t.parquet", b"PAR1 not really", "cannot be read"),
        ("t.jsonl", b'{"a": 1}\n{"a":\n', "row 2: is not JSON"),
        ("t.jsonl", b"[1]\n", "row 1: is not a JSON object"),
        ("t.xlsx", b"x", r"unknown kind of table '\.xlsx'"),
    ],
)
def test_what_cannot_be_read(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read_table(path, ["a"])
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_byte_order_mark_and_blank_lines_are_no_trouble(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"\xef\xbb\xbfa , b\r\n1,2\r\n\r\n3,4\r\n")
    assert read_table(tmp_path / "t.csv").to_dict(as_series=False) == {"a": ["1", "3"], "b": ["2", "4"]}


@pytest.mark.parametrize("place", ["no.csv", "."])
def test_what_is_no_file(tmp_path: Path, place: str) -> None:
    with pytest.raises(InputError, match=r"no such file|is a folder"):
        read_table(tmp_path / place)


def test_tables_of_unknown_kind_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown kind"):
        write_table(tmp_path / "t.txt", FRAME)
    assert not (tmp_path / "t.txt").exists()


@pytest.mark.parametrize(
    ("cell", "options", "message"),
    [
        ("", {}, "row 3: column 'n': is empty; accepted: numbers"),
        ("x", {}, r"is not a number \('x'\)"),
        ("nan", {}, r"is not finite \(nan\)"),
        ("-inf", {}, "is not finite"),
        ("-1", {"minimum": 0}, r"is too small \(-1\); accepted: numbers from 0"),
        ("1.5", {"whole": True}, r"is not whole \(1\.5\); accepted: whole numbers"),
    ],
)
def test_numbers_name_the_bad_cell(cell: str, options: dict[str, object], message: str) -> None:
    frame = pl.DataFrame({"n": ["1", cell]})
    with pytest.raises(InputError, match=message):
        numbers(frame, "n", file="t.csv", **options)  # type: ignore[arg-type]


@given(st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False)))
def test_numbers_give_back_what_was_written(values: list[float | None]) -> None:
    frame = pl.DataFrame({"n": ["" if value is None else repr(value) for value in values]}, schema={"n": pl.String})
    found = numbers(frame, "n", missing=True)
    assert found == values
    assert all(value is None or math.isfinite(value) for value in found)


def test_booleans_and_names() -> None:
    frame = pl.DataFrame({"concept": [" a ", "b"], "flag": ["True", "maybe"]})
    assert names(frame) == ["a", "b"]
    with pytest.raises(InputError, match="row 3: column 'flag': is 'maybe'; accepted: true, false or empty"):
        booleans(frame, "flag")
    with pytest.raises(InputError, match="row 3: column 'concept': 'a' stands in row 2 already"):
        names(pl.DataFrame({"concept": ["a", "a "]}))
    with pytest.raises(InputError, match="row 2: column 'concept': is empty"):
        names(pl.DataFrame({"concept": [" "]}))
