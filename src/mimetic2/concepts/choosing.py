"""Choosing concepts evenly over the logarithm of their counts.

Most concepts are rare: a plain random choice would leave the range where a threshold may lie to a handful. So the range
of log10(1 + count) is cut into equal bins and concepts are taken from each in turn (the paper, too,
samples by bins of counts). Which concepts a bin gives depends on the seed and the names alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mimetic2.concepts.lists import Concept
from mimetic2.errors import InputError
from mimetic2.seeding import derive_seed


def sample_concepts(
    concepts: Sequence[Concept], counts: Mapping[str, float], number: int, *, bins: int = 10, seed: int = 0
) -> list[Concept]:
    """``number`` of the concepts, as evenly over ``bins`` bins of log10(1 + count) as their numbers allow.

    A bin that has too few gives all it has, and the others share the rest. Minors are never chosen. In the order of
    ``concepts``. Raises :class:`InputError` if there are fewer concepts than asked for, or one has no count.
    """
    listed = [concept for concept in concepts if not concept.minor]
    without = [concept.name for concept in listed if concept.name not in counts]
    if without:
        raise InputError(f"'{without[0]}' has no count", column="concept", accepted="a count for every listed concept")
    if number > len(listed):
        raise InputError(f"{number} concepts are wanted of {len(listed)}", accepted=f"1 to {len(listed)}")
    x = np.log10(1 + np.array([counts[concept.name] for concept in listed]))
    span = float(x.max() - x.min()) or 1.0
    places = np.minimum(((x - x.min()) / span * bins).astype(int), bins - 1)
    queues: list[list[Concept]] = [[] for _ in range(bins)]
    for concept, place in zip(listed, places.tolist(), strict=True):
        queues[place].append(concept)
    for queue in queues:
        queue.sort(key=lambda concept: derive_seed("concepts sample", seed, concept.name))
    chosen: set[str] = set()
    order = sorted(range(bins), key=lambda place: derive_seed("concepts sample bins", seed, place))
    depth = 0
    while len(chosen) < number:
        for place in order:
            if depth < len(queues[place]) and len(chosen) < number:
                chosen.add(queues[place][depth].name)
        depth += 1
    return [concept for concept in listed if concept.name in chosen]
