"""Change points against ruptures' KernelCPD (C), and robust mode with its bootstrap tests at n = 418.

python benchmarks/bench_threshold.py

CPU seconds of this process, the least of three runs each; run it with one thread (OMP_NUM_THREADS=1).
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import ruptures

from mimetic2.threshold import batched_change_points, change_points, find_threshold

PENALTY = 0.9


def seconds(function: Callable[[], Any]) -> tuple[float, Any]:
    """Least CPU time of three runs, and the result."""
    taken = []
    for _ in range(3):
        start = time.process_time()
        result = function()
        taken.append(time.process_time() - start)
    return min(taken), result


def kernel(signal: np.ndarray) -> list[int]:
    """The rival: same objective, same minimum."""
    return ruptures.KernelCPD("linear", min_size=1).fit(signal[:, np.newaxis]).predict(pen=PENALTY)[:-1]


def compare(name: str, ours: tuple[float, Any], theirs: tuple[float, Any], most: float) -> None:
    """Print both times, their ratio and what is aimed at."""
    equal = "equal" if ours[1] == theirs[1] else "DIFFERENT"
    times = f"{1e3 * ours[0]:.1f} ms, KernelCPD {1e3 * theirs[0]:.1f} ms"
    print(f"{name}: {times}, ratio {ours[0] / theirs[0]:.2f} (at most {most}), {equal}")


def main() -> None:
    """Print the ratios."""
    rng = np.random.default_rng(0)
    signal = rng.normal(0, 0.15, 400) + 0.3 * (np.arange(400) > 150)
    single, _ = seconds(lambda: change_points(signal, PENALTY))
    print(f"one signal, n = 400: {1e3 * single:.2f} ms (at most 5)")
    resamples = signal[np.sort(rng.integers(0, 400, (1000, 400)), axis=1)]
    batched = seconds(lambda: batched_change_points(resamples, PENALTY))
    compare("1 000 resamples, n = 400", batched, seconds(lambda: [kernel(row) for row in resamples]), 1.0)
    long = rng.normal(0, 0.15, 20_000) + 0.3 * (np.arange(20_000) > 9_000)
    compare("one signal, n = 20 000", seconds(lambda: change_points(long, PENALTY)), seconds(lambda: kernel(long)), 1.5)
    counts = np.sort(np.floor(10 ** rng.uniform(0, 5, 418)))
    scores = 0.3 * (counts >= 300) + rng.normal(0, 0.1, 418)
    robust, result = seconds(lambda: find_threshold(counts, scores))
    print(f"robust mode, n = 418, 999 draws, verdict {result.verdict}: {robust:.2f} s (at most 2)")


if __name__ == "__main__":
    main()
