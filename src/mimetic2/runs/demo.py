"""The demo: an ordinary study of the embedded lab, written into a folder where a reader can learn from it, and run."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from mimetic2.errors import InputError
from mimetic2.files import make_folder, write_text
from mimetic2.runs.running import STUDY, RunResult, run

MATERIAL = "world"
_STUDY = """\
# The demo's study: the whole method on the embedded lab, an imaginary world of painters with a real diffusion model
# trained on it. What it needs is in the folder `world` beside this file; the model comes with the package.
name: lab-demo
domain: lab
captions: [world/captions/*.parquet]
concepts: world/concepts.csv
reference: world/reference
model: lab
images: 2          # per prompt and painter
sample: 50         # caption rows per painter that are looked at
training_data:
  name: the lab's captions
  relation: exact
subjects:
  basis: The painters are imaginary.
"""


def demo(out: str | Path) -> RunResult:
    """Write the lab's captions, concept list and reference images and a study of them into ``out``, and run it.

    Called again it resumes. Raises :class:`InputError` where ``out`` is a file or holds another study.
    """
    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise InputError("is a file, a folder for the demo is wanted", file=folder)
    study = folder / STUDY
    if study.exists() and study.read_text(encoding="utf-8") != _STUDY:
        raise InputError("is another study; choose a new folder", file=study)
    make_folder(folder)
    _write_material(folder)
    if not study.exists():
        write_text(study, _STUDY)
    return run(study, folder, command=f"mimetic2 demo --out {folder.name}")


def _write_material(folder: Path) -> None:
    """All of the folder `world`, or none of it: it is renamed into place when whole."""
    from mimetic2.lab import shipped_shards, write_concepts, write_references

    target = folder / MATERIAL
    if target.is_dir():
        return
    temporary = folder / f".{MATERIAL}.{os.getpid()}.tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    (temporary / "captions").mkdir(parents=True)
    for shard in shipped_shards():
        shutil.copyfile(shard, temporary / "captions" / shard.name)
    write_concepts(temporary / "concepts.csv")
    write_references(temporary / "reference")
    temporary.rename(target)
