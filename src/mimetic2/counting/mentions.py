"""The table of mentions that `count` writes, read back."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from mimetic2.tables import names, numbers, read_table


def read_mentions(path: Path) -> pl.DataFrame:
    """The table with concept as distinct names and mentions, mentions_high (where there is one) as whole numbers.

    An empty mentions_high is that row's mentions. Raises `InputError` naming the row of a bad cell.
    """
    table = read_table(path, ["concept", "mentions"])
    columns = {"mentions": numbers(table, "mentions", file=path, minimum=0, whole=True)}
    if "mentions_high" in table.columns:
        high = numbers(table, "mentions_high", file=path, minimum=0, whole=True, missing=True)
        filled = zip(high, columns["mentions"], strict=True)
        columns["mentions_high"] = [least if value is None else value for value, least in filled]
    series = [pl.Series(name, values).cast(pl.Int64) for name, values in columns.items()]
    return table.with_columns(pl.Series("concept", names(table, file=path)), *series)
