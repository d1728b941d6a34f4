"""The local pool: every task once, whatever dies."""

from __future__ import annotations

import os
import signal
import time
from functools import partial
from pathlib import Path

import pytest

from mimetic2.engines import get_engine
from mimetic2.engines.deaths import WorkerLost
from mimetic2.engines.local import LocalEngine
from mimetic2.errors import InputError


def square(task: int) -> int:
    return task * task


def die_once(folder: Path, task: int) -> int:
    mark = folder / str(task)
    if task % 5 == 0 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return task


def die_always(task: int) -> int:
    if task == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return task


def fail(task: int) -> int:
    if task == 3:
        raise InputError("is bad", file="x.csv", row=3)
    return task


def tell_and_wait(folder: Path, task: int) -> int:
    (folder / f"{task}.{os.getpid()}").touch()
    time.sleep(0.2)
    return task


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_every_task_has_its_result(workers: int) -> None:
    results = dict(LocalEngine(workers).run(square, range(20)))
    assert results == {task: task * task for task in range(20)}
    assert list(LocalEngine(workers).run(square, [])) == []


def test_killed_workers_are_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = list(LocalEngine(2).run(partial(die_once, tmp_path), range(12)))
    assert sorted(results) == [(task, task) for task in range(12)]
    assert capsys.readouterr().err.count("was killed by signal 9") == 3


def test_killed_from_outside(tmp_path: Path) -> None:
    engine = LocalEngine(2).run(partial(tell_and_wait, tmp_path), range(8))
    results = [next(engine)]
    os.kill(int(max(tmp_path.iterdir(), key=lambda path: path.stat().st_mtime_ns).suffix[1:]), signal.SIGKILL)
    results += engine
    assert sorted(results) == [(task, task) for task in range(8)]


def test_a_task_that_kills_is_given_up() -> None:
    with pytest.raises(WorkerLost, match="3: 3 workers died of this task, the last was killed by signal 9"):
        list(LocalEngine(2).run(die_always, range(6)))


@pytest.mark.parametrize("workers", [1, 2])
def test_an_exception_comes_through(workers: int) -> None:
    with pytest.raises(InputError, match=r"x.csv: row 3: is bad"):
        list(LocalEngine(workers).run(fail, range(6)))


def test_engines_by_name() -> None:
    with pytest.raises(InputError, match="unknown engine 'dask'; accepted: local ray"):
        get_engine("dask")
    with pytest.raises(InputError, match="only the engine ray"):
        get_engine("local", address="a:1")
