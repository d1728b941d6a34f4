"""What is known of each link, and the folder of images that comes of it.

State grows link by link in one SQLite file, so that an interrupted call goes on where it stopped; at the end tables
are written in the layout of img2dataset, the same bytes for the same outcomes. Images are named by the SHA-256 of
their bytes, which are kept as they came.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import polars as pl

from mimetic2.counting.fetching.selection import Blocklist
from mimetic2.errors import InputError
from mimetic2.locks import writing
from mimetic2.tables import write_table

SHARD_ROWS = 10_000
SUCCESS, FAILED = "success", "failed_to_download"
"""The words that img2dataset uses."""
STATE = ".fetch.sqlite"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a link: a stored image, or a reason."""

    url: str
    reason: str | None
    key: str | None = None
    ending: str | None = None
    width: int | None = None
    height: int | None = None
    size: int | None = None

    @property
    def alive(self) -> bool:
        """Whether there is an image."""
        return self.reason is None


class Store:
    """The folder of one fetch. Use as a context manager; it is locked, because an image has one writer at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if folder.exists() and not folder.is_dir():
            raise InputError("is a file, a folder is wanted", file=folder)
        with contextlib.ExitStack() as held:
            held.enter_context(writing(folder, "these images"))
            self._db = _connect(folder / STATE)
            held.callback(self._db.close)
            self._held = held.pop_all()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._held.close()

    def known(self) -> dict[str, Outcome]:
        """Outcomes of earlier calls whose image, if any, is still there."""
        rows = self._db.execute("SELECT url, reason, key, ending, width, height, size FROM links")
        outcomes = (Outcome(*row) for row in rows)
        return {each.url: each for each in outcomes if not each.alive or self.path_of(each).is_file()}

    def path_of(self, outcome: Outcome) -> Path:
        """Where an image lies before it is dealt into shards, and stays: ``images/<key>.<ending>``."""
        return self.folder / "images" / f"{outcome.key}.{outcome.ending}"

    def keep(self, outcome: Outcome, data: bytes | None = None) -> None:
        """Remember an outcome; the image is on disk before the state says so."""
        if data is not None:
            path = self.path_of(outcome)
            path.parent.mkdir(exist_ok=True)
            temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
            temporary.write_bytes(data)
            temporary.replace(path)
        row = (outcome.url, outcome.reason, outcome.key, outcome.ending, outcome.width, outcome.height, outcome.size)
        with self._db:
            self._db.execute("INSERT OR REPLACE INTO links VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def holds_blocked(self, outcome: Outcome, block: Blocklist | None) -> bool:
        """Whether an image that was kept before is blocked by now."""
        return block is not None and bool(block.digests) and block.has(self.path_of(outcome).read_bytes())

    def remove(self, outcome: Outcome, instead: Outcome) -> None:
        """Delete an image that may not be kept, and remember why; `write_tables` drops it from the shards."""
        self.path_of(outcome).unlink(missing_ok=True)
        self.keep(instead)

    def write_tables(self, rows: pl.DataFrame, outcomes: Sequence[Outcome]) -> None:
        """Write ``NNNNN.parquet`` and ``NNNNN/<key>.<ending>`` for ``rows`` (concept, url, caption, multiplicity).

        Images are hard links to those of ``images/`` where the file system can, copies elsewhere. Beside each are
        ``<key>.json`` and ``<key>.txt`` (its caption), as img2dataset has them; of an image that several rows have,
        the first of them.
        """
        for number, start in enumerate(range(0, max(1, rows.height), SHARD_ROWS)):
            part, own = rows.slice(start, SHARD_ROWS), outcomes[start : start + SHARD_ROWS]
            shard = self.folder / f"{number:05d}"
            shard.mkdir(exist_ok=True)
            table = _table(part, own)
            wanted = {f"{outcome.key}.{outcome.ending}": outcome for outcome in own if outcome.alive}
            beside = _sidecars(table)
            for path in shard.iterdir():
                if path.name not in wanted and path.name not in beside:
                    path.unlink()
            for name, outcome in wanted.items():
                _link(self.path_of(outcome), shard / name)
            for name, text in beside.items():
                (shard / name).write_text(text, encoding="utf-8")
            write_table(shard.with_suffix(".parquet"), table)


def _connect(path: Path) -> sqlite3.Connection:
    try:
        database = sqlite3.connect(path, timeout=5)
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=NORMAL")
        database.execute(
            "CREATE TABLE IF NOT EXISTS links (url TEXT PRIMARY KEY, reason TEXT, key TEXT, ending TEXT,"
            " width INTEGER, height INTEGER, size INTEGER)"
        )
    except sqlite3.DatabaseError as error:
        raise InputError(f"is no usable state of a fetch ({error}); delete it", file=path) from error
    return database


def outcome_of(url: str, data: bytes, ending: str, width: int, height: int) -> Outcome:
    """The outcome of a link with an image behind it."""
    return Outcome(url, None, hashlib.sha256(data).hexdigest(), ending, width, height, len(data))


def _link(source: Path, target: Path) -> None:
    if target.exists():
        return
    try:
        os.link(source, target)
    except OSError:
        target.write_bytes(source.read_bytes())


def _sidecars(table: pl.DataFrame) -> dict[str, str]:
    found: dict[str, str] = {}
    for row in table.filter(pl.col("status") == SUCCESS).iter_rows(named=True):
        found.setdefault(f"{row['key']}.json", json.dumps(row, ensure_ascii=False, indent=4) + "\n")
        found.setdefault(f"{row['key']}.txt", row["caption"] or "")
    return found


def _table(rows: pl.DataFrame, outcomes: Iterable[Outcome]) -> pl.DataFrame:
    own = list(outcomes)
    return rows.with_columns(
        pl.Series("key", [each.key for each in own], pl.String),
        pl.Series("status", [SUCCESS if each.alive else FAILED for each in own], pl.String),
        pl.Series("error_message", [each.reason for each in own], pl.String),
        pl.Series("width", [each.width for each in own], pl.Int64),
        pl.Series("height", [each.height for each in own], pl.Int64),
        pl.Series("original_width", [each.width for each in own], pl.Int64),
        pl.Series("original_height", [each.height for each in own], pl.Int64),
        pl.Series("sha256", [each.key for each in own], pl.String),
        pl.Series("bytes", [each.size for each in own], pl.Int64),
    )
