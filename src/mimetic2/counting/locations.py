"""Where caption files are: on this machine (or mounted), or behind a URL that fsspec opens (extra ``remote``).

A URL has ``://`` in it (``s3://bucket/laion/*.parquet``); which package serves which protocol, and how it finds its
credentials, is fsspec's affair. Whatever such a package raises is an OSError here, so that callers know one failure.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from mimetic2.errors import MissingRequirement

BLOCK_BYTES = 1 << 22
_TAIL_BYTES = 1 << 16


def is_remote(path: str) -> bool:
    """Whether the path is a URL."""
    return "://" in path


def absolute(path: str) -> str:
    """The path as any process sees it, whatever its working directory."""
    return path if is_remote(path) else os.path.abspath(path)


def expand(pattern: str) -> list[str]:
    """The files that a glob, file or folder names; a folder's own files, not those below it."""
    if is_remote(pattern):
        return _expand_remote(pattern)
    path = Path(pattern)
    if path.is_file():
        return [str(path)]
    names = glob.glob(str(path / "*") if path.is_dir() else pattern, recursive=True)
    return [name for name in names if Path(name).is_file()]


def size(path: str) -> int:
    """Bytes of the file, 0 if it cannot be seen."""
    try:
        return int(_info(path)["size"] or 0) if is_remote(path) else os.stat(path).st_size
    except OSError:
        return 0


def identity(path: str, *, fresh: bool = False) -> str:
    """What tells a file from a changed one without reading it whole.

    A local file: its size, time of change, and the end's digest; the end of a Parquet file is its footer, which holds
    the position and statistics of every column chunk. A remote one: all that its store says of it (size, time, ETag, as
    it has them); ``fresh`` asks again instead of trusting a listing.
    """
    if is_remote(path):
        known = sorted((key, str(value)) for key, value in _info(path, fresh=fresh).items())
        return hashlib.sha256(repr(known).encode()).hexdigest()
    status = os.stat(path)
    with open(path, "rb") as handle:
        handle.seek(max(0, status.st_size - _TAIL_BYTES))
        tail = hashlib.sha256(handle.read()).hexdigest()
    return f"{status.st_size}:{status.st_mtime_ns}:{tail}"


@contextlib.contextmanager
def open_file(path: str, *, ahead: bool = True) -> Iterator[IO[bytes]]:
    """The file, seekable; a remote one is fetched as it is read: in blocks ``ahead``, else just what is asked for."""
    if not is_remote(path):
        with open(path, "rb") as handle:
            yield handle
        return
    filesystem, name = _filesystem(path)
    with _as_os_error(path):
        cache = "readahead" if ahead else "none"
        remote = filesystem.open(name, "rb", block_size=BLOCK_BYTES, cache_type=cache)
    with contextlib.closing(remote):
        yield io.BufferedReader(_Remote(path, remote), io.DEFAULT_BUFFER_SIZE)


@contextlib.contextmanager
def arrow_source(path: str, *, ahead: bool = True) -> Iterator[Any]:
    """What Arrow opens: the path of a local file, which it reads without Python, else the open file."""
    if not is_remote(path):
        yield path
        return
    with open_file(path, ahead=ahead) as handle:
        yield handle


class _Remote(io.RawIOBase):
    """A file of fsspec's whose failures are OSErrors."""

    def __init__(self, path: str, file: Any) -> None:
        self._path, self._file = path, file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with _as_os_error(self._path):
            data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        with _as_os_error(self._path):
            return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())


def _expand_remote(pattern: str) -> list[str]:
    filesystem, name = _filesystem(pattern)
    with _as_os_error(pattern):
        filesystem.invalidate_cache()  # an earlier listing of this process may be out of date
        if glob.has_magic(name):
            names = filesystem.glob(name, detail=True)
            found = [key for key, info in names.items() if info["type"] == "file"]
            if not found:
                filesystem.ls(_above(name))  # a glob of a store that does not answer finds nothing; this says why
        elif name.endswith("/") or not _is_file(filesystem, name):
            found = [info["name"] for info in filesystem.ls(name, detail=True) if info["type"] == "file"]
        else:
            found = [name]
    return [filesystem.unstrip_protocol(name) for name in found]


def _above(pattern: str) -> str:
    """The folder in which a glob begins to search."""
    parts = pattern.split("/")
    return "/".join(parts[: next(place for place, part in enumerate(parts) if glob.has_magic(part))]) + "/"


def _is_file(filesystem: Any, name: str) -> bool:
    """Asked as for its size: of HTTP, `isfile` would begin to fetch it."""
    try:
        return bool(filesystem.info(name)["type"] == "file")
    except FileNotFoundError:
        return False


def _info(path: str, *, fresh: bool = False) -> dict[str, Any]:
    filesystem, name = _filesystem(path)
    with _as_os_error(path):
        if fresh:
            filesystem.invalidate_cache(filesystem._parent(name))
        return dict(filesystem.info(name))


def _filesystem(url: str) -> tuple[Any, str]:
    """The filesystem of a URL and the name in it.

    Raises :class:`MissingRequirement` if fsspec, or the package that the protocol needs, is not installed.
    """
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        raise MissingRequirement.extra("fsspec", "remote", f"reading {url}") from None  # noqa: S610
    try:
        filesystem, name = url_to_fs(url)
    except ImportError as error:
        raise MissingRequirement(f"reading {url} needs another package: {error}") from None
    return filesystem, str(name)


@contextlib.contextmanager
def _as_os_error(path: str) -> Iterator[None]:
    """Packages that serve a protocol have exceptions of their own, which nobody here could name."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise OSError(f"{path}: {reason}") from error
