"""What a Ray cluster of this machine costs beside the local pool: the same shards, the same two workers, in one run.

    python benchmarks/bench_engines.py [--shards N]

Wall seconds, since work is spread over processes; on a busy machine only the ratios of one run say something. The
cluster is started here (a token of its own, no dashboard, no usage statistics), and that is timed apart: a cluster is
started once, not for each count. The local pool starts its workers for each count, and its times include that.
"""

from __future__ import annotations

import argparse
import os
import secrets
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from bench_counting import captions, name_list
from mimetic2.concepts import Concept
from mimetic2.counting.counts import count_captions

ROWS = 50_000


def write_shards(folder: Path, number: int, names: list[str]) -> str:
    texts = captions(ROWS, names, 0.004)
    for shard in range(number):
        urls = [f"https://images.example/{shard}/{row}.jpg" for row in range(ROWS)]
        pq.write_table(pa.table({"URL": urls, "TEXT": texts}), folder / f"{shard:04d}.parquet")
    return str(folder / "*.parquet")


def timed(captions: str, concepts: list[Concept], out: Path, engine: str, workers: int) -> float:
    start = time.perf_counter()
    count_captions([captions], concepts, out=out, engine=engine, workers=workers)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shards", type=int, default=48)
    shards = parser.parse_args().shards
    names = name_list(2_000)
    concepts = [Concept(name) for name in names]
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32), "RAY_USAGE_STATS_ENABLED": "0"}
    try:
        import ray
    except ImportError:
        print("ray is not installed: nothing measured (pip install 'mimetic2[distributed]')")
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "captions").mkdir()
        files = write_shards(folder / "captions", shards, names)
        print(f"{shards} shards of {ROWS:,} captions, {len(names):,} names")
        print(f"one process       {timed(files, concepts, folder / 'alone.csv', 'local', 1):6.1f} s", flush=True)
        start = time.perf_counter()
        ray.init(num_cpus=2, include_dashboard=False, logging_level="error", log_to_driver=False)
        print(f"start of the cluster {time.perf_counter() - start:.1f} s")
        for turn in ("first", "second", "third"):
            local = timed(files, concepts, folder / f"{turn} local.csv", "local", 2)
            remote = timed(files, concepts, folder / f"{turn} ray.csv", "ray", 2)
            print(f"{turn:6} turn: local {local:5.1f} s, ray {remote:5.1f} s, {remote / local:.2f} times", flush=True)
        ray.shutdown()
        tables = {path.read_bytes() for path in folder.glob("*.csv")}
    print(f"the seven tables are {'equal' if len(tables) == 1 else 'NOT EQUAL'}")


if __name__ == "__main__":
    main()
