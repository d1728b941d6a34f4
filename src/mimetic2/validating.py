"""What pydantic says about a wrong value, in the words of this program's errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


def accepted_by(problem: ErrorDetails) -> str:
    """What would be accepted instead, for `InputError`."""
    return problem["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
