"""The state of a generation, which grows row by row.

An image is done when its row is committed, and the row is committed after its file was renamed into place. So whatever
moment the process dies at, a resumed run finds each image either whole and recorded or not recorded, and makes the
latter again. The database is held exclusively: a second process on the same folder is refused.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mimetic2.errors import InputError
from mimetic2.files import make_folder
from mimetic2.generation.prompts import ImageJob

STATE_NAME = "images.sqlite"
OK, EXCLUDED = "ok", "excluded"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS images (
    concept TEXT NOT NULL, prompt INTEGER NOT NULL, number INTEGER NOT NULL, bytes INTEGER NOT NULL, reason TEXT,
    PRIMARY KEY (concept, prompt, number)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS more (concept TEXT PRIMARY KEY, images INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS spending (amount REAL NOT NULL);
"""

_OPTIONS = {
    "num_inference_steps": "--steps",
    "guidance_scale": "--guidance",
    "width": "--size",
    "height": "--size",
    "precision": "--dtype",
    "batch_size": "--batch-size",
    "negative_prompt": "--negative-prompt",
    "safety_checker": "--safety-checker",
    **{name: f"--{name}" for name in ("model", "images", "seed", "size", "device", "attention", "compile", "lora")},
}
"""What the user calls the settings."""

Levels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Made:
    """The outcome of a job: its picture (height, width, 3), or the reason why there is none; what it cost."""

    job: ImageJob
    picture: Levels | None
    reason: str | None
    cost: float = 0.0


@dataclass(frozen=True, slots=True)
class Record:
    """What the state knows of a finished job: the size of its file in bytes (0 without one), the reason if excluded."""

    size: int
    reason: str | None


class Store:
    """Reads the state of an output folder and appends to it."""

    def __init__(self, out: Path) -> None:
        self.out = out
        make_folder(out)
        self._connection = sqlite3.connect(out / STATE_NAME, timeout=0, check_same_thread=False, isolation_level=None)
        try:
            self._connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
            self._connection.executescript(_SCHEMA)
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            self._connection.close()
            if "locked" in str(error):
                raise InputError("another process is writing images here; wait for it, or end it", file=out) from error
            raise
        except sqlite3.DatabaseError as error:
            self._connection.close()
            raise InputError(f"is not a state of this program ({error})", file=out / STATE_NAME) from error

    def close(self) -> None:
        """Release the folder."""
        self._connection.close()

    def batch_size(self) -> int | None:
        """The batch size that the images here were made with, so that a resumed run keeps an automatic one."""
        found = self._connection.execute("SELECT value FROM settings WHERE name = 'batch_size'").fetchone()
        return None if found is None else int(found[0])

    def claim(self, settings: Mapping[str, Any]) -> None:
        """Record what the images are made with; raises :class:`InputError` if others were made here differently."""
        wanted = {name: json.dumps(value, ensure_ascii=False, sort_keys=True) for name, value in settings.items()}
        found = dict(self._connection.execute("SELECT name, value FROM settings"))
        if not found:
            with self._transaction():
                self._connection.executemany("INSERT INTO settings VALUES (?, ?)", sorted(wanted.items()))
            return
        for name in sorted({*wanted, *found}):
            if wanted.get(name) != found.get(name):
                option = _OPTIONS.get(name, name.replace("_", " "))
                before, now = found.get(name, "unset"), wanted.get(name, "unset")
                problem = f"the images here were made with {option} {before}, not {now}"
                raise InputError(problem, file=self.out, accepted="the same settings, another --out, or --restart")

    def claim_more(self, images: Mapping[str, int], first: int) -> None:
        """Record how many additional images per prompt, after the ``first``, each concept gets, which shapes batches.

        Where another number was decided before, the concept's additional images are forgotten and deleted.
        """
        found = dict(self._connection.execute("SELECT concept, images FROM more"))
        changed = {name for name, number in found.items() if images.get(name) != number}
        self._discard([job for job, _ in self._rows() if job.concept in changed and job.index >= first])
        with self._transaction():
            self._connection.executemany("DELETE FROM more WHERE concept = ?", [(name,) for name in sorted(changed)])
            self._connection.executemany("INSERT OR REPLACE INTO more VALUES (?, ?)", sorted(images.items()))

    def keep_only(self, wanted: Container[tuple[str, int, int]]) -> None:
        """Forget and delete every image that is not wanted, by (concept, prompt, index)."""
        self._discard([job for job, _ in self._rows() if job.key not in wanted])

    def _discard(self, jobs: Sequence[ImageJob]) -> None:
        """Files first: an image without a record is made again, a record without a file is not believed."""
        for job in jobs:
            path = self.out / job.path
            path.unlink(missing_ok=True)
            for folder in (path.parent, path.parent.parent):
                if folder.is_dir() and not any(folder.iterdir()):
                    folder.rmdir()
        with self._transaction():
            self._connection.executemany(
                "DELETE FROM images WHERE concept = ? AND prompt = ? AND number = ?", [job.key for job in jobs]
            )

    def clear(self) -> None:
        """Forget settings and images and delete the recorded files."""
        for job, _ in self._rows():
            (self.out / job.path).unlink(missing_ok=True)
        with self._transaction():
            self._connection.execute("DELETE FROM settings")
            self._connection.execute("DELETE FROM images")
            self._connection.execute("DELETE FROM more")  # what was spent stays spent

    def spent(self) -> float:
        """What all images that were ever recorded here cost, those made again or discarded since included."""
        return float(self._connection.execute("SELECT TOTAL(amount) FROM spending").fetchone()[0])

    def records(self) -> dict[tuple[str, int, int], Record]:
        """Finished jobs by (concept, prompt, index); an image whose file is gone or of another size is not one."""
        finished = {}
        for job, record in self._rows():
            if record.reason is None:
                try:
                    whole = (self.out / job.path).stat().st_size == record.size
                except FileNotFoundError:
                    whole = False
                if not whole:
                    continue
            finished[job.key] = record
        return finished

    def _rows(self) -> list[tuple[ImageJob, Record]]:
        rows = self._connection.execute("SELECT concept, prompt, number, bytes, reason FROM images")
        return [
            (ImageJob(concept, prompt, index, "", 0), Record(size, why)) for concept, prompt, index, size, why in rows
        ]

    def write(self, made: Iterable[Made]) -> None:
        """Write the pictures, then record them in one transaction."""
        rows, costs = [], []
        for each in made:
            costs += [(each.cost,)] if each.cost else []
            size = 0 if each.picture is None else _write_png(self.out / each.job.path, each.picture)
            rows.append((each.job.concept, each.job.prompt, each.job.index, size, each.reason))
        with self._transaction():
            self._connection.executemany("INSERT OR REPLACE INTO images VALUES (?, ?, ?, ?, ?)", rows)
            self._connection.executemany("INSERT INTO spending VALUES (?)", costs)

    def _transaction(self) -> sqlite3.Connection:
        self._connection.execute("BEGIN")
        return self._connection


def _write_png(path: Path, picture: Levels) -> int:
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        Image.fromarray(picture).save(temporary, format="PNG")
        size = temporary.stat().st_size
        temporary.replace(path)  # not synced one by one: a file lost with the power has another size and is made again
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return size
