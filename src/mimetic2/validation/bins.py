"""Counts like those of the paper's four sets of concepts: its bin tables, counts log-uniform within a bin.

The numbers of concepts in each bin are facts of arXiv 2410.15002 (its table of caption counts in LAION2B-en). The real
counts are public for one of the sets only.
"""

from __future__ import annotations

import numpy as np

from mimetic2.threshold.segmentation import Floats

EDGES = (1, 100, 500, 1_000, 5_000, 10_000, 100_000)  # after the bin of zeros; the paper fetched 100 000 at most
BINS: dict[str, tuple[int, ...]] = {
    "celebrities": (19, 48, 57, 52, 151, 19, 53),
    "politicians": (15, 60, 120, 80, 65, 40, 40),
    "classical artists": (14, 67, 133, 62, 63, 39, 40),
    "modern artists": (15, 69, 139, 62, 64, 32, 34),
}


def draw_counts(table: str, n: int, rng: np.random.Generator) -> Floats:
    """``n`` ascending counts, each bin with its share of them (largest remainders), log-uniform and whole in a bin."""
    sizes = shares(BINS[table], n)
    parts = [np.zeros(sizes[0])]
    for size, low, high in zip(sizes[1:], EDGES[:-1], EDGES[1:], strict=True):
        parts.append(np.floor(np.exp(rng.uniform(np.log(low), np.log(high), size))))
    return np.sort(np.concatenate(parts))


def shares(sizes: tuple[int, ...], n: int) -> list[int]:
    """``n`` split in proportion to ``sizes`` by largest remainders."""
    exact = np.array(sizes) * n / sum(sizes)
    whole = np.floor(exact).astype(int)
    for index in np.argsort(whole - exact, kind="stable")[: n - int(whole.sum())]:
        whole[index] += 1
    return [int(value) for value in whole]
