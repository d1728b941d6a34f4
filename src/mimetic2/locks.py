"""One writer per folder: a lock that names its holder and that dies with it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from mimetic2.errors import InputError
from mimetic2.files import make_folder
from mimetic2.progress import log

LOCK = ".lock"

_held: set[Path] = set()


@contextlib.contextmanager
def writing(folder: Path, what: str = "the run") -> Iterator[None]:
    """Hold a folder for writing; raises :class:`InputError` naming pid and host of whoever else holds it.

    ``what`` is how messages call that which is written.

    The kernel drops the lock when its process dies, however it dies, so a lock file with a dead process's pid is
    stale and taken over. A lock is not inherited by the process's children: workers that survive it do not keep it.
    Between hosts a lock may not be visible (network file systems), so another host's name is believed.
    """
    make_folder(folder)
    path = (folder / LOCK).resolve()
    if path in _held:
        raise InputError(f"this process is writing to {what} already", file=folder)
    handle = path.open("a+", encoding="utf-8")
    try:
        _acquire(handle.fileno(), path, folder, what)
        _held.add(path)
        try:
            yield
        finally:
            os.ftruncate(handle.fileno(), 0)
            _held.discard(path)
    finally:
        handle.close()


def _acquire(descriptor: int, path: Path, folder: Path, what: str) -> None:
    holder = _holder(path)
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EAGAIN):
            problem = f"another process is writing to {what} ({holder or 'just started'})"
            raise InputError(problem, file=folder) from None
        log(f"{folder}: its file system has no locks ({error.strerror}); see that nothing else writes there")
    here = socket.gethostname()
    if holder and not holder.endswith(f"host {here}"):
        raise InputError(f"{holder} is writing to {what}; if it is not running, delete {path.name} there", file=folder)
    if holder:
        log(f"taking over from {holder}, which ended without finishing")
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps({"pid": os.getpid(), "host": here}).encode(), 0)
    os.fsync(descriptor)


def _holder(path: Path) -> str | None:
    """``pid 12 on host x``; None for an empty file (released) and for one that is being written."""
    with contextlib.suppress(ValueError, KeyError, TypeError):
        content = json.loads(path.read_text(encoding="utf-8"))
        return f"pid {content['pid']} on host {content['host']}"
    return None
