"""Captions behind real protocols: an HTTP server that reads ranges and fails, and an S3 service, both on loopback."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import polars as pl
import pytest

from mimetic2.concepts import Concept
from mimetic2.counting.captions import find_shards
from mimetic2.counting.counts import count_captions, sample_path, shards_path, summary_path
from mimetic2.errors import InputError

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
fsspec = pytest.importorskip("fsspec")

CONCEPTS = [Concept("Ann Lee"), Concept("Bo")]
TEXTS = ["Ann Lee, Bo", "nobody", "bo", "ANN LEE again", "an Lee"]
ROWS = [(f"http://x/{number}", f"{TEXTS[number % 5]} {number}") for number in range(6000)]
# An interrupted transfer leaves its socket to the collector, which is aiohttp's affair and not what is tested here.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four files of captions of different kinds; the Parquet file has a column that no count needs."""
    monkeypatch.setattr("mimetic2.counting.retries.PAUSE_SECONDS", 0.0)
    folder = tmp_path / "files"
    folder.mkdir()
    for name, rows in (("a.parquet", ROWS[:3000]), ("b.parquet", ROWS[3000:4000])):
        columns = {"URL": [url for url, _ in rows], "TEXT": [text for _, text in rows]}
        columns["blob"] = [hashlib.sha512(url.encode()).hexdigest() * 4 for url, _ in rows]
        pq.write_table(pa.table(columns), folder / name, row_group_size=500, compression="none", use_dictionary=False)
    lines = "".join(json.dumps({"url": url, "caption": text}) + "\n" for url, text in ROWS[4000:5000])
    (folder / "c.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    (folder / "d.txt").write_text("".join(text + "\n" for _, text in ROWS[5000:]))
    return folder


class Server(ThreadingHTTPServer):
    """Objects by name; what goes wrong next, and what was sent."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.objects: dict[str, bytes] = {}
        self.ranges = True
        self.trouble: list[str] = []
        self.asked: list[str] = []
        self.sent = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        self.server.asked.append(f"{self.command} {self.path}")
        name = self.path.lstrip("/")
        if self.path.endswith("/"):
            links = (f'<a href="{other[len(name) :]}">x</a>' for other in self.server.objects if other.startswith(name))
            self._send(200, "".join(links).encode(), {"Content-Type": "text/html"}, body)
        elif name not in self.server.objects:
            self._send(404, b"", {}, body)
        else:
            self._object(self.server.objects[name], body)

    def _object(self, data: bytes, body: bool) -> None:
        trouble = self.server.trouble.pop(0) if body and self.server.trouble else ""
        headers = {"ETag": hashlib.sha256(data).hexdigest()}
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "") if self.server.ranges else None
        if self.server.ranges:
            headers["Accept-Ranges"] = "bytes"
        if trouble == "busy":
            self._send(503, b"slow down", {"Retry-After": "0"}, body)
        elif asked:
            first, last = int(asked[1]), min(int(asked[2] or len(data)), len(data) - 1)
            headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
            self._send(206, data[first : last + 1], headers, body, cut=trouble == "cut")
        else:
            self._send(200, data, headers, body, cut=trouble == "cut")

    def _send(self, status: int, data: bytes, headers: dict[str, str], body: bool, *, cut: bool = False) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if body:
            part = data[: len(data) // 2] if cut else data
            self.server.sent += len(part)
            self.wfile.write(part)
        if cut:
            self.close_connection = True
            self.connection.close()


@pytest.fixture
def server(files: Path) -> Iterator[Server]:
    pytest.importorskip("aiohttp")
    with Server() as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        running.objects = {f"laion/{path.name}": path.read_bytes() for path in files.iterdir()}
        yield running
        running.shutdown()


def counted(captions: str, out: Path, **options: float) -> tuple[bytes, pl.DataFrame]:
    count_captions([captions], CONCEPTS, out=out, sample=9, workers=1, **options)  # type: ignore[arg-type]
    return out.read_bytes(), pl.read_parquet(sample_path(out))


def assert_same(here: tuple[bytes, pl.DataFrame], there: tuple[bytes, pl.DataFrame]) -> None:
    assert here[0] == there[0]
    assert here[1].equals(there[1])


@pytest.mark.parametrize("pattern", ["/laion/*", "/laion/"])
def test_http_gives_what_files_here_give(server: Server, files: Path, tmp_path: Path, pattern: str) -> None:
    here = counted(str(files), tmp_path / "here.csv")
    assert_same(here, counted(server.url + pattern, tmp_path / "there.csv"))
    whole = len(server.objects["laion/a.parquet"]) + len(server.objects["laion/b.parquet"])
    assert server.sent < whole / 3  # the column that is not needed stays there
    server.asked.clear()
    assert_same(here, counted(server.url + pattern, tmp_path / "there.csv"))
    assert [line for line in server.asked if line.startswith("GET") and not line.endswith("/")] == []


def test_a_changed_object_is_counted_again_the_others_are_not(server: Server, tmp_path: Path) -> None:
    counted(server.url + "/laion/*", tmp_path / "m.csv")
    server.objects["laion/d.txt"] = b"bo\n" * 1000
    server.asked.clear()
    table, _ = counted(server.url + "/laion/*", tmp_path / "m.csv")
    assert {line for line in server.asked if line.startswith("GET") and not line.endswith("/")} == {"GET /laion/d.txt"}
    assert b"Bo,3000," in table  # 2 of 5 captions of the other 5 000, and the new 1 000


@pytest.mark.parametrize("trouble", ["busy", "cut"])
@pytest.mark.parametrize("name", ["a.parquet", "c.jsonl.gz", "d.txt"])
def test_what_fails_now_and_then_is_tried_again(
    server: Server, files: Path, tmp_path: Path, trouble: str, name: str
) -> None:
    server.trouble = [trouble, trouble]
    here, there = (
        counted(str(files / name), tmp_path / "here.csv"),
        counted(f"{server.url}/laion/{name}", tmp_path / "there.csv"),
    )
    assert_same(here, there)
    assert server.trouble == []


def test_what_always_fails_is_named_or_allowed(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.trouble = ["busy"] * 3
    with pytest.raises(InputError, match=r"laion/a\.parquet: cannot be read \(.*503"):
        counted(f"{server.url}/laion/*", tmp_path / "m.csv")
    assert "a.parquet: cannot be read" in capsys.readouterr().err
    server.trouble = ["busy"] * 3
    counted(f"{server.url}/laion/*", tmp_path / "m.csv", allow_missing=0.6)
    told = json.loads(summary_path(tmp_path / "m.csv").read_text())
    assert (told["rows"], told["missing_rows"]) == (3000, 3000)  # by the footer, which came when it was asked again


def test_a_server_without_ranges(server: Server, files: Path, tmp_path: Path) -> None:
    """Whole files can be read from it; of Parquet, which begins at its end, it is said why not."""
    server.ranges = False
    for name in ("c.jsonl.gz", "d.txt"):
        here = counted(str(files / name), tmp_path / "here.csv")
        assert_same(here, counted(f"{server.url}/laion/{name}", tmp_path / "there.csv"))
    with pytest.raises(InputError, match=r"a\.parquet: cannot be read .*range requests"):
        counted(f"{server.url}/laion/a.parquet", tmp_path / "there.csv")


def test_nothing_there(server: Server) -> None:
    with pytest.raises(InputError, match=r"laion/none\.parquet: cannot be listed"):
        find_shards([f"{server.url}/laion/none.parquet"])
    address = server.url
    server.shutdown()
    server.server_close()
    with pytest.raises(InputError, match="cannot be listed"):
        find_shards([f"{address}/other/*.parquet"])


@pytest.fixture
def bucket(files: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The files in a bucket of an S3 service on loopback, and credentials in the environment as s3fs finds them."""
    pytest.importorskip("s3fs")
    moto = pytest.importorskip("moto.server")
    pytest.importorskip("flask_cors")
    service = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    service.start()
    _, port = service.get_host_and_port()
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "testing"),
        ("AWS_SECRET_ACCESS_KEY", "testing"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}"),
    ):
        monkeypatch.setenv(name, value)
    store = fsspec.filesystem("s3", skip_instance_cache=True)
    root = f"laion{port}/en"  # a bucket of its own: the service's memory is the process's
    store.mkdir(root.split("/")[0])
    for path in files.iterdir():
        store.pipe_file(f"{root}/{path.name}", path.read_bytes())
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    yield f"s3://{root}"
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    service.stop()


@pytest.mark.slow
def test_s3_gives_what_files_here_give(bucket: str, files: Path, tmp_path: Path) -> None:
    here = counted(str(files), tmp_path / "here.csv")
    for pattern in (f"{bucket}/*", f"{bucket}/", bucket):
        assert find_shards([pattern]) == [f"{bucket}/{path.name}" for path in sorted(files.iterdir())]
        assert_same(here, counted(pattern, tmp_path / "there.csv"))


@pytest.mark.slow
def test_a_changed_object_of_s3_is_counted_again(bucket: str, tmp_path: Path) -> None:
    counted(bucket, tmp_path / "m.csv")
    results = set(shards_path(tmp_path / "m.csv").glob("*.parquet"))
    fsspec.filesystem("s3", skip_instance_cache=True).pipe_file(f"{bucket}/d.txt", b"bo\n" * 1000)
    table, _ = counted(bucket, tmp_path / "m.csv")
    assert b"Bo,3000," in table
    assert len(results & set(shards_path(tmp_path / "m.csv").glob("*.parquet"))) == 3


@pytest.mark.slow
def test_an_unknown_bucket_is_named(bucket: str) -> None:
    with pytest.raises(InputError, match=r"s3://elsewhere/\*: cannot be listed"):
        find_shards(["s3://elsewhere/*"])
