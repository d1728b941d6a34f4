"""Vectors already made, by file digest: one SQLite file per embedder identity in a folder only its owner can enter."""

from __future__ import annotations

import json
import sqlite3
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType

import numpy as np

from mimetic2.embedding.base import Identity, Vectors
from mimetic2.embedding.decoding import HASH
from mimetic2.errors import InputError

Entry = tuple[Vectors | None, str | None, bytes | None]
"""Vector (dim,) or None, reason or None, fingerprint or None."""


_PRIVATE = 0o700
OWN = "mimetic2-vectors"


class VectorCache:
    """Use as a context manager. Entries are only ever those of exactly this identity.

    A folder that is there already and that others may enter keeps its mode: the cache is a folder `OWN` within it.
    """

    def __init__(self, folder: Path, identity: Identity) -> None:
        self.identity = identity
        if folder.exists() and not folder.is_dir():
            raise InputError("is a file, a folder for the cache is wanted", file=folder)
        if folder.exists() and stat.S_IMODE(folder.stat().st_mode) != _PRIVATE:
            folder = folder / OWN
        folder.mkdir(parents=True, exist_ok=True, mode=_PRIVATE)
        folder.chmod(_PRIVATE)  # the umask may have taken from it
        self.path = folder / f"{identity.name}-{identity.key}-{HASH}.sqlite"
        self.path.touch(mode=0o600)  # the folder keeps others out; the file does too, should it be moved
        try:
            self._db = sqlite3.connect(self.path, timeout=60)
            self._open()
        except sqlite3.DatabaseError as error:
            raise InputError(f"is no usable cache ({error}); delete it", file=self.path) from error

    def _open(self) -> None:
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        with self._db:
            self._db.execute("CREATE TABLE IF NOT EXISTS identity (fields TEXT)")
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS vectors"
                " (sha256 TEXT PRIMARY KEY, vector BLOB, reason TEXT, fingerprint BLOB)"
            )
            fields = json.dumps(self.identity.to_dict(), sort_keys=True)
            stored = self._db.execute("SELECT fields FROM identity").fetchone()
            if stored is None:
                self._db.execute("INSERT INTO identity VALUES (?)", (fields,))
            elif stored[0] != fields:
                raise InputError("holds vectors of another embedder", file=self.path)

    def __enter__(self) -> VectorCache:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    def get(self, digests: Iterable[str]) -> dict[str, Entry]:
        """The entries that are there, of the digests asked for."""
        found: dict[str, Entry] = {}
        query = "SELECT vector, reason, fingerprint FROM vectors WHERE sha256 = ?"
        for digest in digests:
            row = self._db.execute(query, (digest,)).fetchone()
            if row is not None:
                vector = None if row[0] is None else np.frombuffer(row[0], np.dtype("<f4"))
                found[digest] = (vector, row[1], row[2])
        return found

    def put(self, digests: Sequence[str], entries: Sequence[Entry]) -> None:
        """Add entries in one transaction."""
        rows = [
            (digest, None if vector is None else vector.astype("<f4").tobytes(), reason, mark)
            for digest, (vector, reason, mark) in zip(digests, entries, strict=True)
        ]
        with self._db:
            self._db.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?, ?)", rows)
