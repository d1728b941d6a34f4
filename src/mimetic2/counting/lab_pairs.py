"""Labelled pairs from the lab, from painters that its world does not have, to calibrate its verification.

The painters, their references and their pictures are drawn afresh, so the cut-off knows nothing of the 150 painters
that it will be used on.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from PIL import Image

from mimetic2.embedding import Embedder
from mimetic2.lab import SUBJECTS
from mimetic2.lab.drawing import paint
from mimetic2.lab.style import Style, draw_style
from mimetic2.scoring import similarity
from mimetic2.seeding import derive_seed

PAINTERS, REFERENCES, IMAGES = 120, 24, 12


def lab_pairs(embedder: Embedder, statistic: str, *, seed: int = 0) -> pl.DataFrame:
    """Pairs of fresh painters (concept, shown, similarity): per painter 12 pictures of their own and 24 of others.

    Half of the others' pictures are by strangers who painted nothing else, half by another of the fresh painters, as
    in the training set's mislabelled rows.
    """
    styles = [draw_style(_rng(seed, "style", index)) for index in range(PAINTERS)]
    references = np.stack(
        [_embedded(embedder, style, seed, f"reference {i}", REFERENCES) for i, style in enumerate(styles)]
    )
    own = np.stack([_embedded(embedder, style, seed, f"own {i}", IMAGES) for i, style in enumerate(styles)])
    strangers = [draw_style(_rng(seed, "stranger", index)) for index in range(PAINTERS * IMAGES)]
    strange = np.concatenate([_embedded(embedder, style, seed, f"strange {i}", 1) for i, style in enumerate(strangers)])
    strange = strange.reshape(PAINTERS, IMAGES, -1)
    centre = references.mean((0, 1), dtype=np.float64) if embedder.centred else None
    rows: list[tuple[str, str, float]] = []
    for painter in range(PAINTERS):
        others = _rng(seed, "others", painter).choice(np.delete(np.arange(PAINTERS), painter), IMAGES, replace=False)
        shown = [*[f"painter {painter}"] * IMAGES, *(f"painter {other}" for other in others)]
        shown += [f"stranger {painter}-{index}" for index in range(IMAGES)]
        images = np.concatenate(
            [own[painter], [own[other][index] for index, other in enumerate(others)], strange[painter]]
        )
        values = similarity(images, references[painter], statistic, centre=centre)
        rows += [(f"painter {painter}", name, float(value)) for name, value in zip(shown, values, strict=True)]
    schema = {"concept": pl.String, "shown": pl.String, "similarity": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _rng(seed: int, what: str, index: int) -> np.random.Generator:
    return np.random.default_rng(derive_seed("lab calibration", seed, what, index))


def _embedded(
    embedder: Embedder, style: Style, seed: int, what: str, number: int
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    pictures = [
        Image.fromarray(paint(style, SUBJECTS[index % len(SUBJECTS)], _rng(seed, what, index)))
        for index in range(number)
    ]
    return embedder.embed(pictures)[0]
