"""Real prose: the descriptions of the Debian archive's packages, and the lab's training set."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import unicodedata
from collections import Counter
from pathlib import Path

import pytest

from mimetic2.concepts import Concept
from mimetic2.counting.counts import count_captions

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


def oracle_words(text: str) -> list[str]:
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    return re.findall(r"\w+", "".join(c for c in folded if unicodedata.combining(c) == 0))


def descriptions() -> list[str]:
    if shutil.which("apt-cache") is None:
        pytest.skip("needs Debian's apt-cache")
    text = subprocess.run(["apt-cache", "dumpavail"], capture_output=True, check=True).stdout.decode("utf-8", "replace")
    found = re.findall(r"^Description(?:-en)?: (.*(?:\n .*)*)", text, re.MULTILINE)
    if len(found) < 1000:
        pytest.skip("apt-cache knows few packages: apt-get update")
    return found


def test_debian_descriptions(tmp_path: Path) -> None:
    texts = descriptions()
    draw = random.Random(5)
    split = [oracle_words(text) for text in texts]
    phrases: dict[str, None] = {}
    while len(phrases) < 300:
        row = draw.choice(split)
        start = draw.randrange(len(row))
        phrases[" ".join(row[start : start + draw.randint(1, 3)])] = None
    want = Counter[str]()
    for row in split:
        runs = {" ".join(row[at : at + size]) for size in (1, 2, 3) for at in range(len(row) - size + 1)}
        want.update(runs & phrases.keys())
    pq.write_table(pa.table({"caption": texts}), tmp_path / "debian.parquet")
    table = count_captions([str(tmp_path)], [Concept(phrase) for phrase in phrases], out=tmp_path / "m.csv", sample=3)
    assert dict(zip(table["concept"], table["mentions"], strict=True)) == {name: want[name] for name in phrases}
    assert max(want.values()) > 1000


def test_lab(tmp_path: Path) -> None:
    from mimetic2.concepts import read_concepts
    from mimetic2.lab import shipped_shards, write_concepts

    write_concepts(tmp_path / "concepts.csv")
    concepts = read_concepts(tmp_path / "concepts.csv")
    shards = [str(path) for path in shipped_shards()]
    table = count_captions(shards, concepts, out=tmp_path / "m.csv", sample=0)
    captions = [text for shard in shards for text in pq.read_table(shard).column("TEXT").to_pylist()]
    padded = [f" {' '.join(oracle_words(text))} " for text in captions]
    for concept, mentions in list(zip(concepts, table["mentions"], strict=True))[::15]:
        assert mentions == sum(any(f" {phrase} " in text for phrase in concept.phrases) for text in padded)
