"""A Ray cluster as an engine (extra ``distributed``): used by its address, neither started nor configured here.

A task whose worker or node dies is done again, as in the local pool. Ray's own retries are off: they are silent and,
when a worker ran out of memory, endless. Few tasks are in flight at a time, so that a cluster shared with others is not
flooded and the driver stays small.
"""

from __future__ import annotations

import contextlib
import re
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from mimetic2.engines.deaths import Deaths
from mimetic2.errors import InputError, MissingRequirement

TASKS_PER_WORKER = 2
_CONNECT_SECONDS = 10.0
_VERSIONS = re.compile(r"Ray: (\S+) Python: (\S+)")
_RELIEF_SECONDS = 2.0  # until Ray sees that the memory of a worker it ended is free again


class RayEngine:
    """Tasks on the Ray cluster at ``address``; None: the one of ``RAY_ADDRESS``, else the one on this machine.

    Every node needs the same version of mimetic2 and sees the same files under the same paths.
    """

    def __init__(self, address: str | None = None, workers: int | None = None, gpus: int = 0) -> None:
        try:
            import ray  # noqa: F401
        except ImportError:
            raise MissingRequirement.extra("ray", "distributed", "the engine ray") from None  # noqa: S610
        self.address, self.workers, self.gpus = address or "auto", workers, gpus

    def run(self, function: Callable[[Any], Any], tasks: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """See :class:`mimetic2.engines.Engine`. Raises :class:`InputError` if there is no such cluster."""
        with _connected(self.address) as ray:
            everywhere = ray.cluster_resources().get("GPU" if self.gpus else "CPU", 1)
            workers = self.workers or max(1, int(everywhere))
            yield from _drive(ray, function, tasks, workers * TASKS_PER_WORKER, self.gpus)


def _drive(
    ray: Any, function: Callable[[Any], Any], tasks: Sequence[Any], in_flight: int, gpus: int = 0
) -> Iterator[tuple[int, Any]]:
    remote = ray.remote(max_retries=0, num_gpus=gpus)(_call)
    shared = ray.put((_version(), function))
    waiting, running = list(range(len(tasks)))[::-1], dict[Any, int]()
    deaths = Deaths(tasks)
    while waiting or running:
        while waiting and len(running) < in_flight:
            index = waiting.pop()
            running[remote.remote(shared, tasks[index])] = index
        for reference in ray.wait(list(running), num_returns=1)[0]:
            index = running.pop(reference)
            try:
                result = ray.get(reference)
            except ray.exceptions.RayTaskError as error:
                raise _of_task(error) from error
            except ray.exceptions.RayError as error:
                deaths.mourn(index, _how(error))
                if isinstance(error, ray.exceptions.OutOfMemoryError):
                    time.sleep(_RELIEF_SECONDS)
                waiting.insert(0, index)  # after all others, when fewer workers share the memory
            else:
                yield index, result


@contextlib.contextmanager
def _connected(address: str) -> Iterator[Any]:
    """The module ray, connected to the cluster; a connection that the caller already has is used and left open.

    Ray tells the driver of dead workers on stdout, from a thread of its own; stdout is for results.
    """
    import ray

    with contextlib.redirect_stdout(sys.stderr):
        if ray.is_initialized():
            yield ray
            return
        _reach(address)
        try:
            ray.init(address=address, logging_level="warning", log_to_driver=False)
        except (ConnectionError, ValueError, RuntimeError, ray.exceptions.AuthenticationError) as error:
            raise _refused(address, error) from error
        try:
            yield ray
        finally:
            ray.shutdown()


def _reach(address: str) -> None:
    """Raise :class:`InputError` if nothing listens at HOST:PORT; Ray itself would try for two minutes."""
    host, _, port = address.rpartition(":")
    if not (host and port.isdigit()) or "/" in host:
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise _refused(address, error) from error


def _refused(address: str, error: Exception) -> InputError:
    place = "on this machine" if address == "auto" else f"at '{address}'"
    reason = " ".join(str(error).split())
    if (versions := _VERSIONS.findall(reason)) and "Version mismatch" in reason:
        (ray, python), (ray_here, python_here) = versions
        problem = f"the Ray cluster {place} has Ray {ray} and Python {python}; here are {ray_here} and {python_here}"
        return InputError(problem, accepted="the same version of both there and here")
    return InputError(
        f"no Ray cluster {place} lets us in ({reason})",
        accepted="--address HOST:PORT of a running cluster, with its token in RAY_AUTH_TOKEN_PATH if it asks for one",
    )


def _of_task(error: Any) -> BaseException:
    """The exception of the function itself; a package that only this machine has is a requirement of the others."""
    cause: BaseException = error.cause
    lacking = re.search(r"No module named '([^']+)'", str(cause))
    if lacking and type(cause).__name__ in ("ModuleNotFoundError", "RuntimeError", "RaySystemError"):
        problem = f"a node of the cluster lacks {lacking[1]}"
        return MissingRequirement(f"{problem}: install mimetic2 there, in the same version and with the same extras")
    return cause


def _how(error: Any) -> str:
    """How a worker died, by Ray's class of error."""
    ways = {
        "WorkerCrashedError": "was killed",
        "OutOfMemoryError": "ran out of memory",
        "NodeDiedError": "died with its node",
    }
    name = type(error).__name__
    return ways.get(name, f"was lost ({name})")


def _call(call: tuple[str, Callable[[Any], Any]], task: Any) -> Any:
    """Run in a worker: the function, if this node's mimetic2 is the caller's."""
    version, function = call
    if version != _version():
        raise InputError(f"a node of the cluster has mimetic2 {_version()}", accepted=f"{version}, as here")
    return function(task)


def _version() -> str:
    from mimetic2 import __version__

    return __version__
