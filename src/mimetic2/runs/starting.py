"""What `init` writes: a commented study to run, and example tables to replace."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from mimetic2.errors import InputError
from mimetic2.files import write_text

FILES = ("study.yaml", "counts.csv", "concepts.csv")
FOLDERS = ("reference", "generated")


def write_start(folder: str | Path) -> list[Path]:
    """Write a commented study.yaml, example tables and empty folders for images into ``folder``; returns the files.

    Raises :class:`InputError` where one of the files exists: nothing is overwritten.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise InputError("is a file, a folder is wanted", file=folder)
    for name in FILES:
        if (folder / name).exists():
            raise InputError("exists already and was left alone", file=folder / name, accepted="a new folder")
    templates = resources.files("mimetic2.runs") / "templates"
    for name in FILES:
        write_text(folder / name, (templates / name).read_text(encoding="utf-8"))
    for name in FOLDERS:
        (folder / name).mkdir(exist_ok=True)
    return [folder / name for name in FILES]
