"""The table of docs/planning: what adaptive numbers of images save, and the coverage under that rule, by simulation.

python benchmarks/bench_adaptive.py [runs]      # 200 runs: half an hour of one core
"""

import sys

from mimetic2.validation.adaptive import WORLDS, simulate_rules

HEADS = ("world", "rule", "images, % of 1,000 a concept", "coverage, %", "interval, × that of 1,000")


def main(runs: int) -> None:
    """Print the table as Markdown, a world as soon as it is done."""
    print("| " + " | ".join(HEADS) + " |\n" + "|---" * len(HEADS) + "|")
    for world in WORLDS:
        for row in simulate_rules(world, runs).iter_rows(named=True):
            coverage = f"{100 * row['coverage']:.1f} ± {100 * row['coverage_error']:.1f}"
            cells = (row["world"], row["rule"], f"{100 * row['images']:.1f}", coverage, f"{row['ratio']:.2f}")
            print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
