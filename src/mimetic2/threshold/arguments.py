"""Arguments of `find_threshold` that come from anywhere: checked one by one, so that an error names the value at fault.

Rows are counted from 1 here, as the concepts were given; there is no file and no header.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np

from mimetic2.errors import InputError
from mimetic2.threshold.segmentation import Floats

LARGEST = 1e100  # squares of larger numbers leave the range of floating point
_ONE_EACH = "a sequence with one value for each concept"


def number_column(
    values: Any, name: str, *, n: int | None = None, minimum: float | None = None, missing: bool = False
) -> Floats:
    """``values`` as an array (n,); with ``missing`` a None or NaN is NaN.

    Raises :class:`InputError` naming column and row for anything that is no number, not finite, below ``minimum`` or
    too large, for nested sequences, and for another length than ``n``.
    """
    listed = _listed(values, name, n)
    if isinstance(listed, np.ndarray) and listed.dtype.kind in "biuf":
        array = listed.astype(np.float64)
    else:
        array = np.array([_number(value, name, row, missing) for row, value in enumerate(listed, 1)], dtype=np.float64)
    bad = ~(np.abs(array) <= LARGEST)
    if missing:
        bad &= ~np.isnan(array)
    if minimum is not None:
        bad |= array < minimum
    if bad.any():
        row = int(bad.argmax())
        raise InputError(_fault(float(array[row])), row=row + 1, column=name, accepted=_accepted(minimum, missing))
    return array


def _listed(values: Any, name: str, n: int | None) -> Any:
    """``values`` if they are one-dimensional and ``n``; ragged lists are found when their elements are looked at."""
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        raise InputError(f"is {_kind(values)}", column=name, accepted=_ONE_EACH)
    listed = values if hasattr(values, "__len__") else list(values)
    if not isinstance(listed, list | tuple | range):
        listed = np.asarray(listed)
        if listed.ndim != 1:
            raise InputError(f"has {listed.ndim} dimensions", column=name, accepted=_ONE_EACH)
    if n is not None and len(listed) != n:
        raise InputError(f"{len(listed)} values of {name} do not match {n} counts", accepted=_ONE_EACH)
    return listed


def _number(value: Any, name: str, row: int, missing: bool) -> float:
    if value is None:
        value = math.nan
    try:
        if isinstance(value, str | bytes | np.datetime64 | np.timedelta64):
            raise TypeError
        return float(value)
    except (TypeError, ValueError, OverflowError) as error:
        problem = f"is not a number but {_kind(value)}"
        raise InputError(problem, row=row, column=name, accepted=_accepted(None, missing)) from error


def _kind(value: Any) -> str:
    shown = repr(value)
    if value is None:
        return shown
    return f"{type(value).__name__} {shown if len(shown) <= 40 else shown[:39] + '…'}"


def _fault(value: float) -> str:
    if math.isnan(value):
        return "is missing"
    if math.isinf(value):
        return f"is not finite ({value:g})"
    return f"is too large ({value:g})" if abs(value) > LARGEST else f"is negative ({value:g})"


def _accepted(minimum: float | None, missing: bool) -> str:
    kind = "finite numbers" if minimum is None else f"finite numbers from {minimum:g}"
    return f"{kind}, or None where there is none" if missing else kind


def truth_column(values: Any, name: str, n: int) -> list[bool | None]:
    """``values`` (n,) as True, False or None; 1, 0 and NaN are taken for these, nothing else."""
    numbers = number_column(values, name, n=n, missing=True)
    wrong = ~(np.isnan(numbers) | (numbers == 0) | (numbers == 1))
    if wrong.any():
        row = int(wrong.argmax())
        raise InputError(f"is {numbers[row]:g}", row=row + 1, column=name, accepted="True, False or None")
    return [None if np.isnan(number) else bool(number) for number in numbers]


def name_column(values: Any, name: str, n: int) -> Sequence[str]:
    """``values`` (n,), every one a different text."""
    listed = _listed(values, name, None)
    if len(listed) != n:
        raise InputError(f"{len(listed)} {name} do not match {n} counts", accepted=_ONE_EACH)
    seen: dict[str, int] = {}
    for row, value in enumerate(listed, 1):
        if not isinstance(value, str):
            raise InputError(f"is not text but {_kind(value)}", row=row, column=name, accepted="names")
        if value in seen:
            problem = f"'{value}' stands in row {seen[value]} already"
            raise InputError(problem, row=row, column=name, accepted="different names")
        seen[value] = row
    return [str(value) for value in listed]


def number(value: Any, name: str) -> float:
    """A single number; raises :class:`InputError` for anything else."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        raise InputError(f"the {name} is {_kind(value)}", accepted="a number")
    return float(value)


def whole(value: Any, name: str, minimum: int | None = None) -> int:
    """A single whole number; raises :class:`InputError` for anything else."""
    ok = isinstance(value, Integral) and not isinstance(value, bool)
    if not ok or (minimum is not None and int(value) < minimum):
        accepted = "a whole number" + ("" if minimum is None else f" from {minimum}")
        raise InputError(f"{name} is {value if ok else _kind(value)}", accepted=accepted)
    return int(value)
