"""One writer: the lock names its holder, dies with it, and is not inherited by its children."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from mimetic2.errors import InputError
from mimetic2.locks import LOCK, writing

_HOLD = textwrap.dedent(
    """
    import os, sys, time
    from pathlib import Path
    from mimetic2.locks import writing
    with writing(Path(sys.argv[1])):
        if len(sys.argv) > 2 and os.fork() == 0:
            time.sleep(60)
            os._exit(0)
        print("held", flush=True)
        time.sleep(60)
    """
)


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([sys.executable, "-c", _HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_another_process_is_named(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    expected = f"pid {holder.pid} on host {socket.gethostname()}"
    with pytest.raises(InputError, match="another process is writing") as caught, writing(tmp_path):
        pass
    assert expected in str(caught.value)


def test_the_lock_of_a_killed_process_is_taken_over(
    tmp_path: Path, holder: subprocess.Popen[str], capsys: pytest.CaptureFixture[str]
) -> None:
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with writing(tmp_path):
        assert json.loads((tmp_path / LOCK).read_text())["pid"] == os.getpid()
    assert f"taking over from pid {holder.pid}" in capsys.readouterr().err


def test_surviving_children_do_not_keep_the_lock(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _HOLD, str(tmp_path), "fork"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        try:
            with writing(tmp_path):
                pass
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def test_a_lock_of_another_host_is_believed(tmp_path: Path) -> None:
    (tmp_path / LOCK).write_text(json.dumps({"pid": 1, "host": "elsewhere"}))
    with pytest.raises(InputError, match=r"pid 1 on host elsewhere .* delete \.lock"), writing(tmp_path):
        pass


def test_it_is_released_at_the_end_and_after_an_error(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(RuntimeError), writing(tmp_path):
            raise RuntimeError
    with writing(tmp_path):
        pass
    assert (tmp_path / LOCK).read_text() == ""


def test_the_same_process_cannot_write_twice(tmp_path: Path) -> None:
    with writing(tmp_path), pytest.raises(InputError, match="this process"), writing(tmp_path):
        pass


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 3}'])
def test_a_damaged_lock_file_is_no_obstacle(tmp_path: Path, content: str) -> None:
    (tmp_path / LOCK).write_text(content)
    with writing(tmp_path):
        assert (tmp_path / LOCK).read_text() != content
