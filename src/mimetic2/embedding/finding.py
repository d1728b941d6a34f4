"""Which image files belong to which concept: a folder per concept, in it images or folders per prompt."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

import polars as pl

from mimetic2.errors import InputError
from mimetic2.files import concept_of_folder, folder_name
from mimetic2.progress import log
from mimetic2.tables import read_table

IMAGE_ENDINGS = (".png", ".jpg", ".jpeg", ".webp")
SCHEMA = {"concept": pl.String, "prompt": pl.String, "index": pl.Int64, "path": pl.String, "reason": pl.String}


class Named(Protocol):
    """Anything with a name, such as a `Concept`."""

    @property
    def name(self) -> str:
        """The concept's name."""
        ...


def find_images(root: str | Path, concepts: Sequence[str | Named] | None = None) -> pl.DataFrame:
    """Files under ``root`` as (concept, prompt, index, path, reason), sorted by concept, prompt, index.

    A concept's folder is named as the concept (see `files.folder_name`), in any case and with ``-`` or ``_`` for
    spaces. ``prompt`` is the path of the folder below it, '' for images directly in it; ``index`` is the number that
    the file is named by or, where a folder's files are not all numbered, the place in natural order. Folders of nobody
    in ``concepts`` are listed on stderr and left out; without ``concepts`` every folder is one. ``reason`` is null
    but for rows of ``root/images.csv`` that record a failed image: these have no vector and say why.

    Raises `InputError` where two folders fit one concept or one folder two concepts.
    """
    root = Path(root)
    if not root.is_dir():
        problem = "is a file, a folder of images is wanted" if root.exists() else "no such folder"
        raise InputError(problem, file=root)
    folders = sorted(entry.name for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    if concepts is None:
        owners = {folder: concept_of_folder(folder) for folder in folders}
    else:
        owners = match_folders(root, folders, [item if isinstance(item, str) else item.name for item in concepts])
        extra = [folder for folder in folders if folder not in owners]
        if extra:
            log(f"{root}: {len(extra)} folders of no listed concept left out: {', '.join(extra)}")
    rows = [row for folder, concept in owners.items() for row in _images_of(root / folder, concept)]
    frame = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    return _with_failures(root, frame, set(owners.values()) if concepts is None else _names(concepts)).sort(
        "concept", "prompt", "index", "path"
    )


def _names(concepts: Iterable[str | Named]) -> set[str]:
    return {item if isinstance(item, str) else item.name for item in concepts}


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


def _images_of(folder: Path, concept: str) -> list[tuple[str, str, int, str, None]]:
    by_prompt: dict[str, list[Path]] = {}
    for path in folder.rglob("*"):
        relative = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in relative.parts)
        if path.suffix.lower() in IMAGE_ENDINGS and not hidden and path.is_file():
            prompt = relative.parent.as_posix()
            by_prompt.setdefault("" if prompt == "." else prompt, []).append(path)
    rows = []
    for prompt, paths in by_prompt.items():
        paths.sort(key=lambda path: (natural(path.stem), path.name))
        for index, path in zip(_indices(paths), paths, strict=True):
            rows.append((concept, prompt, index, str(path), None))
    return rows


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


def _with_failures(root: Path, frame: pl.DataFrame, concepts: set[str]) -> pl.DataFrame:
    """Add what `generate` recorded as failed, and drop the files of such rows if there are any."""
    table = root / "images.csv"
    if not table.is_file():
        return frame
    images = read_table(table, ("concept", "prompt", "index", "status", "reason"))
    failed = images.filter((pl.col("status") != "ok") & pl.col("concept").is_in(list(concepts))).select(
        "concept",
        pl.col("prompt").cast(pl.String),
        pl.col("index").cast(pl.Int64),
        pl.lit(None, pl.String).alias("path"),
        pl.when(pl.col("reason").fill_null("") != "").then("reason").otherwise("status").alias("reason"),
    )
    return pl.concat([frame.join(failed, on=["concept", "prompt", "index"], how="anti"), failed])
