"""Packs: what goes in and what stays, the same bytes again, and every way in which a pack may not hold."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml

from mimetic2.cli.main import run as command
from mimetic2.errors import GateFailed, InputError
from mimetic2.packing import check_pack, pack_run
from mimetic2.threshold import threshold_of

Change = Callable[[dict[str, bytes]], None]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run as its files stand, with images, vectors, links and a key that must stay behind."""
    folder = tmp_path / "my-run"
    rng = np.random.default_rng(5)
    lines = ["concept,count,score"]
    lines += [f"C{i},{i * i},{(0.6 if i >= 10 else 0.1) + rng.normal(0, 0.02):.6f}" for i in range(40)]
    (folder / "score").mkdir(parents=True)
    (folder / "scores.csv").write_text("\n".join(lines) + "\n")
    (folder / "counts.csv").write_text("concept,count\n" + "".join(f"C{i},{i * i}\n" for i in range(40)))
    (folder / "score" / "prompts.csv").write_text("prompt,score\n0,0.5\n")
    (folder / "threshold.json").write_text(json.dumps(threshold_of(folder / "scores.csv").to_dict()))
    (folder / "study.yaml").write_text(yaml.safe_dump({"name": "invented", "domain": "faces"}))
    secrets = ("embed/generated.parquet", "generate/C1/0/0.png", "count/mentions.sample.parquet")
    for secret in (*secrets, "score/near_duplicates.csv", "score/excluded.csv"):
        (folder / secret).parent.mkdir(parents=True, exist_ok=True)
        (folder / secret).write_bytes(b"secret")
    (folder / ".pseudonyms.key").write_bytes(b"secret")
    names = ("scores.csv", "counts.csv", "threshold.json", "score/prompts.csv")
    digests = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}
    stages = {"score": {"outputs": digests}}
    (folder / "manifest.json").write_text(json.dumps({"schema_version": 1, "stages": stages, "warnings": []}))
    return folder


def altered(pack: Path, change: Change) -> Path:
    """A copy of a pack whose contents were changed."""
    with zipfile.ZipFile(pack) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    change(contents)
    out = pack.with_name("altered.zip")
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in contents.items():
            archive.writestr(name, data)
    return out


def reindexed(change: Change) -> Change:
    """A change by somebody who knows how to write an index and a manifest that fit."""

    def whole(contents: dict[str, bytes]) -> None:
        change(contents)
        manifest = json.loads(contents["manifest.json"])
        for name in manifest["stages"]["score"]["outputs"]:
            manifest["stages"]["score"]["outputs"][name] = hashlib.sha256(contents[name]).hexdigest()
        contents["manifest.json"] = json.dumps(manifest).encode()
        index = json.loads(contents["pack.json"])
        files = {name: hashlib.sha256(data).hexdigest() for name, data in contents.items() if name != "pack.json"}
        contents["pack.json"] = json.dumps({**index, "files": files}).encode()

    return whole


def moved(contents: dict[str, bytes]) -> None:
    """Say a lower threshold than the scores give."""
    document = json.loads(contents["threshold.json"])
    contents["threshold.json"] = json.dumps({**document, "threshold": 50}).encode()


def edited(contents: dict[str, bytes]) -> None:
    """Change a score."""
    contents["scores.csv"] = contents["scores.csv"].replace(b"C3,9,0.", b"C3,9,0.9", 1)


def test_a_pack_holds_tables_and_page_and_nothing_else(run: Path) -> None:
    made = pack_run(run)
    assert made.path == run.with_name("my-run.zip")
    assert set(made.names) == {
        *("manifest.json", "threshold.json", "counts.csv", "scores.csv", "study.yaml", "pack.json", "report.html"),
        "score/prompts.csv",
    }
    assert b"secret" not in b"".join(zipfile.ZipFile(made.path).read(name) for name in made.names)
    assert len(check_pack(made.path)) == 3
    assert pack_run(run, run.with_name("again.zip")).sha256 == made.sha256


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (edited, r"scores\.csv is not the file that the index names"),
        (lambda c: c.pop("score/prompts.csv"), r"differ in score/prompts\.csv"),
        (lambda c: c.update({"score/nulls.csv": b"x"}), r"differ in score/nulls\.csv"),
        (lambda c: c.update({"pack.json": b"{}"}), "is damaged"),
        (lambda c: c.update({"threshold.json": b"[]"}), r"threshold\.json is not the file"),
        (reindexed(moved), "scores.csv gives threshold 100, threshold.json says 50"),
        (reindexed(lambda c: c.update({"scores.csv": b"concept,count,score\nA,1,x\n"})), "gives no threshold"),
    ],
)
def test_a_pack_that_was_changed_fails(run: Path, change: Change, said: str) -> None:
    with pytest.raises(GateFailed, match=said):
        check_pack(altered(pack_run(run).path, change))


@pytest.mark.parametrize(
    "name", ["../evil.txt", "/etc/passwd", "score/../../x.csv", "embed/generated.parquet", "a.png"]
)
def test_a_pack_with_a_strange_name_is_refused(run: Path, name: str) -> None:
    with pytest.raises(InputError, match="which no pack has"):
        check_pack(altered(pack_run(run).path, lambda contents: contents.update({name: b"x"})))


def test_what_is_no_pack_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.zip").write_text("no archive")
    with pytest.raises(InputError, match="cannot be read"):
        check_pack(tmp_path / "text.zip")
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("scores.csv", bytes(300 << 20))
    with pytest.raises(InputError, match="unpacks to more"):
        check_pack(tmp_path / "bomb.zip")
    with zipfile.ZipFile(tmp_path / "empty.zip", "w") as archive:
        archive.writestr("scores.csv", b"")
    with pytest.raises(InputError, match=r"has no counts\.csv"):
        check_pack(tmp_path / "empty.zip")


def test_a_run_that_was_edited_or_is_not_finished_is_not_packed(run: Path) -> None:
    (run / "scores.csv").write_text((run / "scores.csv").read_text() + "C99,5,0.1\n")
    with pytest.raises(InputError, match=r"scores\.csv is not the file that the run wrote"):
        pack_run(run)
    (run / "counts.csv").unlink()
    with pytest.raises(InputError, match="not finished"):
        pack_run(run)


def test_the_command_packs_checks_and_exits_as_it_should(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(["pack", str(run), "--out", str(tmp_path / "p.zip")]) == 0
    assert capsys.readouterr().out.splitlines()[0] == str(tmp_path / "p.zip")
    assert command(["pack", "--check", str(tmp_path / "p.zip")]) == 0
    assert command(["pack", "--check", str(altered(tmp_path / "p.zip", edited))]) == 4
    assert command(["pack"]) == 2
    assert command(["pack", str(run), "--check", str(tmp_path / "p.zip")]) == 2
