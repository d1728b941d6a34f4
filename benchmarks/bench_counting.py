"""Captions per second of counting, beside the limit that decoding sets and, where installed, ripgrep on the same text.

    python benchmarks/bench_counting.py [--rows N] [--debian]

Generated captions, or the descriptions of the Debian archive (`apt-cache dumpavail`, real prose). One core, one run,
page cache warm; CPU seconds, so that other work on the machine disturbs little. Rates are of the whole path: decode the
Parquet column, fold, match.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from mimetic2.concepts import Concept, words
from mimetic2.counting.matching import Matcher
from mimetic2.counting.readers import Columns, batches
from mimetic2.counting.scanners import SCANNERS
from mimetic2.counting.scanning import scan_shard

SYLLABLES = ["ka", "lo", "mi", "ra", "ten", "sor", "vel", "dun", "pha", "gre", "bis", "tal", "ny", "ox", "wem", "jur"]


def invented(draw: random.Random, syllables: int) -> str:
    return "".join(draw.choices(SYLLABLES, k=syllables)).capitalize()


def name_list(number: int) -> list[str]:
    draw = random.Random(1)
    return sorted({f"{invented(draw, 3)} {invented(draw, 4)}" for _ in range(number)})


def captions(rows: int, names: list[str], share: float) -> list[str]:
    draw = random.Random(2)
    vocabulary = [invented(draw, draw.randint(1, 3)).lower() for _ in range(20_000)] + ["the", "a", "of", "in"] * 500
    extra = ["café", "naïve", "–", "Zürich", "日本", "“", "é"]
    found = []
    for _ in range(rows):
        text = draw.choices(vocabulary, k=draw.randint(4, 14))
        if draw.random() < share:
            text.insert(draw.randrange(len(text)), draw.choice(names))
        if draw.random() < 0.033:
            text.append(draw.choice(extra))
        found.append(" ".join(text))
    return found


def debian() -> list[str]:
    """The one-line summary and the paragraphs of each package's description."""
    output = subprocess.run(["apt-cache", "dumpavail"], capture_output=True, check=True, text=True).stdout
    found: list[str] = []
    inside = False
    for line in output.splitlines():
        if line.startswith(("Description:", "Description-en:")):
            inside = True
            found.append(line.split(":", 1)[1].strip())
        elif inside and line.startswith(" "):
            if line.strip() == ".":
                found.append("")
            found[-1] = f"{found[-1]} {line.strip().removeprefix('.')}".strip()
        else:
            inside = False
    return [text for text in found if text]


def seconds(work: Callable[[], object], repeats: int = 3) -> float:
    best = float("inf")
    for _ in range(repeats):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def measure(texts: list[str], names: list[str], label: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "captions.parquet"
        urls = [f"https://images.example/{row:09d}/{row % 977}/picture.jpg" for row in range(len(texts))]
        pq.write_table(pa.table({"URL": urls, "TEXT": texts}), path, row_group_size=262_144)
        size = sum(len(text.encode()) for text in texts) / len(texts)
        concepts = [Concept(name) for name in names]

        def decode(columns: tuple[str, ...]) -> int:
            file = pq.ParquetFile(path)
            return sum(len(batch) for batch in file.iter_batches(65_536, columns=list(columns), use_threads=False))

        limit = seconds(lambda: decode(("TEXT",)))
        both = seconds(lambda: decode(("TEXT", "URL")))
        for scanner in SCANNERS:
            start = time.process_time()
            matcher = Matcher(concepts, scanner)
            built = time.process_time() - start

            def match(matcher: Matcher = matcher) -> int:
                file = pq.ParquetFile(path)
                parts = file.iter_batches(65_536, columns=["TEXT"], use_threads=False)
                return sum(len(matcher.match(part.column(0))[0]) for part in parts)

            hits = match()
            took = seconds(match)
            print(
                f"{label:24} {len(names):6} names {size:5.0f} bytes  {scanner:9} {len(texts) / took / 1e6:5.2f} M/s "
                f"({limit / took:4.0%} of the decode limit; built in {built:4.1f} s; {hits:,} mentions)"
            )
        matcher = Matcher(concepts)
        counted = seconds(
            lambda: scan_shard(str(path), matcher, Columns(), concepts=len(concepts), sample=100, seed=0), 1
        )
        print(f"{'':24} with links and samples: {len(texts) / counted / 1e6:5.2f} M/s ({both / counted:4.0%} of limit)")
        assert sum(len(batch.texts) for batch in batches(str(path), Columns())) == len(texts)
        if shutil.which("rg"):
            ripgrep(Path(folder), texts, names, len(texts) / counted)


def ripgrep(folder: Path, texts: list[str], names: list[str], rate: float) -> None:
    """`rg -F -w -i -f`, one thread, on the same text as plain lines: fewer semantics, no names told apart."""
    (folder / "text").write_text("\n".join(text.replace("\n", " ") for text in texts), encoding="utf-8")
    (folder / "names").write_text("\n".join(" ".join(words(name)) for name in names), encoding="utf-8")
    command = ["rg", "-c", "-F", "-w", "-i", "-j1", "-f", str(folder / "names"), str(folder / "text")]
    start = time.perf_counter()
    subprocess.run(command, capture_output=True, check=False)
    theirs = len(texts) / (time.perf_counter() - start)
    print(f"{'':24} ripgrep -F -w -i -f: {theirs / 1e6:5.2f} M/s; ours is {rate / theirs:.1f} times as fast")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=400_000)
    parser.add_argument("--debian", action="store_true", help="the Debian archive's descriptions instead")
    options = parser.parse_args()
    if options.debian:
        texts = debian()
        draw = random.Random(3)
        picked = sorted({" ".join(words(draw.choice(texts))[:2]) for _ in range(2_000)} - {""})
        measure(texts, picked, "Debian descriptions")
        return
    for number, share in ((100, 0.004), (2_000, 0.004), (20_000, 0.044)):
        names = name_list(number)
        measure(captions(options.rows, names, share), names, "generated")
    names = name_list(2_000)
    measure(captions(options.rows, names, 1.0), names, "a name in every row")


if __name__ == "__main__":
    main()
