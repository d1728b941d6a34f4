"""The contact sheet: reference images beside generated ones at rising counts, small and inside the page."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mimetic2.report.contents import Contents, Row
from mimetic2.report.figures import scored
from mimetic2.report.labels import Labels, isolated
from mimetic2.report.numerals import position

if TYPE_CHECKING:
    from PIL import Image

IMAGE_CHOICES = ("all", "generated", "none")
LINES, REFERENCES, GENERATED = 10, 3, 5
SIDE = 112
BUDGET = 1_200_000
"""Characters that all images together may take of the page."""


@dataclass(frozen=True)
class Picture:
    """An image as a data URI, with its alternative text."""

    uri: str
    text: str
    crisp: bool


@dataclass(frozen=True)
class Line:
    """A concept of the sheet."""

    row: Row
    label: str
    references: list[Picture]
    generated: list[Picture]


@dataclass(frozen=True)
class Sheet:
    """The sheet, or the reason (``note``) why there is none."""

    choice: str
    lines: list[Line] = field(default_factory=list)
    note: str = ""


def contact_sheet(contents: Contents, rows: Sequence[Row], labels: Labels, choice: str) -> Sheet:
    """Up to ten concepts, evenly spread over the logarithm of the count."""
    if choice == "none":
        return Sheet(choice, note="off")
    generated = contents.run / "generate" if (contents.run / "generate").is_dir() else contents.locate("generated")
    reference = contents.locate("reference") if choice == "all" else None
    if generated is None:
        return Sheet(choice, note="gone")
    names = [row.name for row in rows]
    made, real = _by_concept(generated, names), _by_concept(reference, names) if reference else {}
    lines, spent = [], 0
    for row in spread([row for row in scored(rows) if row.name in made]):
        label = labels[row.name]
        line = Line(
            row,
            label,
            _pictures(_first(real.get(row.name, {}), REFERENCES), f"{isolated(label)}: reference"),
            _pictures(_first(made[row.name], GENERATED), f"{isolated(label)}: generated"),
        )
        spent += sum(len(picture.uri) for picture in (*line.references, *line.generated))
        if spent > BUDGET:
            break
        lines.append(line)
    return Sheet(choice, lines, "" if lines else "gone")


def _by_concept(root: Path, names: Sequence[str]) -> dict[str, dict[str, list[Path]]]:
    """Concept → prompt → its image files, in order."""
    from mimetic2.embedding.finding import find_images, loose

    owners = {loose(name): name for name in names} | {name: name for name in names}
    found: dict[str, dict[str, list[Path]]] = {}
    for image in find_images(root, strict=False).iter_rows(named=True):
        owner = owners.get(image["concept"]) or owners.get(loose(image["concept"]))
        if owner is not None and image["path"] is not None:
            found.setdefault(owner, {}).setdefault(image["prompt"], []).append(Path(image["path"]))
    return found


def _first(by_prompt: dict[str, list[Path]], most: int) -> list[Path]:
    """The first image of every prompt, then the second of every prompt, and so on: no picking by looks."""
    longest = max((len(paths) for paths in by_prompt.values()), default=0)
    turns = [paths[turn] for turn in range(longest) for paths in by_prompt.values() if turn < len(paths)]
    return turns[:most]


def spread(rows: Sequence[Row], most: int = LINES) -> list[Row]:
    """At most ``most`` of rows that are sorted by count, the nearest to evenly spaced places of log10(1 + count)."""
    if len(rows) <= most:
        return list(rows)
    low, high = position(rows[0].count or 0.0), position(rows[-1].count or 0.0)
    chosen: dict[str, Row] = {}
    for index in range(most):
        place = low + (high - low) * index / (most - 1)
        left = [row for row in rows if row.name not in chosen]
        nearest = min(left, key=lambda row: (abs(position(row.count or 0.0) - place), row.name))
        chosen[nearest.name] = nearest
    return sorted(chosen.values(), key=lambda row: (row.count or 0.0, row.name))


def _pictures(paths: Sequence[Path], text: str) -> list[Picture]:
    """The images that can be decoded; the embedding stage has counted those that cannot, with the reason."""
    from mimetic2.embedding.decoding import decode

    images = (decode(path)[0] for path in paths)
    return [_picture(image, text) for image in images if image is not None]


def _picture(image: Image.Image, text: str) -> Picture:
    """The image at most ``SIDE`` pixels wide and high; smaller ones as they are, without loss."""
    crisp = max(image.size) < SIDE
    image.thumbnail((SIDE, SIDE))
    data = io.BytesIO()
    options: dict[str, Any] = {"lossless": True} if crisp else {"quality": 80}
    image.save(data, "WEBP", **options)
    return Picture(f"data:image/webp;base64,{base64.b64encode(data.getvalue()).decode()}", text, crisp)
