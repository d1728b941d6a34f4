"""The commands `fetch` and `verify`, end to end, and duplicates."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hostile import hostile_server
from hypothesis import given
from hypothesis import strategies as st

from mimetic2.cli.main import run
from mimetic2.counting.duplicates import count_duplicates, near_groups
from mimetic2.lab import painters, reference_pictures
from mimetic2.tables import read_table


def test_fetch_prints_the_funnel_and_resumes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with hostile_server() as server:
        table = pl.DataFrame({"concept": ["a", "a", "b"], "url": [server.url(f"/{p}") for p in ("1", "gone", "2")]})
        table.write_parquet(tmp_path / "s.parquet")
        (tmp_path / "concepts.csv").write_text("concept,minor\na,\nb,true\n")
        command = ["fetch", "--sample", str(tmp_path / "s.parquet"), "--out", str(tmp_path / "out"), "--allow-loopback"]
        command += ["--concepts", str(tmp_path / "concepts.csv"), "--json"]
        assert run(command) == 0
        funnel = json.loads(capsys.readouterr().out)
        assert funnel == {"links": 3, "fetched": 1, "HTTP 404": 1, "not a listed concept": 1}
        asked = server.requests
        assert run(command) == 0
        assert server.requests == asked
        assert (tmp_path / "out" / "00000").is_dir()
        assert json.loads((tmp_path / "out" / "funnel.json").read_text()) == funnel


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["fetch", "--sample", "absent.parquet", "--out", "o"], "no such file"),
        (["verify", "--concepts", "m.csv", "--reference", "r", "--out", "o.csv"], "neither --images nor --sample"),
        (
            [
                "verify",
                "--concepts",
                "m.csv",
                "--reference",
                "r",
                "--out",
                "o.csv",
                "--images",
                "i",
                "--sample",
                "s.csv",
            ],
            "neither --cutoff nor --domain",
        ),
        (["verify", "--concepts", "bad.csv", "--reference", "r", "--out", "o.csv", "--images", "i"], "'mentions'"),
    ],
)
def test_wrong_input_is_one_line_and_exit_code_2(
    arguments: list[str],
    problem: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("m.csv").write_text("concept,mentions\na,1\n")
    Path("s.csv").write_text("concept,url\na,u\n")
    Path("bad.csv").write_text("concept\na\n")
    assert run(arguments) == 2
    error = capsys.readouterr().err
    assert problem in error
    assert error.count("\n") == 1


def test_verify_counts_the_lab(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    from PIL import Image

    monkeypatch.chdir(tmp_path)
    one, other = painters()[0], painters()[1]
    for painter in (one, other):
        folder = Path("reference") / painter.name
        folder.mkdir(parents=True)
        for index, pixels in enumerate(reference_pictures(24)[painter.name]):
            Image.fromarray(pixels).save(folder / f"{index}.png")
    links = [f"lab://{one.slug}/boat/{n}" for n in range(5)] + [f"lab://{other.slug}/boat/1", "lab://lost/3"]
    pl.DataFrame({"concept": [one.name] * 7, "url": links, "multiplicity": [2, 1, 1, 1, 1, 1, 1]}).write_parquet(
        "s.parquet"
    )
    Path("m.csv").write_text(f"concept,mentions,group\n{one.name},80,x\n{other.name},0,x\n")
    command = ["verify", "--concepts", "m.csv", "--sample", "s.parquet", "--reference", "reference", "--out", "c.csv"]
    assert run([*command, "--json", "--cache", "cache"]) == 0
    funnel = json.loads(capsys.readouterr().out)
    assert funnel == {
        "mentions": 80,
        "sampled": 8,
        "alive": 7,
        "verified": 6,
        "dead": {"dead link": 1},
        "unjudged": {},
        "warnings": [],
    }
    table = read_table("c.csv")
    assert table["count"].to_list() == ["69", "0"]
    assert table["status"].to_list() == ["ok", "zero"]
    assert table["exact_duplicates"].to_list() == ["1", "0"]
    first = Path("c.csv").read_bytes(), Path("c.verified.parquet").read_bytes()
    assert run([*command, "--cache", "cache"]) == 0
    assert (Path("c.csv").read_bytes(), Path("c.verified.parquet").read_bytes()) == first
    assert run([*command, "--correct"]) == 0


def test_duplicates_are_told_from_distinct_pictures() -> None:
    marks = [bytes(32), bytes([1]) + bytes(31), b"\xff" * 32, bytes(32)]
    verified = pl.DataFrame(
        {
            "concept": ["a"] * 4,
            "multiplicity": [2, 1, 1, 1],
            "alive": [True] * 4,
            "verified": [True, True, True, True],
            "sha256": ["w", "x", "y", "w"],
            "fingerprint": marks,
        }
    )
    table = count_duplicates(verified, pl.DataFrame({"concept": ["a", "b"], "mentions": [5, 3]}))
    assert table.rows() == [("a", 2, 1, 2, "exact"), ("b", 0, 0, 0, "lower bound")]


@given(st.lists(st.integers(0, 255), min_size=1, max_size=12), st.integers(0, 3))
def test_groups_are_the_connected_components(values: list[int], bits: int) -> None:
    groups = near_groups(np.array(values, np.uint8)[:, None], bits)
    parent = list(range(len(values)))
    for _ in values:
        for i, a in enumerate(values):
            for j, b in enumerate(values):
                if (a ^ b).bit_count() <= bits:
                    parent[i] = parent[j] = min(parent[i], parent[j])
    assert [parent[i] == parent[j] for i in range(len(values)) for j in range(i)] == [
        groups[i] == groups[j] for i in range(len(values)) for j in range(i)
    ]


def test_a_killed_fetch_goes_on_and_ends_with_the_same_bytes(tmp_path: Path) -> None:
    with hostile_server() as server:
        server.robots = (200, "User-agent: *\nCrawl-delay: 0.1")
        links = [server.url(f"/{number}") for number in range(20)]
        pl.DataFrame({"concept": ["a"] * 20, "url": links}).write_parquet(tmp_path / "s.parquet")
        command = ["fetch", "--sample", str(tmp_path / "s.parquet"), "--allow-loopback", "--out"]
        program = "from mimetic2.cli.main import main; main()"
        killed = subprocess.Popen([sys.executable, "-c", program, *command, str(tmp_path / "killed")])
        deadline = time.monotonic() + 30
        while server.requests < 6 and time.monotonic() < deadline:
            time.sleep(0.02)
        killed.kill()
        killed.wait()
        assert 6 <= server.requests < 20
        assert run([*command, str(tmp_path / "killed")]) == 0
        assert server.requests <= 20 + 2
        server.robots = (404, "")
        assert run([*command, str(tmp_path / "whole")]) == 0
    files = [
        {path.name: path.read_bytes() for path in (tmp_path / name).glob("00000*/*")} for name in ("killed", "whole")
    ]
    assert files[0] == files[1]
    assert len(files[0]) == 3 * 20
    assert (tmp_path / "killed" / "00000.parquet").read_bytes() == (tmp_path / "whole" / "00000.parquet").read_bytes()
