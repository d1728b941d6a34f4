"""Tables in and out: CSV, Parquet or JSON lines by the file's ending, with errors that name file, row and column."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from mimetic2.errors import InputError
from mimetic2.files import atomic

ENDINGS = (".csv", ".parquet", ".jsonl")
TRUE, FALSE = "true", "false"
SHORTEST = -1
"""In ``decimals`` of :func:`write_table`: as many as the number has, a whole one none."""
LARGEST_WHOLE = 2**53
"""Up to here every whole number is a number of its own in floating point."""


def read_table(path: str | Path, required: Sequence[str] = ()) -> pl.DataFrame:
    """Read a table whole; CSV columns come as strings, as they stand, so that :func:`numbers` can name a bad cell.

    Raises :class:`InputError` for a missing, unreadable, empty or malformed file and for a missing column.
    """
    path = Path(path)
    _check_readable(path)
    try:
        if path.suffix == ".parquet":
            frame = pl.read_parquet(path)
        elif path.suffix == ".jsonl":
            frame = _read_json_lines(path)
        else:
            frame = _read_csv(path)
    except InputError:
        raise
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(f"cannot be read ({str(error).splitlines()[0]})", file=path) from error
    require_columns(frame, required, path)
    return frame


def require_columns(frame: pl.DataFrame, required: Sequence[str], path: str | Path) -> None:
    """Raise :class:`InputError` naming the first of ``required`` that the table lacks."""
    for column in required:
        if column not in frame.columns:
            have = ", ".join(frame.columns) or "none"
            problem = f"is missing; the columns are: {have}{_hint(frame.columns, column)}"
            raise InputError(problem, file=path, row=1, column=column)


def _hint(columns: Sequence[str], wanted: str) -> str:
    """What a header without the column most likely has instead: another case, or another separator."""
    for found in columns:
        if found.strip().lower() == wanted:
            return f" ('{found}' would have to be written '{wanted}')"
    if len(columns) == 1:
        for separator, called in ((";", "semicolons"), ("\t", "tabs")):
            if separator in columns[0]:
                return f" (the cells are separated by {called}; commas are wanted, and a point for decimals)"
    return ""


def _check_readable(path: Path) -> None:
    if not path.exists():
        raise InputError("no such file", file=path)
    if path.is_dir():
        raise InputError("is a folder, a table is wanted", file=path, accepted=" ".join(ENDINGS))
    check_ending(path)
    if path.stat().st_size == 0:
        raise InputError("is empty", file=path)


def _read_csv(path: Path) -> pl.DataFrame:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problem = f"is not UTF-8 (byte {error.start})"
        raise InputError(problem, file=path, accepted="UTF-8 (in a spreadsheet: save as 'CSV UTF-8')") from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[list[str]] = []
    header: list[str] = []
    try:
        for row in reader:
            if not header:
                header = [cell.strip() for cell in row]
                duplicates = {name for name in header if header.count(name) > 1}
                if duplicates:
                    raise InputError("stands twice in the header", file=path, row=1, column=sorted(duplicates)[0])
            elif row:
                if len(row) != len(header):
                    problem = f"has {len(row)} cells, the header has {len(header)}{_hint(header, '')}"
                    raise InputError(problem, file=path, row=reader.line_num)
                rows.append(row)
    except csv.Error as error:
        raise InputError(str(error), file=path, row=reader.line_num) from error
    if not header:
        raise InputError("is empty", file=path)
    return pl.DataFrame(rows, schema=dict.fromkeys(header, pl.String), orient="row")


def _read_json_lines(path: Path) -> pl.DataFrame:
    records = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            raise InputError(f"is not JSON ({error.msg})", file=path, row=number) from error
        if not isinstance(record, dict):
            raise InputError("is not a JSON object", file=path, row=number)
        records.append(record)
    return pl.DataFrame(records, infer_schema_length=None)


def numbers(
    frame: pl.DataFrame,
    column: str,
    *,
    file: str | Path | None = None,
    minimum: float | None = None,
    maximum: float | None = None,
    whole: bool = False,
    missing: bool = False,
) -> list[float | None]:
    """The column as finite numbers; empty cells become None where ``missing`` allows them.

    Raises :class:`InputError` naming the row of the first cell that is no number, not finite, too small or large, or
    not whole. Whole numbers end at 2⁵³, from where on not each has a floating-point number of its own.
    """
    maximum = LARGEST_WHOLE if whole and maximum is None else maximum
    accepted = ("whole " if whole else "") + "numbers" + (f" from {minimum:g}" if minimum is not None else "")
    accepted += f" to {maximum:,.0f}" if maximum is not None else ""
    values: list[float | None] = []
    for row, cell in enumerate(frame[column].to_list(), 2):
        if cell is None or cell == "":
            if not missing:
                raise InputError("is empty", file=file, row=row, column=column, accepted=accepted)
            values.append(None)
            continue
        try:
            value = _number(cell)
        except (TypeError, ValueError):
            problem = f"is not a number ('{cell}')"
            raise InputError(problem, file=file, row=row, column=column, accepted=accepted) from None
        if not math.isfinite(value):
            raise InputError(f"is not finite ({cell})", file=file, row=row, column=column, accepted=accepted)
        if minimum is not None and value < minimum:
            raise InputError(f"is too small ({cell})", file=file, row=row, column=column, accepted=accepted)
        if maximum is not None and value > maximum:
            raise InputError(f"is too large ({cell})", file=file, row=row, column=column, accepted=accepted)
        if whole and value != int(value):
            raise InputError(f"is not whole ({cell})", file=file, row=row, column=column, accepted=accepted)
        values.append(value)
    return values


def _number(cell: Any) -> float:
    """``float`` without Python's own thousands: 1_000 in a table is a slip, and nobody knows for what."""
    if isinstance(cell, str) and "_" in cell:
        raise ValueError(cell)
    return float(cell)


def booleans(frame: pl.DataFrame, column: str, *, file: str | Path | None = None) -> list[bool | None]:
    """The column as booleans, written ``true`` and ``false``; empty cells become None."""
    values: list[bool | None] = []
    for row, cell in enumerate(frame[column].to_list(), 2):
        text = "" if cell is None else str(cell).strip().lower()
        if text not in ("", TRUE, FALSE):
            raise InputError(f"is '{cell}'", file=file, row=row, column=column, accepted=f"{TRUE}, {FALSE} or empty")
        values.append(None if text == "" else text == TRUE)
    return values


def names(frame: pl.DataFrame, column: str = "concept", *, file: str | Path | None = None) -> list[str]:
    """The column as distinct, non-empty names, outer white space removed."""
    seen: dict[str, int] = {}
    for row, cell in enumerate(frame[column].to_list(), 2):
        name = "" if cell is None else str(cell).strip()
        if not name:
            raise InputError("is empty", file=file, row=row, column=column, accepted="a name")
        if name in seen:
            raise InputError(f"'{name}' stands in row {seen[name]} already", file=file, row=row, column=column)
        seen[name] = row
    return list(seen)


def check_ending(path: str | Path) -> None:
    """Raise :class:`InputError` if no table can be written under this name: before the work whose result it is."""
    suffix = Path(path).suffix
    if suffix not in ENDINGS:
        raise InputError(f"unknown kind of table '{suffix}'", file=path, accepted=" ".join(ENDINGS))


def write_table(path: str | Path, frame: pl.DataFrame, *, decimals: dict[str, int] | None = None) -> None:
    """Write a table atomically, its kind by the file's ending; the same frame gives the same bytes.

    ``decimals`` fixes the number of decimals of float columns (scores have 6): the numbers are the same in every kind.
    """
    path = Path(path)
    check_ending(path)
    places = {name: place for name, place in (decimals or {}).items() if frame.schema.get(name) == pl.Float64}
    frame = frame.with_columns(pl.col(name).round(place) for name, place in places.items() if place != SHORTEST)
    with atomic(path) as temporary:
        if path.suffix == ".parquet":
            frame.write_parquet(temporary)
        elif path.suffix == ".jsonl":
            frame.write_ndjson(temporary)
        else:
            temporary.write_bytes(_csv_text(frame, decimals or {}).encode())


def _csv_text(frame: pl.DataFrame, decimals: dict[str, int]) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(frame.columns)
    places = [decimals.get(column) for column in frame.columns]
    for row in frame.iter_rows():
        writer.writerow([_cell(value, place) for value, place in zip(row, places, strict=True)])
    return out.getvalue()


def _cell(value: Any, decimals: int | None) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return TRUE if value else FALSE
    if isinstance(value, float):
        if decimals == SHORTEST:
            return repr(int(value)) if value.is_integer() else repr(value)
        return f"{value:.{decimals}f}" if decimals is not None else repr(value)
    return str(value)
