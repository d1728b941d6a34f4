"""A contact sheet: references on the left, what the model paints on the right, painters by rising count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from mimetic2.errors import InputError
from mimetic2.files import folder_name
from mimetic2.lab.drawing import SIZE, Picture
from mimetic2.lab.links import reference_links, render
from mimetic2.lab.world import Painter, painters

_MARGIN, _ZOOM = 25, 2


def evenly_by_count(number: int) -> list[Painter]:
    """Painters at even ranks from the lowest count to the highest."""
    rising = sorted(painters(), key=lambda painter: painter.count)
    return [rising[place] for place in np.linspace(0, len(rising) - 1, number).round().astype(int)]


def read_generated(folder: Path, chosen: Sequence[Painter], number: int = 10) -> dict[str, Picture]:
    """The first ``number`` images of each painter under ``folder/<painter>/<prompt>/<image>.png``, prompts in turn.

    Raises `InputError` where a painter has none or an image is not 32 x 32.
    """
    from PIL import Image

    generated = {}
    for painter in chosen:
        own = folder / folder_name(painter.name)
        paths = sorted(own.glob("*/*.png"), key=lambda path: (int(path.stem), int(path.parent.name)))[:number]
        if not paths:
            raise InputError("holds no images <prompt>/<image>.png", file=own)
        pictures = []
        for path in paths:
            with Image.open(path) as image:
                if image.size != (SIZE, SIZE):
                    raise InputError(f"is {image.size[0]} x {image.size[1]}, not {SIZE} x {SIZE}", file=path)
                pictures.append(np.asarray(image.convert("RGB")))
        generated[painter.name] = np.stack(pictures)
    return generated


def contact_sheet(generated: Mapping[str, Picture], chosen: Sequence[Painter], path: Path, columns: int = 8) -> None:
    """Write a PNG with a row a painter: count, six references, ``columns`` of ``generated[name]`` (n, 32, 32, 3)."""
    from PIL import Image, ImageDraw

    gap = np.full((SIZE, SIZE // 4, 3), 255, np.uint8)
    rows = []
    for painter in chosen:
        references = [render(link) for link in reference_links(painter, 6)]
        rows.append(np.concatenate([*references, gap, *generated[painter.name][:columns]], axis=1))
    sheet = np.pad(np.concatenate(rows), ((0, 0), (_MARGIN, 0), (0, 0)), constant_values=255)
    image = Image.fromarray(sheet).resize((sheet.shape[1] * _ZOOM, sheet.shape[0] * _ZOOM), Image.Resampling.NEAREST)
    pen = ImageDraw.Draw(image)
    for row, painter in enumerate(chosen):
        pen.text((4, _ZOOM * SIZE * row + 24), str(painter.count), fill="black")
    image.save(path, optimize=True)
