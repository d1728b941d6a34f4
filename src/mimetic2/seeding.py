"""Random numbers that depend on names, never on order.

Every random choice of a study draws from a generator whose seed is a hash of the study's seed and of what the choice
is about (a concept, a prompt, an index), so that adding a concept, resuming a run or splitting it over workers changes
nothing else.
"""

from __future__ import annotations

import hashlib

import numpy as np


def derive_seed(*parts: str | int) -> int:
    """A 63-bit seed from the given parts; different parts give unrelated seeds.

    Each part is hashed with its type and length, so that ``("a", "bc")`` and ``("ab", "c")`` differ.
    """
    digest = hashlib.blake2b(digest_size=8)
    for part in parts:
        data = str(part).encode()
        digest.update(f"{type(part).__name__}:{len(data)}:".encode() + data)
    return int.from_bytes(digest.digest(), "big") >> 1


def generator(*parts: str | int) -> np.random.Generator:
    """A numpy generator seeded by :func:`derive_seed` of the parts."""
    return np.random.default_rng(derive_seed(*parts))
