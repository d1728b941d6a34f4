"""Files that are whole or absent; folders named after anything."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimetic2.files import atomic, concept_of_folder, folder_name, sha256, write_json, write_text


def test_a_file_is_replaced_only_when_the_block_ends_well(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "a.txt"
    write_text(path, "before")

    def fail() -> None:
        with atomic(path) as temporary:
            temporary.write_text("half")
            assert path.read_text() == "before"
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_text() == "before"
    assert os.listdir(path.parent) == ["a.txt"]


def test_a_killed_writer_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "before")
    script = (
        "import os, signal, sys; from pathlib import Path; from mimetic2.files import atomic\n"
        "with atomic(Path(sys.argv[1])) as t: t.write_text('half'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_text() == "before"
    assert [name for name in os.listdir(tmp_path) if not name.endswith(".tmp")] == ["a.txt"]


def test_text_is_utf_8_with_newlines_as_they_are(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "é\r\n\n")
    assert (tmp_path / "a").read_bytes() == b"\xc3\xa9\r\n\n"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a": [float("nan")]}])
def test_json_refuses_what_is_not_json(tmp_path: Path, value: object) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", value)
    assert not (tmp_path / "a.json").exists()


def test_json_is_readable(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"é": [1, None]})
    text = (tmp_path / "a.json").read_text()
    assert "é" in text
    assert text.endswith("}\n")
    assert json.loads(text) == {"é": [1, None]}


@given(st.binary(max_size=2000))
def test_sha256_agrees_with_hashlib(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("digest") / "a"
    path.write_bytes(data)
    assert sha256(path) == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("Ada Keller", "Ada Keller"),
        ("AC/DC", "AC%2FDC"),
        ('a\\b:c*d?e"f<g>h|i', "a%5Cb%3Ac%2Ad%3Fe%22f%3Cg%3Eh%7Ci"),
        ("100 %", "100 %25"),
        ("..", "%2E%2E"),
        (".hidden", "%2Ehidden"),
        ("a.b", "a.b"),
        ("tab\tnul\0", "tab%09nul%00"),
        ("e\u0301", "é"),
    ],
)
def test_folders_of_concepts(name: str, folder: str) -> None:
    assert folder_name(name) == folder


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30))
def test_a_folder_gives_back_its_concept(name: str) -> None:
    folder = folder_name(name)
    assert concept_of_folder(folder) == unicodedata.normalize("NFC", name)
    assert folder not in (".", "..")
    assert not set(folder) & set('/\\:*?"<>|\0\n')
