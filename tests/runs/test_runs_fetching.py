"""A study that fetches by itself: captions with links to a server of our own, to counts and a report."""

from __future__ import annotations

import contextlib
import io
import json
import math
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from PIL import Image

import mimetic2
from mimetic2.domains import load_domain
from mimetic2.errors import InputError
from mimetic2.files import folder_name
from mimetic2.lab import painters, reference_pictures

pytest.importorskip("torch")
pytest.importorskip("pyarrow")
pytest.importorskip("httpx2")

N = 9


class Shelf:
    """A web server with pictures, and what it was asked for."""

    def __init__(self, pictures: dict[str, bytes]) -> None:
        self.pictures, self.asked, self.delay = pictures, Counter[str](), 0.0
        shelf = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *arguments: Any) -> None:
                pass

            def do_GET(self) -> None:
                shelf.asked[self.path] += 1
                time.sleep(shelf.delay)
                body = shelf.pictures.get(self.path)
                self.send_response(404 if body is None else 200)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    self.wfile.write(body or b"")

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.base = f"http://127.0.0.1:{self.server.server_address[1]}"

    @property
    def images_asked(self) -> int:
        return sum(number for path, number in self.asked.items() if path != "/robots.txt")


def png(pixels: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize((96, 96), Image.Resampling.NEAREST).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Shelf]]:
    """Painters with 1 to N mentions: the last shows somebody else, one link is dead, one row is flagged unsafe."""
    folder = tmp_path_factory.mktemp("world")
    pictures = reference_pictures(27 + N)
    listed = painters()[:N]
    shelf_pictures: dict[str, bytes] = {}
    rows = []
    for number, painter in enumerate(listed):
        own = pictures[painter.name]
        for kind, first, last in (("reference", 0, 24), ("generated", 24, 27)):
            target = folder / kind / folder_name(painter.name)
            target.mkdir(parents=True)
            for index in range(first, last):
                (target / f"{index}.png").write_bytes(png(own[index]))
        for index in range(number + 1):
            path = f"/{number}/{index}.png"
            shelf_pictures[path] = png(own[27 + index])
            rows.append((path, f"a picture by {painter.name}", 0.0))
    shelf_pictures[f"/{N - 1}/0.png"] = png(pictures[listed[0].name][27])
    del shelf_pictures[f"/{N - 1}/1.png"]
    shelf = Shelf(shelf_pictures)
    rows.append(("/unsafe.png", f"{listed[-1].name} again", 0.9))
    table = pl.DataFrame(rows, schema=["URL", "TEXT", "punsafe"], orient="row")
    table.with_columns((shelf.base + pl.col("URL")).alias("URL")).write_parquet(folder / "captions.parquet")
    (folder / "concepts.csv").write_text("concept\n" + "".join(f"{painter.name}\n" for painter in listed))
    study = {"name": "web", "domain": "lab", "captions": "captions.parquet", "concepts": "concepts.csv"}
    study |= {"reference": "reference", "generated": "generated", "fetch": {"allow_loopback": True, "attempts": 1}}
    (folder / "study.yaml").write_text(yaml.safe_dump(study))
    thread = threading.Thread(target=shelf.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield folder, shelf
    shelf.server.shutdown()
    shelf.server.server_close()
    thread.join()


def test_a_study_fetches_counts_and_reports_by_itself(world: tuple[Path, Shelf], tmp_path: Path) -> None:
    folder, shelf = world
    result = mimetic2.run(folder / "study.yaml", tmp_path / "run")
    assert result.done == ("count", "fetch", "verify", "embed", "score", "threshold", "report")
    counts = {row["concept"]: row for row in result.counts.iter_rows(named=True)}
    first, last = painters()[0].name, painters()[N - 1].name
    assert (counts[first]["mentions"], counts[first]["count"], counts[first]["distinct_is"]) == ("1", "1", "exact")
    assert [counts[last][key] for key in ("mentions", "sampled", "alive", "verified")] == ["10", "10", "8", "7"]
    assert counts[last]["count"] == "9"
    mentions = N * (N + 1) // 2 + 1
    steps = {"mentions": mentions, "sampled": mentions, "alive": mentions - 2, "verified": mentions - 3}
    funnel = json.loads((tmp_path / "run" / "verify" / "funnel.json").read_text())
    assert funnel == {**steps, "dead": {"HTTP 404": 1, "flagged unsafe": 1}, "unjudged": {}}
    assert result.excluded["fetch"] == {"HTTP 404": 1, "flagged unsafe": 1}
    assert shelf.asked["/unsafe.png"] == 0
    asked = shelf.images_asked
    assert mimetic2.run(folder / "study.yaml", tmp_path / "run").done == ()
    shutil.rmtree(tmp_path / "run" / "verify")
    assert mimetic2.run(folder / "study.yaml", tmp_path / "run").done[0] == "verify"
    assert shelf.images_asked == asked
    assert (tmp_path / "run" / "fetch") in mimetic2.remove_biometrics(tmp_path / "run")


def test_a_run_killed_while_it_fetches_ends_with_the_same_bytes(world: tuple[Path, Shelf], tmp_path: Path) -> None:
    folder, shelf = world
    whole = mimetic2.run(folder / "study.yaml", tmp_path / "whole")
    study = yaml.safe_load((folder / "study.yaml").read_text())
    study["fetch"] |= {"per_host": 1}
    (folder / "slow.yaml").write_text(yaml.safe_dump(study))
    asked, shelf.delay = shelf.images_asked, 0.05
    command = [sys.executable, "-c", "from mimetic2.cli.main import main; main()", "run", str(folder / "slow.yaml")]
    process = subprocess.Popen([*command, "--out", str(tmp_path / "killed")], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while shelf.images_asked < asked + 10 and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        process.kill()
        process.wait()
        shelf.delay = 0.0
    kept = shelf.images_asked - asked
    assert 10 <= kept < 40
    again = mimetic2.run(folder / "slow.yaml", tmp_path / "killed")
    assert again.done[0] == "fetch"
    assert shelf.images_asked - asked - kept <= 45 - kept + 1
    for name in ("counts.csv", "scores.csv", "threshold.json", "verify/funnel.json"):
        assert (again.folder / name).read_bytes() == (whole.folder / name).read_bytes(), name


def test_links_of_the_web_without_fetching_are_a_mistake(world: tuple[Path, Shelf], tmp_path: Path) -> None:
    folder, shelf = world
    asked = shelf.images_asked
    study = yaml.safe_load((folder / "study.yaml").read_text()) | {"fetch": False}
    (folder / "offline.yaml").write_text(yaml.safe_dump(study))
    with pytest.raises(InputError, match="'fetch: true' to fetch them, or 'images_of_captions: FOLDER'"):
        mimetic2.run(folder / "offline.yaml", tmp_path / "run")
    assert shelf.images_asked == asked


def test_counts_are_corrected_by_a_cut_off_of_one_s_own(world: tuple[Path, Shelf], tmp_path: Path) -> None:
    """A cut-off that was measured to reject everything and to miss a tenth: counts go up by that tenth."""
    folder, _ = world
    own = load_domain("lab").cutoffs[0].model_dump()
    own["rates"] = {"passed": 9_000, "positives": 10_000, "rejected": 10_000, "negatives": 10_000}
    (tmp_path / "cutoff.json").write_text(json.dumps({"schema_version": 1, "cutoff": own}))
    study = yaml.safe_load((folder / "study.yaml").read_text())
    study |= {key: str(folder / study[key]) for key in ("concepts", "reference", "generated", "captions")}
    study |= {"cutoff": "cutoff.json", "correct": True}
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study))
    counts = mimetic2.run(tmp_path / "study.yaml", tmp_path / "run").counts
    last = counts.filter(pl.col("concept") == painters()[N - 1].name).row(0, named=True)
    assert (last["verified"], last["alive"], last["mentions"]) == ("7", "8", "10")
    assert int(last["count"]) == math.floor(10 * (7 / 8) / 0.9 + 0.5)
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study | {"correct": False}))
    again = mimetic2.run(tmp_path / "study.yaml", tmp_path / "run")
    assert again.done[0] == "verify"


def test_the_study_s_choices_reach_the_count(
    world: tuple[Path, Shelf], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = world
    study = yaml.safe_load((folder / "study.yaml").read_text())
    study |= {"engine": "ray", "address": "head:1", "workers": 3, "allow_missing": "2%", "sample": 7, "seed": 5}
    (folder / "choices.yaml").write_text(yaml.safe_dump(study | {"text_column": "TEXT", "url_column": "URL"}))
    seen: dict[str, Any] = {}

    def count(captions: Any, concepts: Any, **options: Any) -> None:
        seen.update(options)
        raise InputError("seen enough")

    monkeypatch.setattr("mimetic2.counting.counts.count_captions", count)
    with pytest.raises(InputError, match="seen enough"):
        mimetic2.run(folder / "choices.yaml", tmp_path / "run")
    expected = {"engine": "ray", "address": "head:1", "workers": 3, "allow_missing": 0.02, "sample": 7, "seed": 5}
    expected |= {"text_column": "TEXT", "url_column": "URL"}
    assert {key: seen[key] for key in expected} == expected


def test_a_domain_without_a_cut_off_is_refused_before_anything_is_done(
    world: tuple[Path, Shelf], tmp_path: Path
) -> None:
    folder, _ = world
    study = yaml.safe_load((folder / "study.yaml").read_text()) | {"domain": "art-style"}
    (folder / "style.yaml").write_text(yaml.safe_dump(study))
    with pytest.raises(InputError, match="no verification cut-off for style-lite"):
        mimetic2.run(folder / "style.yaml", tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_captions_that_cannot_be_read_widen_the_counts(world: tuple[Path, Shelf], tmp_path: Path) -> None:
    folder, _ = world
    (tmp_path / "captions").mkdir()
    frame = pl.read_parquet(folder / "captions.parquet").filter(~pl.col("URL").str.ends_with("unsafe.png"))
    frame.head(30).write_parquet(tmp_path / "captions" / "a.parquet")
    frame.tail(10).write_parquet(tmp_path / "captions" / "b.parquet")
    whole = (tmp_path / "captions" / "b.parquet").read_bytes()
    (tmp_path / "captions" / "b.parquet").write_bytes(whole[: len(whole) // 2])
    study = yaml.safe_load((folder / "study.yaml").read_text())
    study |= {key: str(folder / study[key]) for key in ("concepts", "reference", "generated")}
    study |= {"captions": "captions/*.parquet", "allow_missing": "50%"}
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study))
    result = mimetic2.run(tmp_path / "study.yaml", tmp_path / "run")
    assert any("1 of 2 caption files could not be read" in text for text in result.warnings)
    assert "could not be read" in result.report.read_text()
    row = result.counts.row(0, named=True)
    assert (row["mentions"], row["count"]) == ("1", "1")
    assert int(row["count_high"]) > 1
