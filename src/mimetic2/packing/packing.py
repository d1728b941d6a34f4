"""Write the pack of a run: a ZIP archive with an index of digests, the same bytes for the same run."""

from __future__ import annotations

import hashlib
import json
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import mimetic2
from mimetic2.errors import InputError
from mimetic2.files import atomic
from mimetic2.packing.contents import INDEX, NEEDED, OPTIONAL, PAGE, TABLES
from mimetic2.report import write_report
from mimetic2.report.wording import limits

_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Pack:
    """A pack: its path, the SHA-256 of the archive, and the names of what it holds."""

    path: Path
    sha256: str
    names: tuple[str, ...]


def pack_run(run: Path, out: Path | None = None) -> Pack:
    """Write ``out`` (default: the run directory's name with ``.zip``, beside it) and return what it holds.

    The page is written anew without images. Raises :class:`InputError` for a folder that is no finished run, and while
    files do not belong together (a table edited after the run).
    """
    run = Path(run)
    if not run.is_dir():
        raise InputError("is no folder" if run.exists() else "no such folder", file=run, accepted="a run directory")
    for name in NEEDED:
        if not (run / name).is_file():
            raise InputError("is missing: the run is not finished", file=run / name, accepted="a finished run")
    contents = {name: (run / name).read_bytes() for name in _names(run)}
    check_belonging(contents, str(run))
    contents[PAGE] = _page(run)
    index = {
        "schema_version": 1,
        "mimetic2": mimetic2.__version__,
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in sorted(contents.items())},
        "left_out": "images, embeddings, links, captions and keys",
        "statement": limits(json.loads(contents["threshold.json"])),
    }
    contents[INDEX] = (json.dumps(index, indent=2, ensure_ascii=False) + "\n").encode()
    target = Path(out) if out is not None else run.resolve().with_name(run.resolve().name + ".zip")
    with atomic(target) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(contents.items()):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, data)
    return Pack(target, hashlib.sha256(target.read_bytes()).hexdigest(), tuple(sorted(contents)))


def check_belonging(contents: dict[str, bytes], where: str) -> None:
    """Raise :class:`InputError` if a file is not the one whose digest the manifest names."""
    manifest = json.loads(contents["manifest.json"])
    digests: dict[str, str] = {}
    for stage in manifest["stages"].values():
        digests |= stage["outputs"]
    for name, data in contents.items():
        expected = digests.get(name)
        if expected is not None and hashlib.sha256(data).hexdigest() != expected:
            problem = f"{name} is not the file that the run wrote (its digest differs from the manifest's)"
            raise InputError(problem, file=where, accepted="the run as it ended; `mimetic2 run` mends it")


def _names(run: Path) -> list[str]:
    tables = [f"score/{path.name}" for path in sorted((run / "score").glob("*.csv"))]
    return [*NEEDED, *(name for name in (*OPTIONAL, *filter(TABLES.fullmatch, tables)) if (run / name).is_file())]


def _page(run: Path) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return write_report(run, images="none", out=Path(folder) / PAGE).read_bytes()
