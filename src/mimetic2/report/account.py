"""What the page accounts for: what was left out, and how to do it again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mimetic2
from mimetic2.report.contents import Contents, Row
from mimetic2.report.labels import Labels

LOSING = ("count", "verify", "generate", "embed")


@dataclass(frozen=True)
class Reproduction:
    """What somebody needs to repeat the run."""

    command: str
    seed: Any
    versions: list[tuple[str, str]]
    digests: list[tuple[str, str]]
    platform: str
    package: str


def exclusions(threshold: dict[str, Any], rows: Sequence[Row], labels: Labels) -> list[dict[str, Any]]:
    """Reasons for leaving concepts out, how often each applied, and to which concepts where that is known."""
    concepts: dict[str, list[str]] = {}
    for row in rows:
        if row.excluded:
            concepts.setdefault(row.excluded, []).append(labels[row.name])
    counted = Counter({reason: len(names) for reason, names in concepts.items()})
    for reason, number in (threshold.get("excluded") or {}).items():
        counted[reason] = max(counted[reason], int(number))
    return [
        {"reason": labels.mask(reason), "number": number, "concepts": sorted(concepts.get(reason, []))}
        for reason, number in counted.most_common()
    ]


def losses(manifest: dict[str, Any], labels: Labels) -> list[tuple[str, str, int]]:
    """(stage, reason, number) of what the stages before the score lost: images, and concepts that were not studied."""
    stages = {name: entry for name, entry in (manifest.get("stages") or {}).items() if name in LOSING}
    return [
        (name, labels.mask(reason), int(number))
        for name, entry in stages.items()
        for reason, number in (entry.get("excluded") or {}).items()
    ]


def reproduction(contents: Contents, labels: Labels) -> Reproduction:
    """From the manifest, as far as the run has one."""
    manifest = contents.manifest
    platform = manifest.get("platform") or {}
    digests = []
    for stage, entry in (manifest.get("stages") or {}).items():
        for path, digest in (entry.get("outputs") or {}).items():
            digests.append((labels.mask(path), str(digest)))
        if entry.get("images"):
            digests.append((f"{stage}: {entry['images'].get('number')} images", str(entry["images"].get("sha256"))))
    seed = manifest.get("seed", contents.study.get("seed", contents.threshold.get("seed")))
    return Reproduction(
        command=labels.mask(manifest.get("command") or ""),
        seed=seed,
        versions=[(str(name), str(version)) for name, version in (manifest.get("versions") or {}).items()],
        digests=digests,
        platform=", ".join(str(platform[key]) for key in ("system", "machine") if platform.get(key)),
        package=mimetic2.__version__,
    )
