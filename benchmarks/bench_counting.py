"""Captions per second of counting, beside the limit that decoding sets and, where installed, ripgrep on the same text.

    python benchmarks/bench_counting.py [--rows N] [--debian] [--scanners]

Generated captions, of which few or all name a concept, and, where apt-cache has them, the descriptions of the Debian
archive (`apt-cache dumpavail`, real prose); `--debian` for these alone. One core, one run, page cache warm; CPU seconds
(the best of three, ripgrep once), so that other work on the machine disturbs less. At 20,000 names ripgrep takes
minutes. Rates are of the whole path: `match` decodes the
captions, folds them and finds the names; `count` reads the links too, and draws samples or not. Counting chooses the
quickest scanner for batches like the one before; `--scanners` measures each of them.
"""

from __future__ import annotations

import argparse
import random
import re
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from mimetic2.concepts import Concept, words
from mimetic2.counting.matching import Matcher
from mimetic2.counting.readers import BATCH_ROWS, Columns
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
    """The one-line summary and the paragraphs of each package's description; nothing where apt-cache has none."""
    if shutil.which("apt-cache") is None:
        return []
    output = subprocess.run(["apt-cache", "dumpavail"], capture_output=True, check=True).stdout.decode(
        "utf-8", "replace"
    )
    found = re.findall(r"^Description(?:-en)?: (.*(?:\n .*)*)", output, re.MULTILINE)
    return [" ".join(text.replace("\n .\n", "\n").split()) for text in found]


def seconds(work: Callable[[], object], repeats: int = 3) -> float:
    best = float("inf")
    for _ in range(repeats):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def measure(texts: list[str], names: list[str], label: str, every_scanner: bool) -> None:
    size = sum(len(text.encode()) for text in texts) / len(texts)
    print(f"{label}: {len(texts):,} captions of {size:.0f} bytes, {len(names):,} names")
    concepts = [Concept(name) for name in names]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "captions.parquet"
        urls = [f"https://images.example/{row:09d}/{row % 977}/picture.jpg" for row in range(len(texts))]
        pq.write_table(pa.table({"URL": urls, "TEXT": texts}), path, row_group_size=262_144)
        theirs = ripgrep(Path(folder), texts, names)
        alone, linked = seconds(partial(decode, path, "TEXT")), seconds(partial(decode, path, "TEXT", "URL"))
        print(f"  {'decode':24}{len(texts) / alone / 1e6:6.2f} M/s, with links {len(texts) / linked / 1e6:.2f} M/s")

        def report(what: str, work: Callable[[], object], limit: float) -> None:
            took = seconds(work)
            ratio = f", {len(texts) / took / theirs:,.1f} times as fast as ripgrep" if theirs else ""
            print(f"  {what:24}{len(texts) / took / 1e6:6.2f} M/s, {limit / took:4.0%} of the decode limit{ratio}")

        for scanner in (*(SCANNERS if every_scanner else ()), None):
            matcher = Matcher(concepts, scanner)
            report(f"match, {scanner or 'chosen'}", partial(match, path, matcher), alone)
        for sample in (0, 100):
            count = partial(scan_shard, str(path), matcher, Columns(), concepts=len(names), sample=sample, seed=0)
            report(f"count, {f'samples of {sample}' if sample else 'no samples'}", count, linked)
        print(f"  {match(path, matcher):,} mentions" + ("" if theirs else "; ripgrep is not installed: no comparison"))


def decode(path: Path, *columns: str) -> int:
    parts = pq.ParquetFile(path).iter_batches(BATCH_ROWS, columns=list(columns), use_threads=False)
    return sum(len(part) for part in parts)


def match(path: Path, matcher: Matcher) -> int:
    parts = pq.ParquetFile(path).iter_batches(BATCH_ROWS, columns=["TEXT"], use_threads=False)
    return sum(len(matcher.match(part.column(0))[0]) for part in parts)


def ripgrep(folder: Path, texts: list[str], names: list[str]) -> float | None:
    """Lines a second of `rg -F -w -i -f`, one thread, on the same text: fewer semantics, no names told apart."""
    if shutil.which("rg") is None:
        return None
    lines = [" ".join(text.split()) for text in texts]
    (folder / "text").write_text("\n".join(lines), encoding="utf-8")
    (folder / "names").write_text("\n".join(" ".join(words(name)) for name in names), encoding="utf-8")
    command = ["rg", "-c", "-F", "-w", "-i", "-j1", "-f", str(folder / "names"), str(folder / "text")]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    rate = len(lines) / (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    print(f"  {'ripgrep -F -w -i -f':24}{rate / 1e6:8.4f} M/s")
    return rate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--debian", action="store_true", help="only the Debian archive's descriptions")
    parser.add_argument("--scanners", action="store_true", help="measure every scanner, not only what a count chooses")
    options = parser.parse_args()
    if not options.debian:
        for share, label in ((None, "few captions with a name"), (1.0, "a name in every caption")):
            for number in (100, 2_000, 20_000):
                names = name_list(number)
                texts = captions(options.rows, names, share or 0.004 * max(1, number // 2_000))
                measure(texts, names, f"generated, {label}", options.scanners)
    texts = debian()
    if len(texts) < 1000:
        print("apt-cache dumpavail has no or few packages here: nothing measured on real prose")
        return
    draw = random.Random(3)
    picked = sorted({" ".join(words(draw.choice(texts))[:2]) for _ in range(2_000)} - {""})
    measure(texts, picked, "Debian's package descriptions, names from their first words", options.scanners)


if __name__ == "__main__":
    main()
