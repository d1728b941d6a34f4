"""Captions by URL: the same counts as from files here, whatever a store does on the way."""

from __future__ import annotations

import gzip
import random
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from mimetic2.concepts import Concept
from mimetic2.counting.captions import find_shards
from mimetic2.counting.counts import count_captions, sample_path, shards_path
from mimetic2.counting.locations import identity, size
from mimetic2.errors import InputError, MissingRequirement

fsspec = pytest.importorskip("fsspec")
spec = pytest.importorskip("fsspec.spec")
pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

CONCEPTS = [Concept("Ann Lee"), Concept("Bo")]


class Store(spec.AbstractFileSystem):  # type: ignore[misc]
    """An object store in a dictionary that is read by ranges and fails when told to, with errors of its own."""

    protocol = "store"
    cachable = False
    objects: dict[str, bytes] = {}  # noqa: RUF012
    reads: list[tuple[str, int, int]] = []  # noqa: RUF012
    failures = 0

    class Broken(Exception):  # noqa: N818
        """As stores have them: no OSError."""

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:
        path = self._strip_protocol(path)
        if path in self.objects:
            infos = [self._entry(path)]
        else:
            below = {name for name in self.objects if name.startswith(f"{path}/" if path else "")}
            if not below:
                raise FileNotFoundError(path)
            infos = [self._entry(name) for name in sorted(below)]
        return infos if detail else [info["name"] for info in infos]

    def _entry(self, name: str) -> dict[str, Any]:
        data = self.objects[name]
        return {"name": name, "size": len(data), "type": "file", "ETag": str(hash(data))}

    def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        options.pop("autocommit", None)
        options.pop("cache_options", None)
        return Object(self, path, mode, **options)


class Object(spec.AbstractBufferedFile):  # type: ignore[misc]
    def _fetch_range(self, start: int, end: int) -> bytes:
        Store.reads.append((self.path, start, end))
        if Store.failures:
            Store.failures -= 1
            raise Store.Broken("503 slow down")
        return Store.objects[self.path][start:end]


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch) -> type[Store]:
    fsspec.register_implementation("store", Store, clobber=True)
    monkeypatch.setattr("mimetic2.counting.retries.PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(Store, "objects", {})
    monkeypatch.setattr(Store, "reads", [])
    monkeypatch.setattr(Store, "failures", 0)
    return Store


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A Parquet file of many row groups, gzipped CSV, a tar and plain lines."""
    import io
    import json
    import tarfile

    draw = random.Random(3)
    rows = [(f"http://x/{n}", " ".join(draw.choices(["ann", "lee", "bo", "é", "at"], k=4))) for n in range(4000)]
    folder = tmp_path / "files"
    folder.mkdir()
    table = pa.table({"URL": [url for url, _ in rows[:3000]], "TEXT": [text for _, text in rows[:3000]]})
    pq.write_table(table, folder / "a.parquet", row_group_size=500)
    lines = "url,caption\n" + "".join(f"{url},{text}\n" for url, text in rows[3000:3400])
    (folder / "b.csv.gz").write_bytes(gzip.compress(lines.encode()))
    with tarfile.open(folder / "c.tar", "w") as archive:
        for number, (url, text) in enumerate(rows[3400:3600]):
            data = json.dumps({"url": url, "caption": text}).encode()
            member = tarfile.TarInfo(f"{number:05d}.json")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    (folder / "d.txt").write_text("".join(text + "\n" for _, text in rows[3600:]), encoding="utf-8")
    (folder / "notes.md").write_text("no captions")
    return folder


def upload(files: Path, filesystem: Any, root: str) -> None:
    for path in files.iterdir():
        filesystem.pipe_file(f"{root}/{path.name}", path.read_bytes())


def counted(captions: str, out: Path) -> tuple[bytes, pl.DataFrame]:
    count_captions([captions], CONCEPTS, out=out, sample=9, workers=1)
    return out.read_bytes(), pl.read_parquet(sample_path(out))


@pytest.mark.parametrize("pattern", ["store://bucket/laion/*", "store://bucket/laion/", "memory://laion/*", "file://"])
def test_same_as_files_here(files: Path, tmp_path: Path, pattern: str, store: type[Store]) -> None:
    if pattern.startswith("store"):
        store.objects.update({f"bucket/laion/{path.name}": path.read_bytes() for path in files.iterdir()})
    elif pattern.startswith("memory"):
        upload(files, fsspec.filesystem("memory"), "/laion")
    else:
        pattern = f"file://{files}/*"
    assert len(find_shards([pattern])) == 4
    here, there = counted(str(files), tmp_path / "here.csv"), counted(pattern, tmp_path / "there.csv")
    assert here[0] == there[0]
    assert here[1].equals(there[1])
    assert here[1].height == 18


def test_a_store_is_read_in_ranges(tmp_path: Path, store: type[Store]) -> None:
    """Of a Parquet file only the columns that are needed, never the whole at once."""
    blob = random.Random(1).randbytes(60_000).hex()
    columns = {"URL": ["http://x"] * 400, "TEXT": ["by bo"] * 400, "payload": [blob[n:] for n in range(400)]}
    pq.write_table(
        pa.table(columns), tmp_path / "a.parquet", row_group_size=100, use_dictionary=False, compression=None
    )
    store.objects["bucket/a.parquet"] = (tmp_path / "a.parquet").read_bytes()
    assert len(store.objects["bucket/a.parquet"]) > 40_000_000
    table = count_captions(["store://bucket/a.parquet"], CONCEPTS, out=tmp_path / "m.csv", workers=1)
    assert table["mentions"].to_list() == [0, 400]
    assert sum(end - start for _, start, end in store.reads) < 1_000_000


def test_a_store_that_fails_is_asked_again(files: Path, tmp_path: Path, store: type[Store]) -> None:
    store.objects["bucket/a.parquet"] = (files / "a.parquet").read_bytes()
    want = count_captions([str(files / "a.parquet")], CONCEPTS, out=tmp_path / "want.csv")
    store.failures = 2
    got = count_captions(["store://bucket/a.parquet"], CONCEPTS, out=tmp_path / "got.csv", workers=1)
    assert got.equals(want)
    store.failures = 1000
    with pytest.raises(InputError, match=r"store://bucket/a\.parquet: cannot be read \(.*503 slow down\)"):
        count_captions(["store://bucket/*.parquet"], CONCEPTS, out=tmp_path / "no.csv", workers=1)


def test_resume_notices_a_changed_object(files: Path, tmp_path: Path, store: type[Store]) -> None:
    for number in range(2):
        store.objects[f"bucket/{number}.parquet"] = (files / "a.parquet").read_bytes()
    out = tmp_path / "m.csv"
    first = count_captions(["store://bucket/*"], CONCEPTS, out=out, workers=1)
    results = set(shards_path(out).glob("*.parquet"))
    store.reads.clear()
    assert count_captions(["store://bucket/*"], CONCEPTS, out=out, workers=1).equals(first)
    assert store.reads == []
    pq.write_table(pa.table({"TEXT": ["bo"]}), tmp_path / "new.parquet")
    store.objects["bucket/1.parquet"] = (tmp_path / "new.parquet").read_bytes()
    again = count_captions(["store://bucket/*"], CONCEPTS, out=out, workers=1)
    assert again["mentions"].to_list() == [first["mentions"][0] // 2, first["mentions"][1] // 2 + 1]
    assert len(results & set(shards_path(out).glob("*.parquet"))) == 1
    assert {path for path, _, _ in store.reads} == {"bucket/1.parquet"}


def test_what_is_not_there(store: type[Store], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"names no caption file|cannot be listed"):
        find_shards(["store://bucket/*.parquet"])
    with pytest.raises(
        InputError, match=r"nosuch://b/\*: cannot be listed .*; accepted: a file, folder or glob, or a URL"
    ):
        find_shards(["nosuch://b/*"])
    assert size("store://bucket/a.parquet") == 0
    with pytest.raises(OSError, match="bucket"):
        identity("store://bucket/a.parquet")
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(
        MissingRequirement, match=r"store://b/a needs the package fsspec: pip install 'mimetic2\[remote\]'"
    ):
        find_shards(["store://b/a"])


def test_a_protocol_whose_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, "s3", raising=False)  # where another test has used it
    with pytest.raises(MissingRequirement, match=r"reading s3://b/\*\.parquet needs another package: Install s3fs"):
        find_shards(["s3://b/*.parquet"])
