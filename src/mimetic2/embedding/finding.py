"""Which image files belong to which concept: a folder per concept, in it images or folders per prompt."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import polars as pl

from mimetic2.errors import InputError
from mimetic2.files import concept_of_folder, folder_name
from mimetic2.progress import log
from mimetic2.tables import read_table

IMAGE_ENDINGS = (".png", ".jpg", ".jpeg", ".webp")
LAYOUT = f"a folder per concept, named as it, with images ({' '.join(IMAGE_ENDINGS)}) or a folder of them per prompt"
NO_FILE = "no file, or a link to nothing"
_NO_IMAGES = frozenset((".txt", ".json", ".jsonl", ".csv", ".md", ".db", ".ini", ".parquet", ".yaml", ".html"))
"""Endings of what often lies beside images and is left out without a word."""
SCHEMA = {"concept": pl.String, "prompt": pl.String, "index": pl.Int64, "path": pl.String, "reason": pl.String}


class Named(Protocol):
    """Anything with a name, such as a `Concept`."""

    @property
    def name(self) -> str:
        """The concept's name."""
        ...


def find_images(
    root: str | Path, concepts: Sequence[str | Named] | None = None, *, strict: bool = True
) -> pl.DataFrame:
    """Files under ``root`` as (concept, prompt, index, path, reason), sorted by concept, prompt, index.

    A concept's folder is named as the concept (see `files.folder_name`), in any case and with ``-`` or ``_`` for
    spaces. ``prompt`` is the path of the folder below it, '' for images directly in it; ``index`` is the number that
    the file is named by or, where a folder's files are not all numbered, the place in natural order. Folders of nobody
    in ``concepts``, and files of other kinds, are listed on stderr and left out; without ``concepts`` every folder is
    one. ``reason`` is null but for what is no file for all its name, and for rows of ``root/images.csv`` that record a
    failed image: these have no vector and say why. Where there is that table, which `generate` writes, files that it
    does not name are left out: they are of an earlier call, for other concepts.

    Raises `InputError` where two folders fit one concept or one folder two concepts, and where there is no image at
    all. ``strict=False`` is for a look at what is there by now: without that error, and without a word on stderr.
    """
    root = Path(root)
    owners, strangers = _owners(root, concepts)
    seen = _Seen()
    rows = [row for folder, concept in owners.items() for row in _images_of(root / folder, concept, seen)]
    frame = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    frame = _as_recorded(root, frame, None if concepts is None else _names(concepts), seen)
    if strict:
        _tell(root, strangers, seen)
        if frame.is_empty():
            raise _nothing(root, concepts, strangers)
    return frame.sort("concept", "prompt", "index", "path")


def check_images(root: str | Path, concepts: Sequence[str | Named]) -> None:
    """Raise what `find_images` would about folders that do not fit or hold no image; stops at the first image."""
    owners, strangers = _owners(Path(root), concepts)
    if not any(_is_image(path) and path.is_file() for folder in owners for path in _files_below(Path(root) / folder)):
        raise _nothing(Path(root), concepts, strangers)


def _owners(root: Path, concepts: Sequence[str | Named] | None) -> tuple[dict[str, str], list[str]]:
    """Folder → concept, and the folders of nobody listed."""
    if concepts is None:
        return concepts_of_folders(root), []
    folders = list(concepts_of_folders(root))
    owners = match_folders(root, folders, _names(concepts))
    return owners, [folder for folder in folders if folder not in owners]


def concepts_of_folders(root: Path) -> dict[str, str]:
    """Folder → concept of every folder in ``root``, sorted, hidden ones aside."""
    if not root.is_dir():
        problem = "is a file, a folder of images is wanted" if root.exists() else "no such folder"
        raise InputError(problem, file=root)
    folders = sorted(entry.name for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    return {folder: concept_of_folder(folder) for folder in folders}


def _nothing(root: Path, concepts: Sequence[str | Named] | None, strangers: Sequence[str]) -> InputError:
    whose = "of any concept" if concepts is None else "of any listed concept"
    there = f" (its folders: {', '.join(strangers[:3])}{', …' if len(strangers) > 3 else ''})" if strangers else ""
    return InputError(f"holds no image {whose}{there}", file=root, accepted=LAYOUT)


@dataclass
class _Seen:
    """What lay there and is left out: files of other kinds, by ending, and how many images that no table names."""

    others: Counter[str] = field(default_factory=Counter)
    unrecorded: int = 0


def _tell(root: Path, strangers: Sequence[str], seen: _Seen) -> None:
    if strangers:
        log(f"{root}: {len(strangers)} folders of no listed concept left out: {', '.join(strangers)}")
    if seen.others:
        log(f"{root}: {seen.others.total()} files of other kinds left out: {' '.join(sorted(seen.others))}")
    if seen.unrecorded:
        log(f"{root}: {seen.unrecorded} images that images.csv does not name left out")
    loose_ones = sorted(path.name for path in root.iterdir() if _is_image(path) and not path.is_dir())
    if loose_ones:
        shown = f"{', '.join(loose_ones[:3])}{', …' if len(loose_ones) > 3 else ''}"
        log(f"{root}: {len(loose_ones)} images beside the concepts' folders left out: {shown}")


def _names(concepts: Iterable[str | Named]) -> list[str]:
    return [item if isinstance(item, str) else item.name for item in concepts]


def loose(name: str) -> str:
    """A name without differences of case, of ``-``, ``_`` and spaces."""
    return re.sub(r"[-_\s]+", " ", unicodedata.normalize("NFC", name).casefold()).strip()


def match_folders(root: Path, folders: Sequence[str], concepts: Sequence[str]) -> dict[str, str]:
    """Folder → concept; exact names first, then loosely alike ones; ambiguity raises `InputError`."""
    exact = {folder_name(concept): concept for concept in concepts}
    normal = {folder: unicodedata.normalize("NFC", folder) for folder in folders}
    owners = {folder: exact[name] for folder, name in normal.items() if name in exact}
    taken: dict[str, str] = {}
    for folder, concept in owners.items():
        if concept in taken:
            raise InputError(f"folders '{taken[concept]}' and '{folder}' both fit '{concept}'", file=root)
        taken[concept] = folder
    alike: dict[str, list[str]] = {}
    for concept in concepts:
        alike.setdefault(loose(concept), []).append(concept)
    for folder in folders:
        if folder in owners:
            continue
        fitting = alike.get(loose(concept_of_folder(folder)), [])
        if len(fitting) > 1:
            raise InputError(f"folder '{folder}' fits both '{fitting[0]}' and '{fitting[1]}'", file=root)
        for concept in fitting:
            if concept in taken:
                raise InputError(f"folders '{taken[concept]}' and '{folder}' both fit '{concept}'", file=root)
            owners[folder], taken[concept] = concept, folder
    return owners


def _images_of(folder: Path, concept: str, seen: _Seen) -> list[tuple[str, str, int, str, str | None]]:
    by_prompt: dict[str, list[Path]] = {}
    for path in _files_below(folder):
        if _is_image(path):
            prompt = path.relative_to(folder).parent.as_posix()
            by_prompt.setdefault("" if prompt == "." else prompt, []).append(path)
        elif path.suffix.lower() not in _NO_IMAGES:
            seen.others[path.suffix.lower() or "(without an ending)"] += 1
    rows = []
    for prompt, paths in by_prompt.items():
        paths.sort(key=lambda path: (natural(path.stem), path.name))
        for index, path in zip(_indices(paths), paths, strict=True):
            rows.append((concept, prompt, index, str(path), None if path.is_file() else NO_FILE))
    return rows


def _files_below(folder: Path) -> Iterator[Path]:
    """What is no folder, hidden ones aside; links to folders are followed, each folder once."""
    entered: set[str] = set()
    for place, folders, files in os.walk(folder, followlinks=True):
        entered.add(os.path.realpath(place))
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and os.path.realpath(os.path.join(place, name)) not in entered
        )
        yield from (Path(place, name) for name in files if not name.startswith("."))


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in IMAGE_ENDINGS and not path.name.startswith(".")


def image_files(folder: Path) -> list[Path]:
    """Every image file in or below a folder, hidden ones left out, sorted; raises `InputError` where there is none."""
    if not folder.is_dir():
        raise InputError("no such folder", file=folder, accepted="a folder of images")
    found = sorted(path for path in _files_below(folder) if _is_image(path))
    if not found:
        raise InputError("holds no images", file=folder, accepted=", ".join(IMAGE_ENDINGS))
    return found


def natural(text: str) -> list[tuple[int, int, str]]:
    """A sort key under which 'image 10' comes after 'image 9'."""
    parts = re.findall(r"[0-9]+|[^0-9]+", text)
    return [(0, int(part), part) if part[0] in "0123456789" else (1, 0, part) for part in parts]


def _indices(paths: Sequence[Path]) -> list[int]:
    stems = [path.stem for path in paths]
    if all(re.fullmatch("[0-9]{1,15}", stem) for stem in stems):
        numbers = [int(stem) for stem in stems]
        if len(set(numbers)) == len(numbers):
            return numbers
    return list(range(len(stems)))


def _as_recorded(root: Path, frame: pl.DataFrame, concepts: list[str] | None, seen: _Seen) -> pl.DataFrame:
    """Only files that `generate` recorded, where it left its table, and with them what it recorded as failed."""
    table = root / "images.csv"
    if not table.is_file():
        return frame
    images = read_table(table, ("concept", "prompt", "index", "path", "status", "reason"))
    ok = pl.col("status") == "ok"
    named = {str(root / path) for path in images.filter(ok)["path"]}
    recorded = frame.filter(pl.col("path").is_in(named))
    seen.unrecorded = frame.height - recorded.height
    failed = images.filter(~ok if concepts is None else ~ok & pl.col("concept").is_in(concepts)).select(
        "concept",
        pl.col("prompt").cast(pl.String),
        pl.col("index").cast(pl.Int64),
        pl.lit(None, pl.String).alias("path"),
        pl.when(pl.col("reason").fill_null("") != "").then("reason").otherwise("status").alias("reason"),
    )
    return pl.concat([recorded, failed])
