"""The wheel carries all that the package reads at run time, and works where the checkout and the extras are not."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
EXTRAS = [
    "torch",
    "diffusers",
    "transformers",
    "hyperscan",
    "pyarrow",
    "dlib",
    "onnxruntime",
    "httpx2",
    "ray",
    "fsspec",
]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return next(out.glob("mimetic2-*.whl"))


def test_every_file_of_the_package_is_in_the_wheel(wheel: Path) -> None:
    packed = set(zipfile.ZipFile(wheel).namelist())
    source = ROOT / "src"
    ours = [path for path in (source / "mimetic2").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert {str(path.relative_to(source)) for path in ours} <= packed
    assert any(name.endswith("LICENSE") for name in packed)


def test_the_wheel_answers_without_checkout_and_extras(wheel: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    zipfile.ZipFile(wheel).extractall(home)
    rows = [f"concept {i},{i * i},{0.6 if i >= 10 else 0.1}{i % 5}" for i in range(40)]
    (tmp_path / "table.csv").write_text("concept,count,score\n" + "\n".join(rows) + "\n", encoding="utf-8")
    script = (
        f"import sys; sys.path.insert(0, {str(home)!r})\n"
        f"for name in {EXTRAS!r}: sys.modules[name] = None\n"
        "import mimetic2; assert mimetic2.__file__.startswith(sys.path[0]), mimetic2.__file__\n"
        "from mimetic2.cli.main import main; main(['threshold', 'table.csv', '--method', 'paper'])"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env={"PATH": ""})
    assert done.returncode == 0, done.stderr
    assert "100" in done.stdout
