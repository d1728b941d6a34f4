"""Scoring of 2 000 concepts x 50 images x 512-d against plain numpy that takes the mean of every pair's cosine.

python benchmarks/bench_scoring.py [concepts]
"""

import resource
import sys
import time

import numpy as np
import polars as pl

from mimetic2.embedding import DECODER, EmbeddingTable, Identity
from mimetic2.scoring import score_concepts

IMAGES, REFERENCES, DIM = 50, 10, 512


def table(concepts: int, each: int, seed: int) -> EmbeddingTable:
    """Random unit vectors; images spread over five prompts."""
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((concepts * each, DIM), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    rows = np.arange(concepts * each)
    frame = pl.DataFrame({"row": rows}).select(
        (pl.lit("concept ") + (pl.col("row") // each).cast(pl.String)).alias("concept"),
        (pl.col("row") % 5).cast(pl.String).alias("prompt"),
        (pl.col("row") % each).alias("index"),
        pl.col("row").cast(pl.String).alias("path"),
        (pl.lit(f"{seed}-") + pl.col("row").cast(pl.String)).alias("sha256"),
        pl.lit(None, pl.String).alias("reason"),
        pl.lit(None, pl.Binary).alias("fingerprint"),
    )
    return EmbeddingTable(Identity("random", "1", "0" * 64, DECODER, DIM), frame, vectors)


def plain(made: EmbeddingTable, real: EmbeddingTable, concepts: int) -> np.ndarray:
    """The same means (concept, concept) from the matrix of all pairs, a concept's images at a time."""
    means = np.empty((concepts, concepts))
    for place in range(concepts):
        pairs = made.vectors[place * IMAGES : (place + 1) * IMAGES] @ real.vectors.T
        means[place] = pairs.reshape(IMAGES, concepts, REFERENCES).mean((0, 2))
    return means


def main() -> None:
    """Print both times of the processor, the peak memory and the largest difference."""
    concepts = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    made, real = table(concepts, IMAGES, 1), table(concepts, REFERENCES, 2)
    start = time.process_time()
    result = score_concepts(made, real)
    ours = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    start = time.process_time()
    means = plain(made, real, concepts)
    theirs = time.process_time() - start
    order = [int(name.split()[1]) for name in result.table["concept"]]
    difference = np.abs(result.table["score"].to_numpy() - means[order, order]).max()
    print(f"{concepts} concepts, seconds of processor time (one thread: OMP_NUM_THREADS=1)")
    print(
        f"mimetic2, with errors, nulls, ranks, fitness, prompts, duplicates: {ours:.1f} s; peak {peak:.2f} GiB in all"
    )
    print(f"plain numpy, means of all pairs only: {theirs:.1f} s; largest difference of a score {difference:.1e}")


if __name__ == "__main__":
    main()
