"""The error tree: one line each, one exit code each."""

from __future__ import annotations

import pytest

from mimetic2.errors import GateFailed, InputError, Interrupted, Mimetic2Error, MissingRequirement


@pytest.mark.parametrize(
    ("kind", "code"), [(InputError, 2), (MissingRequirement, 3), (GateFailed, 4), (Interrupted, 130)]
)
def test_every_kind_has_its_exit_code_and_one_base(kind: type[Mimetic2Error], code: int) -> None:
    error = kind("what happened")
    assert error.exit_code == code
    assert isinstance(error, Mimetic2Error)
    assert str(error) == "what happened"


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ({}, "is wrong"),
        ({"file": "a.csv"}, "a.csv: is wrong"),
        ({"file": "a.csv", "row": 3}, "a.csv: row 3: is wrong"),
        ({"file": "a.csv", "row": 3, "column": "count"}, "a.csv: row 3: column 'count': is wrong"),
        ({"column": "count", "accepted": "numbers"}, "column 'count': is wrong; accepted: numbers"),
    ],
)
def test_the_place_stands_first(place: dict[str, object], text: str) -> None:
    error = InputError("is wrong", **place)  # type: ignore[arg-type]
    assert str(error) == text
    assert error.problem == "is wrong"


def test_a_missing_package_says_how_to_install_it() -> None:
    text = str(MissingRequirement.extra("torch", "diffusion", "generating"))
    assert text == "generating needs the package torch: pip install 'mimetic2[diffusion]'"
