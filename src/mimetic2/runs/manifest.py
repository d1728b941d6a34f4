"""The manifest: what somebody needs to repeat a run, or to check that files belong to it."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mimetic2.files import write_json
from mimetic2.runs.places import GENERATION
from mimetic2.runs.stage import SCHEMA_VERSION, Stage
from mimetic2.runs.versions import versions
from mimetic2.study import Study

MANIFEST = "manifest.json"
IMAGE_ENDINGS = (".png", ".jpg", ".jpeg", ".webp")


def write_manifest(run: Path, study: Study, stages: Sequence[Stage], command: str) -> None:
    """Write ``manifest.json`` from the stages' markers: digests of inputs and outputs, options, seconds.

    Stages with many files (images) stand with one digest over the list of theirs; the list is in their marker.
    """
    markers = {stage.name: marker for stage in stages if (marker := stage.marker(run)) is not None}
    content = {
        "schema_version": SCHEMA_VERSION,
        "study": study.name,
        "command": command,
        "seed": study.seed,
        "versions": versions(),
        "platform": {
            "system": platform.platform(),
            "machine": platform.machine(),
            "cores": os.cpu_count(),
            "threads": os.environ.get("OMP_NUM_THREADS"),
        },
        "generation": _generation(run),
        "stages": {name: _entry(marker) for name, marker in markers.items()},
        "warnings": list(dict.fromkeys([*study.warnings, *(w for m in markers.values() for w in m["warnings"])])),
    }
    write_json(run / MANIFEST, content)


def _generation(run: Path) -> dict[str, Any] | None:
    """What the images depend on and where the model came from; None where the run generates none."""
    path = run / GENERATION
    if not path.is_file():
        return None
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def _entry(marker: dict[str, Any]) -> dict[str, Any]:
    outputs: dict[str, str] = marker["outputs"]
    images = {path for path in outputs if path.endswith(IMAGE_ENDINGS)}
    entry = {key: marker[key] for key in ("options", "inputs", "versions", "summary", "excluded", "seconds")}
    entry["outputs"] = {path: digest for path, digest in outputs.items() if path not in images}
    if images:
        entry["images"] = {"number": len(images), "sha256": _over({path: outputs[path] for path in images})}
    return entry


def _over(outputs: dict[str, str]) -> str:
    """Digest of the lines ``<sha256>  <path>`` in order of path: what `sha256sum` over the files would print."""
    lines = "".join(f"{outputs[path]}  {path}\n" for path in sorted(outputs))
    return hashlib.sha256(lines.encode()).hexdigest()
