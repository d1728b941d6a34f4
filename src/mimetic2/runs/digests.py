"""Digests of files and folders, remembered between runs so that a resume does not read every image again."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from types import TracebackType

from mimetic2.files import sha256

STORE = ".digests.sqlite"


class Digests:
    """SHA-256 of files by path; a file is read again when its size, times or inode have changed.

    The change time cannot be set by a user, so a file that was edited and given its old modification time is noticed.
    """

    def __init__(self, folder: Path) -> None:
        self._connection = sqlite3.connect(folder / STORE)
        self._connection.execute("pragma journal_mode = wal")
        self._connection.execute("create table if not exists files (path text primary key, stat text, digest text)")

    def __enter__(self) -> Digests:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._connection.commit()
        self._connection.close()

    def file(self, path: Path) -> str:
        """Hexadecimal SHA-256 of a file."""
        found = path.stat()
        stat = f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {found.st_ino}"
        with closing(self._connection.execute("select stat, digest from files where path = ?", (str(path),))) as rows:
            known = rows.fetchone()
        if known and known[0] == stat:
            return str(known[1])
        digest = sha256(path)
        self._connection.execute("insert or replace into files values (?, ?, ?)", (str(path), stat, digest))
        return digest

    def any(self, path: Path) -> str:
        """Digest of a file, or of a folder: of the names and digests of all files in it, in order of name."""
        return self.file(path) if path.is_file() else self.all(path, files_below(path))

    def all(self, base: Path, paths: Iterable[Path]) -> str:
        """One digest of many files, by their names relative to ``base`` and their contents."""
        state = hashlib.sha256()
        for path in paths:
            state.update(f"{path.relative_to(base).as_posix()}\0{self.file(path)}\n".encode())
        return state.hexdigest()


def files_below(folder: Path) -> Iterator[Path]:
    """The files in a folder and its folders, sorted; hidden ones (temporary files, caches of viewers) left out."""
    inside = (path for path in folder.rglob("*") if path.is_file())
    return iter(sorted(p for p in inside if not any(part.startswith(".") for part in p.relative_to(folder).parts)))
