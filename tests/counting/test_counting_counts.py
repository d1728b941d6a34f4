"""Counting a dataset: the same table and sample however it is split, and whatever dies on the way."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest

from mimetic2.concepts import Concept
from mimetic2.counting.counts import count_captions, sample_path, shards_path, summary_path
from mimetic2.errors import InputError
from mimetic2.locks import LOCK, writing

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

CONCEPTS = [Concept("Ann Lee", ("A. Lee",), "people"), Concept("Bo", group="people"), Concept("Nobody", control=True)]
WORDS = ("ann", "lee", "Bo", "a", "portrait", "Lee", "é", "house", "by")


def rows(number: int, seed: int = 0) -> list[tuple[str, str]]:
    """Pairs with many repetitions, of which some mention a concept."""
    draw = random.Random(seed)
    return [(f"http://x/{draw.randrange(number // 3)}", " ".join(draw.choices(WORDS, k=4))) for _ in range(number)]


def write(folder: Path, pairs: Sequence[tuple[str, str]], shards: int) -> str:
    folder.mkdir()
    for shard in range(shards):
        part = pairs[shard::shards]
        table = pa.table({"URL": [url for url, _ in part], "TEXT": [text for _, text in part]})
        pq.write_table(table, folder / f"{shard:03d}.parquet", row_group_size=97)
    return str(folder / "*.parquet")


def mentions(pairs: Sequence[tuple[str, str]]) -> list[Counter[tuple[str, str]]]:
    """By plain string search in folded text, which these words allow."""
    padded = [((url, text), f" {text.lower()} ") for url, text in pairs]
    ann = Counter(pair for pair, text in padded if " ann lee " in text or " a lee " in text)
    return [ann, Counter(pair for pair, text in padded if " bo " in text), Counter()]


def outputs(out: Path) -> tuple[bytes, pl.DataFrame]:
    return out.read_bytes(), pl.read_parquet(sample_path(out))


def pair_hash(seed: int, url: str, text: str) -> int:
    """By the definition, for one pair; the hash function itself has its own oracle."""
    from mimetic2.counting.hashing import keyed_hashes

    key = hashlib.blake2b(f"mimetic2 sample {seed}".encode(), digest_size=16).digest()
    return int(keyed_hashes(key, pa.array([url.encode()]), pa.array([text.encode()]))[0]) >> 1


def test_counts_and_sample_by_definition(tmp_path: Path) -> None:
    pairs = rows(3000)
    table = count_captions([write(tmp_path / "c", pairs, 3)], CONCEPTS, out=tmp_path / "m.csv", sample=20, seed=7)
    want = mentions(pairs)
    assert table["mentions"].to_list() == [sum(counter.values()) for counter in want]
    assert table["mentions_high"].to_list() == table["mentions"].to_list()
    assert table["group"].to_list() == ["people", "people", None]
    sample = pl.read_parquet(sample_path(tmp_path / "m.csv"))
    for concept, counter in zip(CONCEPTS, want, strict=True):
        hashed = sorted((pair_hash(7, url, text), url, text, number) for (url, text), number in counter.items())
        mine = sample.filter(concept=concept.name).select("hash", "url", "caption", "multiplicity").rows()
        assert mine == hashed[:20]


@pytest.mark.parametrize(("shards", "workers"), [(1, 1), (5, 1), (5, 2), (40, 1)])
def test_same_for_any_sharding_order_and_workers(tmp_path: Path, shards: int, workers: int) -> None:
    pairs = rows(2000)
    count_captions([write(tmp_path / "one", pairs, 2)], CONCEPTS, out=tmp_path / "one.csv", sample=15)
    random.Random(shards).shuffle(pairs)
    again = write(tmp_path / "two", pairs, shards)
    count_captions([again], CONCEPTS, out=tmp_path / "two.csv", sample=15, workers=workers)
    (first, sample), (second, resample) = outputs(tmp_path / "one.csv"), outputs(tmp_path / "two.csv")
    assert first == second
    assert sample.equals(resample)


def test_samples_are_uniform(tmp_path: Path) -> None:
    """Over 400 seeds each of 60 pairs is in a sample of 12 about 80 times; duplicates do not help a pair."""
    pairs = [(f"http://x/{number}", "bo") for number in range(60)]
    captions = write(tmp_path / "c", [*pairs, *pairs[:20], *pairs[:20]], 2)
    from mimetic2.counting.matching import Matcher
    from mimetic2.counting.readers import Columns
    from mimetic2.counting.scanning import scan_shard

    matcher, seen = Matcher(CONCEPTS), Counter[str]()
    path = str(Path(captions).parent / "000.parquet")
    pq.write_table(pq.read_table(Path(captions).parent), path)
    for seed in range(400):
        tally = scan_shard(path, matcher, Columns(), concepts=3, sample=12, seed=seed)
        seen.update(url.decode() for url in tally.sample.url.filter(tally.sample.concept == 1).to_pylist())
    chi_square = sum((seen[url] - 80) ** 2 / 80 for url, _ in pairs) / (1 - 12 / 60)
    assert 30 < chi_square < 100  # 59 degrees of freedom: beyond the 0.1 % points on either side


def test_resume_reads_results_and_notices_changes(tmp_path: Path) -> None:
    pairs = rows(900)
    captions = write(tmp_path / "c", pairs, 3)
    out = tmp_path / "m.csv"
    count_captions([captions], CONCEPTS, out=out, sample=5)
    before, results = outputs(out), {path: path.stat().st_mtime_ns for path in shards_path(out).glob("*.parquet")}
    count_captions([captions], CONCEPTS, out=out, sample=5)
    assert {path: path.stat().st_mtime_ns for path in shards_path(out).glob("*.parquet")} == results
    assert outputs(out)[0] == before[0]
    pq.write_table(pa.table({"URL": ["u"], "TEXT": ["bo"]}), tmp_path / "c" / "001.parquet")
    table = count_captions([captions], CONCEPTS, out=out, sample=5)
    assert table["mentions"].to_list() == [
        sum(counter.values()) for counter in mentions([*pairs[0::3], *pairs[2::3], ("u", "bo")])
    ]
    assert len(set(shards_path(out).glob("*.parquet")) & set(results)) == 2
    changed = count_captions([captions], CONCEPTS[1:], out=out, sample=5)
    assert changed["mentions"].to_list() == table["mentions"].to_list()[1:]
    assert not set(shards_path(out).glob("*.parquet")) & set(results)


RUN = """
import sys
from pathlib import Path
from mimetic2.counting import shards
from mimetic2.counting.counts import count_captions
from mimetic2.concepts import read_concepts

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    concepts = read_concepts(folder / "concepts.csv")
    count_captions([str(folder / "c")], concepts, out=folder / "killed.csv", sample=15, workers=2)
"""


def _children(process: int) -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(status.read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
        if parent == process and b"spawn_main" in (status.parent / "cmdline").read_bytes():
            found.append(int(status.parent.name))
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds workers through /proc")
@pytest.mark.parametrize("victim", ["worker", "run"])
def test_kill_nine(tmp_path: Path, victim: str) -> None:
    captions = write(tmp_path / "c", rows(60_000), 40)
    (tmp_path / "concepts.csv").write_text("concept,aliases,group\nAnn Lee,A. Lee,people\nBo,,people\nNobody,,\n")
    concepts = [Concept("Ann Lee", ("A. Lee",), "people"), Concept("Bo", group="people"), Concept("Nobody")]
    count_captions([captions], concepts, out=tmp_path / "whole.csv", sample=15, workers=1)
    (tmp_path / "run.py").write_text(RUN)
    command = [sys.executable, str(tmp_path / "run.py"), str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 30
        while not list(shards_path(tmp_path / "killed.csv").glob("*.parquet")) and time.monotonic() < deadline:
            time.sleep(0.005)
        os.kill(_children(process.pid)[0] if victim == "worker" else process.pid, signal.SIGKILL)
        _, log = process.communicate(timeout=60)
    if victim == "worker":
        assert process.returncode == 0, log
        assert b"was killed by signal 9" in log
    else:
        assert process.returncode == -signal.SIGKILL
        assert not (tmp_path / "killed.csv").exists()
        subprocess.run(command, check=True, capture_output=True)
    (whole, sample), (killed, resample) = outputs(tmp_path / "whole.csv"), outputs(tmp_path / "killed.csv")
    assert whole == killed
    assert sample.equals(resample)


def test_corrupt_shard(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mimetic2.counting.retries.PAUSE_SECONDS", 0.0)
    pairs = rows(4000)
    captions = write(tmp_path / "c", pairs, 40)
    bad = tmp_path / "c" / "007.parquet"
    data = bytearray(bad.read_bytes())
    data[4:200] = b"\xff" * 196  # the footer still says how many rows there were
    bad.write_bytes(data)
    out = tmp_path / "m.csv"
    with pytest.raises(
        InputError, match=r"007\.parquet: cannot be read .* 2\.50% of all rows are missing, 1\.00% may be"
    ):
        count_captions([captions], CONCEPTS, out=out, allow_missing=0.01)
    assert "007.parquet: cannot be read" in capsys.readouterr().err
    assert not out.exists()
    table = count_captions([captions], CONCEPTS, out=out, allow_missing=0.03)
    good = [pair for index, pair in enumerate(pairs) if index % 40 != 7]
    whole, read = mentions(pairs), mentions(good)
    assert table["mentions"].to_list() == [sum(counter.values()) for counter in read]
    for high, counter in zip(table["mentions_high"].to_list()[:2], whole[:2], strict=True):
        assert high >= sum(counter.values())
    summary = json.loads(summary_path(out).read_text())
    assert summary["missing_rows"] == 100
    assert summary["rows"] == 3900
    assert [Path(entry["file"]).name for entry in summary["missing"]] == ["007.parquet"]
    write(tmp_path / "d", pairs, 40)
    bad.write_bytes((tmp_path / "d" / "007.parquet").read_bytes())
    assert count_captions([captions], CONCEPTS, out=out)["mentions"].to_list() == [sum(c.values()) for c in whole]


@pytest.mark.parametrize("left", [0, 10, 400])
def test_a_shard_that_was_cut_short_counts_as_a_whole_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: int
) -> None:
    """What is left of a file says nothing of how many rows it had: its like do."""
    monkeypatch.setattr("mimetic2.counting.retries.PAUSE_SECONDS", 0.0)
    captions = write(tmp_path / "c", rows(4000), 40)
    bad = tmp_path / "c" / "007.parquet"
    bad.write_bytes(bad.read_bytes()[:left])
    with pytest.raises(InputError, match=r"2\.50% of all rows are missing, 1\.00% may be"):
        count_captions([captions], CONCEPTS, out=tmp_path / "m.csv", allow_missing=0.01)
    count_captions([captions], CONCEPTS, out=tmp_path / "m.csv", allow_missing=0.03)
    assert json.loads(summary_path(tmp_path / "m.csv").read_text())["missing_rows"] == 100


def test_names_that_fold_alike_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    captions = write(tmp_path / "c", rows(40), 1)
    names = [Concept("Ann Lee"), Concept("Bo"), Concept("ANN LEE"), Concept("ånn-lee")]
    count_captions([captions], names, out=tmp_path / "m.csv")
    said = "'Ann Lee' and 'ANN LEE' and 'ånn-lee' are one name to captions: each gets the other's rows; merge them"
    assert said in capsys.readouterr().err.splitlines()


def test_one_count_at_a_time_writes_a_table(tmp_path: Path) -> None:
    captions = write(tmp_path / "c", rows(40), 1)
    with writing(shards_path(tmp_path / "m.csv")), pytest.raises(InputError, match="is writing to these counts"):
        count_captions([captions], CONCEPTS, out=tmp_path / "m.csv")
    assert not (tmp_path / "m.csv").exists()


def test_a_shard_that_vanishes_or_is_no_parquet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mimetic2.counting.retries.PAUSE_SECONDS", 0.0)
    captions = write(tmp_path / "c", rows(400), 4)
    (tmp_path / "c" / "001.parquet").write_bytes(b"")
    with pytest.raises(InputError, match=r"001\.parquet: cannot be read"):
        count_captions([captions], CONCEPTS, out=tmp_path / "m.csv")
    table = count_captions([captions], CONCEPTS, out=tmp_path / "m.csv", allow_missing=0.3)
    assert (table["mentions_high"] >= table["mentions"]).all()


def test_outputs_beside_the_captions_are_not_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    captions = str(Path(write(tmp_path / "c", rows(900), 3)).parent)
    first = count_captions([captions], CONCEPTS, out=tmp_path / "c" / "m.csv", sample=5)
    for out in ("m.csv", "n.csv", "m.csv"):
        assert count_captions([captions], CONCEPTS, out=tmp_path / "c" / out, sample=5).equals(first)
    told = next(line for line in capsys.readouterr().err.splitlines() if line.startswith("left out"))
    assert told.startswith("left out, written by an earlier count: ")
    assert told.endswith("m.sample.parquet")


def test_nothing_but_outputs_is_no_dataset(tmp_path: Path) -> None:
    captions = write(tmp_path / "c", rows(90), 1)
    count_captions([captions], CONCEPTS, out=tmp_path / "o" / "m.csv")
    with pytest.raises(InputError, match="nothing but what an earlier count wrote"):
        count_captions([str(tmp_path / "o")], CONCEPTS, out=tmp_path / "n.csv")


@pytest.mark.parametrize(
    ("captions", "out"), [("a.csv", "a.csv"), ("a.sample.parquet", "a.csv"), ("c/../a.csv", "a.csv")]
)
def test_captions_are_not_overwritten(tmp_path: Path, captions: str, out: str) -> None:
    (tmp_path / "c").mkdir()
    (tmp_path / captions).write_text("caption\nbo\n")
    with pytest.raises(InputError, match="would be overwritten"):
        count_captions([str(tmp_path / captions)], CONCEPTS, out=tmp_path / out)
    assert (tmp_path / captions).read_text() == "caption\nbo\n"


def test_minors_are_left_out_and_flags_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    flags = ["UNLIKELY", "NSFW", None, "0.25"]
    texts = ["bo", "bo", "bo in red", "ann"]
    pq.write_table(pa.table({"URL": ["u", "u", "v", "w"], "TEXT": texts, "NSFW": flags}), path)
    concepts = [Concept("Bo"), Concept("Ann", minor=True)]
    table = count_captions([str(path)], concepts, out=tmp_path / "m.csv")
    assert table["concept"].to_list() == ["Bo"]
    sample = pl.read_parquet(sample_path(tmp_path / "m.csv")).sort("url")
    assert sample.select("url", "multiplicity", "punsafe").rows() == [("u", 2, 1.0), ("v", 1, None)]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds workers through /proc")
def test_killed_again_and_again_at_any_time(tmp_path: Path) -> None:
    """Run and workers are killed at random moments until a run gets through."""
    captions = write(tmp_path / "c", rows(40_000), 60)
    (tmp_path / "concepts.csv").write_text("concept,aliases,group\nAnn Lee,A. Lee,people\nBo,,people\nNobody,,\n")
    concepts = [Concept("Ann Lee", ("A. Lee",), "people"), Concept("Bo", group="people"), Concept("Nobody")]
    count_captions([captions], concepts, out=tmp_path / "whole.csv", sample=15, workers=1)
    (tmp_path / "run.py").write_text(RUN)
    draw, ends = random.Random(8), Counter[int]()
    while not ends[0]:
        with subprocess.Popen([sys.executable, str(tmp_path / "run.py"), str(tmp_path)], stderr=subprocess.PIPE) as run:
            deadline = time.monotonic() + 120
            while run.poll() is None and time.monotonic() < deadline:
                time.sleep(draw.uniform(0.2, 2.5))
                victims = [*_children(run.pid), run.pid] if sum(ends.values()) < 6 else []
                if victims:
                    os.kill(draw.choice(victims), signal.SIGKILL)
            _, log = run.communicate()
        assert run.returncode in (0, -signal.SIGKILL), log
        assert run.returncode == 0 or not (tmp_path / "killed.csv").exists()
        ends[run.returncode] += 1
    assert ends[-signal.SIGKILL] > 0
    (whole, sample), (killed, resample) = outputs(tmp_path / "whole.csv"), outputs(tmp_path / "killed.csv")
    assert whole == killed
    assert sample.equals(resample)
    assert {path.suffix or path.name for path in shards_path(tmp_path / "killed.csv").iterdir()} == {".parquet", LOCK}
