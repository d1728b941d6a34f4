"""Everything that can go wrong for a reason a user can act on.

One tree, so that `except Mimetic2Error` catches all of it, and one exit code each, so that scripts can tell the
reasons apart: 2 the input is wrong, 3 something must be installed or downloaded first, 4 a gate that was asked for
failed, 130 interrupted. Anything else that escapes is a bug (exit code 1).
"""

from __future__ import annotations

from pathlib import Path


class Mimetic2Error(Exception):
    """Base of all errors that mimetic2 raises on purpose; its text is one line."""

    exit_code = 1


class InputError(Mimetic2Error):
    """The user's input is wrong.

    Parameters say where, as far as it is known; the message reads
    ``FILE: row 3: column 'count': is negative (-4); accepted: whole numbers from 0``.
    Rows are counted as an editor counts lines of the file: the header is row 1.
    """

    exit_code = 2

    def __init__(
        self,
        problem: str,
        *,
        file: str | Path | None = None,
        row: int | None = None,
        column: str | None = None,
        accepted: str | None = None,
    ) -> None:
        self.problem, self.file, self.row, self.column, self.accepted = problem, file, row, column, accepted
        place = [str(file)] if file is not None else []
        if row is not None:
            place.append(f"row {row}")
        if column is not None:
            place.append(f"column '{column}'")
        text = ": ".join([*place, problem])
        super().__init__(f"{text}; accepted: {accepted}" if accepted else text)


class MissingRequirement(Mimetic2Error):  # noqa: N818 - it names what is missing, not a fault
    """Something must be installed or downloaded first; the message says what and how."""

    exit_code = 3

    @classmethod
    def extra(cls, package: str, extra: str, purpose: str) -> MissingRequirement:
        """The common case: an optional dependency is not installed."""
        return cls(f"{purpose} needs the package {package}: pip install 'mimetic2[{extra}]'")


class GateFailed(Mimetic2Error):  # noqa: N818 - a gate that was asked for, not a fault
    """A check that the user asked to be enforced (`--fail-above`, `pack --check`, …) did not hold."""

    exit_code = 4


class Interrupted(Mimetic2Error):  # noqa: N818 - what happened, not a fault
    """The work stopped before its end; the message says how to resume."""

    exit_code = 130
