"""Files that are either whole or absent, digests of them, and folders named after concepts."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from mimetic2.errors import InputError

_FORBIDDEN = frozenset('/\\:*?"<>|%')


def make_folder(path: Path) -> None:
    """Make a folder and those above it; raises :class:`InputError` where the file system does not let it."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        problem = f"cannot be made a folder ({error.strerror})"
        raise InputError(problem, file=path, accepted="a place that can be written to") from error


@contextlib.contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that replaces it, synced to disk, when the block ends well.

    Whoever finds ``path`` finds all of it: a crash leaves at most a ``.tmp`` file, which nothing reads.
    """
    make_folder(path.parent)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def keep_inputs(outputs: Iterable[str | Path], inputs: Iterable[str | Path | None]) -> None:
    """Raise :class:`InputError` if one of ``outputs``, which are about to be written, is one of ``inputs``.

    Links are followed; None stands for an input that is not given.
    """
    sources = {os.path.realpath(path) for path in inputs if path is not None}
    for path in outputs:
        if os.path.realpath(path) in sources:
            raise InputError("is read here and would be overwritten", file=path, accepted="another --out")


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8 with newlines as they are, atomically."""
    with atomic(path) as temporary:
        temporary.write_bytes(text.encode())


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON, atomically. NaN and infinities are refused: they are not JSON."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def folder_name(concept: str) -> str:
    """The folder of a concept: its name in NFC, with what file systems refuse percent-encoded."""
    name = unicodedata.normalize("NFC", concept)
    dots = len(name) - len(name.lstrip("."))
    encoded = ["%2E"] * dots
    for character in name[dots:]:
        if character in _FORBIDDEN or unicodedata.category(character) == "Cc":
            encoded.append("".join(f"%{byte:02X}" for byte in character.encode()))
        else:
            encoded.append(character)
    return "".join(encoded)


def concept_of_folder(name: str) -> str:
    """The inverse of :func:`folder_name`."""
    return unicodedata.normalize("NFC", unquote(name))
