"""Every kind of caption file gives the same counts and the same sample, and says what is wrong with it."""

from __future__ import annotations

import csv
import gzip
import io
import json
import tarfile
from pathlib import Path

import pytest

from mimetic2.counting.captions import find_shards
from mimetic2.counting.readers import Columns, UnreadableShard, batches
from mimetic2.errors import InputError

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
zstandard = pytest.importorskip("zstandard")

ROWS = [
    ("http://a/1.jpg", "Mat Fraser, in London"),
    ("http://a/2.jpg", 'a "quoted"\ncaption'),
    ("http://a/3.jpg", ""),
    ("http://a/4.jpg", "Jose\u0301, naïve ﬁne 葛飾"),
]


def write(path: Path, rows: list[tuple[str, str]] = ROWS) -> Path:
    plain = path.with_suffix("") if path.suffix in (".gz", ".zst") else path
    if plain.suffix == ".parquet":
        pq.write_table(pa.table({"URL": [row[0] for row in rows], "TEXT": [row[1] for row in rows]}), path)
        return path
    if plain.suffix == ".tar":
        with tarfile.open(path, "w") as archive:
            for number, (url, text) in enumerate(rows):
                for ending, data in (("jpg", b"x"), ("json", json.dumps({"url": url, "caption": text}).encode())):
                    member = tarfile.TarInfo(f"{number:05d}.{ending}")
                    member.size = len(data)
                    archive.addfile(member, io.BytesIO(data))
        return path
    out = io.StringIO(newline="")
    if plain.suffix == ".csv":
        writer = csv.writer(out)
        writer.writerows([("url", "width", "caption"), *((url, 3, text) for url, text in rows)])
    else:
        out.writelines(json.dumps({"url": url, "caption": text}) + "\n" for url, text in rows)
    data = out.getvalue().encode()
    if path.suffix == ".gz":
        data = gzip.compress(data)
    if path.suffix == ".zst":
        half = len(data) // 2  # two frames, as appended files have
        data = zstandard.compress(data[:half]) + zstandard.compress(data[half:])
    path.write_bytes(data)
    return path


def read(path: Path, columns: Columns | None = None) -> list[tuple[str | None, str]]:
    found = []
    for texts, urls, _ in batches(str(path), columns or Columns()):
        captions = [text.decode() if isinstance(text, bytes) else text for text in texts.to_pylist()]
        links = [None] * len(captions) if urls is None else urls.to_pylist()
        found += [
            (link.decode() if isinstance(link, bytes) else link, caption)
            for link, caption in zip(links, captions, strict=True)
        ]
    return found


@pytest.mark.parametrize(
    "name", ["a.parquet", "a.csv", "a.jsonl", "a.tar", "a.csv.gz", "a.csv.zst", "a.jsonl.gz", "a.jsonl.zst"]
)
def test_kinds(tmp_path: Path, name: str) -> None:
    assert read(write(tmp_path / name)) == ROWS


def test_plain_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("one\r\n\nthrée".encode())
    assert read(path) == [(None, "one"), (None, ""), (None, "thrée")]


def test_webdataset_with_text_members(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        for name, data in [("x/1.jpg", b"x"), ("x/1.txt", b"one"), ("x/2.txt", b"two"), ("x/3.jpg", b"x")]:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    assert [caption for _, caption in read(path)] == ["one", "two"]


@pytest.mark.parametrize("endings", [("json", "txt"), ("txt", "json")])
def test_webdataset_takes_the_caption_of_the_json(tmp_path: Path, endings: tuple[str, str]) -> None:
    texts = {"json": b'{"caption": "of the json", "url": "u"}', "txt": b"of the txt"}
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for ending in endings:
            member = tarfile.TarInfo(f"1.{ending}")
            member.size = len(texts[ending])
            archive.addfile(member, io.BytesIO(texts[ending]))
    assert read(tmp_path / "a.tar") == [("u", "of the json")]


@pytest.mark.parametrize("filler", [0, 100_000])
def test_captions_that_are_not_utf8(tmp_path: Path, filler: int) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"url,caption\n" + b"u,ann\n" * filler + b"u,Picasso Jos\xe9\n")
    *_, last = batches(str(path), Columns())
    assert last.texts[-1].as_py() == b"Picasso Jos\xe9"


def test_parquet_types(tmp_path: Path) -> None:
    texts = ["mat fraser", "é", None]
    for type_ in (pa.large_string(), pa.dictionary(pa.int32(), pa.string()), pa.binary(), pa.string_view()):
        path = tmp_path / "a.parquet"
        pq.write_table(pa.table({"caption": pa.array(texts, pa.string()).cast(type_)}), path)
        assert [caption for _, caption in read(path)] == texts


def test_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"alt": ["a"], "mine": ["b"], "link": ["c"], "n": [1]}), path)
    assert read(path) == [(None, "a")]
    assert read(path, Columns("mine", "link")) == [("c", "b")]
    with pytest.raises(InputError, match=r"a.parquet: column 'other': is missing; the columns are: alt, mine"):
        read(path, Columns("other"))
    with pytest.raises(InputError, match=r"column 'n': holds int64; accepted: text"):
        read(path, Columns("n"))
    pq.write_table(pa.table({"n": ["x"]}), path)
    with pytest.raises(InputError, match=r"no column of captions among: n; accepted: TEXT, .* or --text-column"):
        read(path)


@pytest.mark.parametrize("name", ["a.parquet", "a.tar", "a.csv.gz", "a.csv.zst", "a.jsonl"])
def test_cut_short(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, ROWS * 500)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3 + 1])
    with pytest.raises(UnreadableShard):
        read(path)


def test_shards_are_found_sorted_and_once(tmp_path: Path) -> None:
    for name in ("b.parquet", "a.csv", "notes.md", "c.jsonl.gz"):
        (tmp_path / name).write_bytes(b"x")
    names = [
        Path(path).name for path in find_shards([str(tmp_path), str(tmp_path / "*.csv"), str(tmp_path / "b.parquet")])
    ]
    assert names == ["a.csv", "b.parquet", "c.jsonl.gz"]
    with pytest.raises(InputError, match=r"names no caption file; accepted: .parquet .csv"):
        find_shards([str(tmp_path / "*.arrow")])


def test_what_is_left_out_of_a_folder_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An archive of img2dataset and its table have the same captions: read both, and every row would count twice."""
    for number in range(5):
        for ending in (".tar", ".parquet", "_stats.json"):
            (tmp_path / f"0000{number}{ending}").write_bytes(b"x")
    (tmp_path / "extra.parquet").write_bytes(b"x")
    found = [Path(path).name for path in find_shards([str(tmp_path)])]
    assert found == [*(f"0000{number}.tar" for number in range(5)), "extra.parquet"]
    said = capsys.readouterr().err.replace(f"{tmp_path}/", "").splitlines()
    assert said == [
        "left out, beside an archive of the same name, whose samples they list: "
        "00000.parquet, 00001.parquet, 00002.parquet and 2 more",
        "left out, of kinds that are not read: 00000_stats.json, 00001_stats.json, 00002_stats.json and 2 more",
    ]
    find_shards([str(tmp_path)], quiet=True)
    assert find_shards([str(tmp_path / "*.parquet")], quiet=True) == [
        *(str(tmp_path / f"0000{number}.parquet") for number in range(5)),
        str(tmp_path / "extra.parquet"),
    ]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("before", [0, 1, 60_000])
def test_a_row_longer_than_a_block_is_read_once(tmp_path: Path, before: int) -> None:
    """Also where rows of earlier blocks were handed on before the long one came."""
    texts = [f"text {number}" for number in range(before)] + ["a" * 3_000_000, "b,\n", "c" * 9_000_000, "end"]
    (tmp_path / "a.csv").write_text("caption\n" + "".join(f'"{text}"\n' for text in texts))
    assert [text for _, text in read(tmp_path / "a.csv")] == texts


def test_a_quotation_mark_that_is_never_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mimetic2.counting.readers.csv_file._BLOCK_BYTES", (1 << 10, 1 << 12))
    (tmp_path / "a.csv").write_text('caption\none\n"' + "two\n" * 5000)
    with pytest.raises(UnreadableShard, match="a quotation mark that is not closed"):
        read(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b'{"caption": "x" "url": 1}', r"^row 3 is not JSON \(Expecting ',' delimiter at character 17\)$"),
        (b"[1]", "^row 3 is not a JSON object$"),
        (b'{"caption": "\xff"}', "^row 3 is not JSON that can be read"),
        (b"[" * 100_000, "^row 3 is not JSON that can be read"),
        (b'{"caption": ' + b"1" * 5000 + b"}", "^row 3 is not JSON that can be read"),
    ],
)
def test_a_line_that_is_no_json_is_named(tmp_path: Path, line: bytes, problem: str) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"caption": "x"}\n\n' + line + b"\n")
    with pytest.raises(UnreadableShard, match=problem):
        read(tmp_path / "a.jsonl")
