"""Peak memory of a count: the same for a file and for one ten times as long, of every kind."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
pytest.importorskip("resource")
pytestmark = pytest.mark.slow

PEAK = """
import resource, sys
from pathlib import Path
from mimetic2.concepts import Concept
from mimetic2.counting.counts import count_captions
table = count_captions([sys.argv[1]], [Concept("Ann Lee"), Concept("nobody")], out=Path(sys.argv[2]), workers=1)
print(table["mentions"][0], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
ROWS = {"parquet": 200_000, "csv.gz": 200_000, "jsonl": 200_000, "txt": 200_000, "tar": 10_000}


def captions(rows: int) -> Iterator[str]:
    """Every fifth names a concept."""
    for row in range(rows):
        yield f"caption number {row} of a long file{', a portrait of Ann Lee' if row % 5 == 0 else ''}, and more words"


def write(path: Path, rows: int) -> Path:
    kind = path.name.split(".", 1)[1]
    if kind == "parquet":
        with pq.ParquetWriter(path, pa.schema([("URL", pa.string()), ("TEXT", pa.string())])) as writer:
            texts = list(captions(50_000))
            for start in range(0, rows, len(texts)):
                urls = [f"http://x/{start + row}" for row in range(len(texts))]
                writer.write_table(pa.table({"URL": urls, "TEXT": texts}))
    elif kind == "tar":
        with tarfile.open(path, "w") as archive:
            for row, text in enumerate(captions(rows)):
                data = json.dumps({"url": f"http://x/{row}", "caption": text}).encode()
                member = tarfile.TarInfo(f"{row:09d}.json")
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
    else:
        with gzip.open(path, "wt", 1) if kind.endswith("gz") else path.open("w") as handle:
            handle.write("url,caption\n" if kind == "csv.gz" else "")
            for row, text in enumerate(captions(rows)):
                link = f"http://x/{row}"
                record = json.dumps({"url": link, "caption": text})
                handle.write({"csv.gz": f'{link},"{text}"', "jsonl": record, "txt": text}[kind] + "\n")
    return path


@pytest.mark.parametrize("kind", sorted(ROWS))
def test_memory_does_not_grow_with_the_file(tmp_path: Path, kind: str) -> None:
    peaks = []
    for times in (1, 10):
        path = write(tmp_path / f"{times}.{kind}", times * ROWS[kind])
        command = [sys.executable, "-c", PEAK, str(path), str(tmp_path / f"{times}.table.csv")]
        done = subprocess.run(command, capture_output=True, check=True, text=True)
        mentions, peak = map(int, done.stdout.split())
        assert mentions == times * ROWS[kind] // 5
        peaks.append(peak)
    print(f"{kind}: {peaks[0] / 1024:.0f} MiB at {ROWS[kind]:,} rows, {peaks[1] / 1024:.0f} MiB at ten times as many")
    assert peaks[1] <= 1.1 * peaks[0]
