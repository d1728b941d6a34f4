"""Remove biometric data from a run: embeddings, their cache, and fetched or cropped images."""

from __future__ import annotations

import shutil
from pathlib import Path

from mimetic2.errors import InputError
from mimetic2.locks import writing
from mimetic2.runs.manifest import MANIFEST
from mimetic2.runs.places import FETCHED

BIOMETRIC = ("embed", "verify/vectors", FETCHED)
"""Places in a run directory that hold vectors of images or fetched images; generated images and results stay."""


def remove_biometrics(run: Path) -> list[Path]:
    """Delete embeddings and crops of a run directory; returns what was deleted.

    The tables, the verdict and the report stay. Running the study again would make the embeddings again.
    Raises :class:`InputError` for a folder that is no run and while another process writes to it.
    """
    if not run.is_dir():
        raise InputError("is a file" if run.exists() else "no such folder", file=run, accepted="a run directory")
    if not (run / MANIFEST).is_file():
        raise InputError("is no run directory (it has no manifest.json)", file=run)
    with writing(run):
        found = [run / place for place in BIOMETRIC if (run / place).exists()]
        for path in found:
            shutil.rmtree(path)
    return found


def pages_with_images(run: Path) -> list[Path]:
    """Pages in the run directory that carry photographs within them: they are the user's, and stay."""
    return [page for page in sorted(run.glob("*.html")) if b"data:image/webp" in page.read_bytes()]
