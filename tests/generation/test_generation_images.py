"""The stage: what it writes, what an image depends on, and what happens when it is interrupted."""

from __future__ import annotations

import errno
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import mimetic2.generation.store as store_module
from mimetic2.concepts import Concept
from mimetic2.errors import InputError, Interrupted
from mimetic2.generation import generate_with, image_seed
from mimetic2.generation.batches import batch_shape, batches_of
from mimetic2.generation.prompts import jobs_of
from mimetic2.generation.quality import ALL_BLACK, CONSTANT, NOT_A_NUMBER, fault

PROMPTS = ["a painting by {concept}", "{concept}'s house"]
A, B, C = Concept("Ada"), Concept("Bruno: the 2nd"), Concept("Carla")


def contents(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*.png")}


def test_folders_table_and_seeds(backend: Any, tmp_path: Path) -> None:
    table = generate_with(backend, [A, B], PROMPTS, tmp_path, images=3, seed=7)
    assert table.columns == ["concept", "prompt", "index", "seed", "path", "status", "reason"]
    assert table.height == 12
    assert set(contents(tmp_path)) == set(table["path"])
    assert "Bruno%3A the 2nd/1/2.png" in set(table["path"])
    for concept, prompt, index, seed, path, status, reason in table.iter_rows():
        assert seed == image_seed(7, concept, PROMPTS[prompt], index)
        assert (status, reason) == ("ok", None)
        expected = np.random.default_rng(seed).integers(0, 256, (8, 8, 3))
        assert (np.asarray(Image.open(tmp_path / path)) == expected).all()
    assert (tmp_path / "images.csv").read_text().startswith("concept,prompt,index,seed,path,status,reason\nAda,0,0,")
    assert not list(tmp_path.rglob("*.tmp"))


@given(n=st.integers(1, 200), size=st.integers(1, 90))
def test_batches_have_one_shape_and_hold_each_job_once(n: int, size: int) -> None:
    jobs = jobs_of("x", ["{concept}"], n, 0)
    batches = batches_of(jobs, size)
    assert {len(batch.jobs) for batch in batches} == {batch_shape(n, size)}
    assert batch_shape(n, size) <= size
    assert [job for batch in batches for job in batch.wanted] == jobs
    assert sum(len(batch.jobs) for batch in batches) - n < len(batches)


def test_a_batch_does_not_depend_on_other_concepts_or_their_order(backend: Any, tmp_path: Path) -> None:
    generate_with(backend, [A, B, C], PROMPTS, tmp_path / "all", images=5)
    everything = backend.batches
    backend.batches = []
    generate_with(backend, [C, A], PROMPTS, tmp_path / "two", images=5)
    assert all(batch in everything for batch in backend.batches)
    assert {len({job.concept for job in batch}) for batch in everything} == {1}


def test_again_makes_nothing_and_more_concepts_only_the_new_ones(backend: Any, tmp_path: Path) -> None:
    first = generate_with(backend, [A], PROMPTS, tmp_path, images=3)
    before = contents(tmp_path)
    backend.batches = []
    assert generate_with(backend, [A], PROMPTS, tmp_path, images=3).equals(first)
    assert backend.batches == []
    generate_with(backend, [A, B], PROMPTS, tmp_path, images=3)
    assert {job.concept for batch in backend.batches for job in batch} == {B.name}
    assert before.items() <= contents(tmp_path).items()


def test_following_stages_take_what_the_last_call_was_about(backend: Any, tmp_path: Path) -> None:
    from mimetic2.embedding import find_images

    generate_with(backend, [A, B], PROMPTS, tmp_path, images=2)
    generate_with(backend, [B], PROMPTS, tmp_path, images=2)
    assert set(find_images(tmp_path)["concept"]) == {B.name}
    assert len(contents(tmp_path)) == 8  # nothing is deleted: the longer list may come back
    backend.batches = []
    generate_with(backend, [A, B], PROMPTS, tmp_path, images=2)
    assert backend.batches == []
    assert set(find_images(tmp_path)["concept"]) == {A.name, B.name}


def test_while_images_are_made_no_table_speaks_for_them(backend: Any, tmp_path: Path) -> None:
    generate_with(backend, [A], PROMPTS, tmp_path, images=2)

    def look(batch: int) -> None:
        assert not (tmp_path / "images.csv").exists()

    backend.before = look
    generate_with(backend, [A, B], PROMPTS, tmp_path, images=2)
    assert (tmp_path / "images.csv").exists()


def test_lost_and_truncated_files_are_made_again(backend: Any, tmp_path: Path) -> None:
    generate_with(backend, [A, B], PROMPTS, tmp_path, images=3)
    whole = contents(tmp_path)
    (tmp_path / "Ada/0/1.png").unlink()
    (tmp_path / "Ada/1/2.png").write_bytes(whole["Ada/1/2.png"][:50])
    backend.batches = []
    generate_with(backend, [A, B], PROMPTS, tmp_path, images=3)
    assert contents(tmp_path) == whole
    assert {job.concept for batch in backend.batches for job in batch} == {"Ada"}


def test_an_interrupted_run_goes_on_to_the_same_bytes(backend: Any, tmp_path: Path) -> None:
    generate_with(backend, [A, B, C], PROMPTS, tmp_path / "whole", images=5)
    backend.batches = []

    def stop(batch: int) -> None:
        if batch == 4:
            raise KeyboardInterrupt

    backend.before = stop
    with pytest.raises(KeyboardInterrupt):
        generate_with(backend, [A, B, C], PROMPTS, tmp_path / "cut", images=5)
    done = len(contents(tmp_path / "cut"))
    assert 0 < done < 30
    assert not (tmp_path / "cut/images.csv").exists()
    backend.before = lambda batch: None
    generate_with(backend, [A, B, C], PROMPTS, tmp_path / "cut", images=5)
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")
    assert (tmp_path / "cut/images.csv").read_bytes() == (tmp_path / "whole/images.csv").read_bytes()


_SLOW_RUN = """
import sys, time
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from conftest import NumpyBackend
from mimetic2.concepts import Concept
from mimetic2.generation import generate_with
backend = NumpyBackend()
backend.before = lambda batch: time.sleep(float(sys.argv[3]))
names = [Concept(f"painter {n}") for n in range(20)]
generate_with(backend, names, ["{concept}"], Path(sys.argv[2]), images=8)
"""


def test_killed_at_any_moment_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    def start(out: str, pause: float) -> subprocess.Popen[bytes]:
        arguments = [sys.executable, "-c", _SLOW_RUN, str(Path(__file__).parent), str(tmp_path / out), str(pause)]
        return subprocess.Popen(arguments, stderr=subprocess.DEVNULL)

    assert start("whole", 0).wait(60) == 0
    for kill in range(3):
        run = start("killed", 0.03)
        deadline = time.monotonic() + 30
        goal = 15 * (kill + 1)
        while len(contents(tmp_path / "killed")) < goal and time.monotonic() < deadline:
            time.sleep(0.005)
        run.kill()
        run.wait(10)
        assert len(contents(tmp_path / "killed")) < 160
    assert start("killed", 0).wait(60) == 0
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")
    assert (tmp_path / "killed/images.csv").read_bytes() == (tmp_path / "whole/images.csv").read_bytes()


def test_faults_are_recorded_never_written_and_not_tried_again(backend: Any, tmp_path: Path) -> None:
    backend.spoil = lambda job: ALL_BLACK if (job.prompt, job.index) == (1, 0) else None
    table = generate_with(backend, [A], PROMPTS, tmp_path, images=2)
    row = table.filter(pl.col("status") == "excluded").row(0, named=True)
    assert (row["prompt"], row["index"], row["path"], row["reason"]) == (1, 0, None, ALL_BLACK)
    assert not (tmp_path / "Ada/1/0.png").exists()
    backend.batches = []
    generate_with(backend, [A], PROMPTS, tmp_path, images=2)
    assert backend.batches == []


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        (np.full((4, 4, 3), np.nan), NOT_A_NUMBER),
        (np.zeros((4, 4, 3)), ALL_BLACK),
        (np.full((4, 4, 3), 0.001), ALL_BLACK),
        (np.full((4, 4, 3), 0.5), CONSTANT),
        (np.broadcast_to([0.1, 0.5, 0.9], (4, 4, 3)), CONSTANT),
        (np.eye(4)[..., None].repeat(3, 2), None),
    ],
)
def test_pictures_that_show_nothing(picture: Any, reason: str | None) -> None:
    assert fault(picture.astype(np.float32)) == reason


def test_other_settings_are_refused_until_restarted(backend: Any, tmp_path: Path) -> None:
    generate_with(backend, [A], PROMPTS, tmp_path, images=2)
    with pytest.raises(InputError, match="made with --seed 0, not 1"):
        generate_with(backend, [A], PROMPTS, tmp_path, images=2, seed=1)
    with pytest.raises(InputError, match="--batch-size 4, not 2"):
        generate_with(backend, [A], PROMPTS, tmp_path, images=2, batch_size=2)
    backend.version = 2
    with pytest.raises(InputError, match=r'model "noise-1", not "noise-2"'):
        generate_with(backend, [A], PROMPTS, tmp_path, images=2)
    generate_with(backend, [B], PROMPTS, tmp_path, images=1, seed=1, restart=True)
    assert len(contents(tmp_path)) == 2


@pytest.mark.parametrize(
    ("concepts", "prompts", "images", "message"),
    [
        ([], PROMPTS, 1, "no concept"),
        ([Concept("child", minor=True)], PROMPTS, 1, "no concept"),
        ([A], [], 1, "no prompt"),
        ([A], ["a painting"], 1, r"does not contain \{concept\}"),
        ([A], ["{concept}", "{concept} "], 1, "twice"),
        ([A], PROMPTS, 0, "images is 0"),
        ([Concept("é"), Concept("e\u0301")], PROMPTS, 1, "share the folder"),
    ],
)
def test_wrong_input(backend: Any, tmp_path: Path, concepts: Any, prompts: Any, images: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        generate_with(backend, concepts, prompts, tmp_path, images=images)


def test_minors_are_left_out(backend: Any, tmp_path: Path) -> None:
    table = generate_with(backend, [A, Concept("child", minor=True)], PROMPTS, tmp_path, images=1)
    assert set(table["concept"]) == {"Ada"}


def test_a_full_disk_stops_cleanly(backend: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write, written = store_module._write_png, []

    def until_full(path: Path, picture: Any) -> int:
        if len(written) == 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(path)
        return write(path, picture)

    with monkeypatch.context() as patch:
        patch.setattr(store_module, "_write_png", until_full)
        with pytest.raises(Interrupted, match=r"full.*run the same command again"):
            generate_with(backend, [A, B], PROMPTS, tmp_path, images=3)
    assert generate_with(backend, [A, B], PROMPTS, tmp_path, images=3).height == len(contents(tmp_path)) == 12


def test_an_error_in_the_writer_is_not_lost(backend: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(path: Path, picture: Any) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(store_module, "_write_png", broken)
    with pytest.raises(ZeroDivisionError):
        generate_with(backend, [A, B, C], PROMPTS, tmp_path, images=30)


def test_a_second_process_is_refused(backend: Any, tmp_path: Path) -> None:
    store = store_module.Store(tmp_path)
    try:
        with pytest.raises(InputError, match="another process"):
            generate_with(backend, [A], PROMPTS, tmp_path, images=1)
    finally:
        store.close()


def test_a_foreign_state_file_is_named(backend: Any, tmp_path: Path) -> None:
    (tmp_path / store_module.STATE_NAME).write_bytes(b"not a database, and long enough to be read as one" * 100)
    with pytest.raises(InputError, match=r"images\.sqlite"):
        generate_with(backend, [A], PROMPTS, tmp_path, images=1)
