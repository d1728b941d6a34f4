"""Which pairs of images raters see: one generated and one reference image of a concept, and foils of another concept.

Foils (a generated image beside somebody else's reference) tell what raters call alike by chance; without them a high
mean rating shows nothing.
"""

from __future__ import annotations

from pathlib import PurePath

import polars as pl

from mimetic2.errors import InputError
from mimetic2.seeding import generator


def design_pairs(
    generated: pl.DataFrame, reference: pl.DataFrame, *, per_concept: int = 2, foils: int = 1, seed: int = 0
) -> pl.DataFrame:
    """Draw pairs for a human study.

    ``generated`` and ``reference`` have the columns concept and path. Each concept that has both kinds of images gets
    ``per_concept`` true pairs and ``foils`` pairs with another concept's reference. The result has the columns
    pair, concept, generated, reference, reference_concept, foil, in an order shuffled by the seed; a concept's pairs
    do not depend on the order of rows. Raises :class:`InputError` with fewer than two concepts.
    """
    made = _images(generated)
    real = _images(reference)
    concepts = sorted(made.keys() & real.keys())
    if len(concepts) < 2:
        raise InputError(f"{len(concepts)} concepts have generated and reference images", accepted="at least 2")
    rows = []
    for concept in concepts:
        draw = generator(seed, "ratings", concept)
        others = [other for other in concepts if other != concept]
        for index in range(per_concept + foils):
            foil = index >= per_concept
            shown = others[draw.integers(len(others))] if foil else concept
            rows.append(
                {
                    "concept": concept,
                    "generated": made[concept][draw.integers(len(made[concept]))],
                    "reference": real[shown][draw.integers(len(real[shown]))],
                    "reference_concept": shown,
                    "foil": foil,
                }
            )
    order = generator(seed, "ratings order").permutation(len(rows))
    shuffled = [{"pair": f"p{number:05d}", **rows[index]} for number, index in enumerate(order, 1)]
    return pl.DataFrame(shuffled)


def _images(frame: pl.DataFrame) -> dict[str, list[str]]:
    images: dict[str, list[str]] = {}
    for concept, path in frame.select("concept", "path").iter_rows():
        images.setdefault(concept, []).append(PurePath(path).as_posix())
    return {concept: sorted(paths) for concept, paths in images.items()}
