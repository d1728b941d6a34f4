"""Check a pack that somebody else made: an untrusted file, read in memory and never unpacked into the file system."""

from __future__ import annotations

import hashlib
import json
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from mimetic2.errors import GateFailed, InputError
from mimetic2.packing.contents import INDEX, MOST_BYTES, MOST_FILES, NEEDED, PAGE, allowed
from mimetic2.packing.packing import check_belonging


def check_pack(path: Path) -> list[str]:
    """What holds, one line each: the files are whole and belong together, and scores.csv gives this threshold again.

    Raises :class:`InputError` for a file that is no pack, :class:`GateFailed` for a pack that does not hold.
    """
    contents = _read(Path(path))
    missing = sorted({INDEX, *NEEDED} - contents.keys())
    if missing:
        raise InputError(f"has no {missing[0]}", file=path, accepted="an archive that `mimetic2 pack RUN` wrote")
    try:
        index = json.loads(contents[INDEX])
        files: dict[str, str] = dict(index["files"])
        document = json.loads(contents["threshold.json"])
        _check_digests(contents, files)
        # The page was written anew for the pack, without images: only the index knows its digest.
        check_belonging({name: data for name, data in contents.items() if name not in (INDEX, PAGE)}, str(path))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise GateFailed(f"{path}: is damaged ({type(error).__name__}: {error})") from error
    except InputError as error:
        raise GateFailed(str(error)) from error
    _check_threshold(contents["scores.csv"], document, str(index.get("mimetic2")))
    return [
        f"{len(files)} files are whole: each has the digest that the index names",
        "they belong together: tables and verdict have the digests that the manifest names",
        "scores.csv gives this verdict, threshold and interval again",
    ]


def _read(path: Path) -> dict[str, bytes]:
    if not path.is_file():
        raise InputError("is a folder" if path.exists() else "no such file", file=path, accepted="a pack")
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            names = [entry.filename for entry in entries]
            if len(set(names)) < len(names) or len(names) > MOST_FILES:
                raise InputError("holds too many files, or one twice", file=path, accepted="a pack")
            stranger = next((name for name in names if not allowed(name)), None)
            if stranger is not None:
                raise InputError(f"holds {stranger!r}, which no pack has", file=path, accepted="a pack")
            if sum(entry.file_size for entry in entries) > MOST_BYTES:
                raise InputError(f"unpacks to more than {MOST_BYTES >> 20} MB", file=path, accepted="a pack")
            # The size that an entry claims bounds what is read of it, whatever it would inflate to.
            return {entry.filename: archive.read(entry) for entry in entries}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError) as error:
        raise InputError(f"cannot be read ({error})", file=path, accepted="a pack") from error


def _check_digests(contents: dict[str, bytes], files: dict[str, str]) -> None:
    unlisted = contents.keys() - files.keys() - {INDEX}
    gone = files.keys() - contents.keys()
    if unlisted or gone:
        raise GateFailed(f"the index and the archive differ in {sorted(unlisted | gone)[0]}")
    for name, digest in files.items():
        if hashlib.sha256(contents[name]).hexdigest() != digest:
            raise GateFailed(f"{name} is not the file that the index names")


def _check_threshold(scores: bytes, document: dict[str, Any], version: str) -> None:
    """Find the threshold again, as the run did; warnings are not compared, the run adds some of its own."""
    from mimetic2.threshold import threshold_of

    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "scores.csv"
        table.write_bytes(scores)
        try:
            again = threshold_of(
                table,
                method=document["method"],
                penalty=document["paper"]["penalty"],
                level=document["level"],
                seed=document["seed"],
            ).to_dict()
        except (InputError, KeyError, TypeError) as error:
            raise GateFailed(f"scores.csv gives no threshold: {error}") from error
    compared = ("verdict", "threshold", "threshold_kind", "interval", "onset", "change_points", "n_concepts")
    for key in compared:
        if again[key] != document.get(key):
            found, said = again[key], document.get(key)
            raise GateFailed(f"scores.csv gives {key} {found}, threshold.json says {said} (by version {version})")
