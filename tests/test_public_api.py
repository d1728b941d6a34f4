"""The public names: sorted, importable, documented, and still themselves after everything has been imported."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import subprocess
import sys

import pytest

import mimetic2

NAMES = [name for name in mimetic2.__all__ if name != "__version__"]


def test_all_is_sorted_without_repeats() -> None:
    assert mimetic2.__all__ == sorted(set(mimetic2.__all__))
    assert dir(mimetic2) == mimetic2.__all__


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_importable_and_documented(name: str) -> None:
    found = getattr(mimetic2, name)
    assert inspect.isclass(found) or inspect.isfunction(found)
    assert inspect.getdoc(found)
    assert getattr(mimetic2, name) is found


@pytest.mark.parametrize("name", [name for name in NAMES if inspect.isfunction(getattr(mimetic2, name))])
def test_every_function_is_typed(name: str) -> None:
    signature = inspect.signature(getattr(mimetic2, name))
    assert signature.return_annotation is not inspect.Signature.empty
    assert all(p.annotation is not inspect.Parameter.empty for p in signature.parameters.values())


def test_no_module_hides_a_public_name() -> None:
    """A submodule `mimetic2.x` would replace the function `mimetic2.x` as soon as somebody imports it."""
    assert not {module.name for module in pkgutil.iter_modules(mimetic2.__path__)} & set(NAMES)
    importlib.import_module("mimetic2.runs")
    assert inspect.isfunction(mimetic2.run)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = mimetic2.nothing


def test_importing_is_light() -> None:
    heavy = {"torch", "diffusers", "transformers", "polars", "numpy", "pyarrow", "altair", "PIL", "dlib", "pydantic"}
    script = f"import sys, mimetic2; print(sorted({heavy!r} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert found.strip() == "[]"
