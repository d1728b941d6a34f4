"""A Ray cluster as an engine (extra ``distributed``): by address only, nothing is started or configured here.

Ray does a task again when its worker or its node dies (``max_retries``); exceptions of the function are not retried.
Few tasks are in flight at a time, so that a cluster shared with others is not flooded and the driver stays small.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from mimetic2.errors import InputError, Mimetic2Error, MissingRequirement

MAX_RETRIES = 3
TASKS_PER_WORKER = 2


class RayEngine:
    """Tasks on the Ray cluster at ``address`` (``host:port``, or ``auto`` for the one on this machine)."""

    def __init__(self, address: str | None, workers: int | None = None) -> None:
        if address is None:
            raise InputError("the engine ray needs the address of a running cluster", accepted="--address HOST:PORT")
        try:
            import ray  # noqa: F401
        except ImportError:
            raise MissingRequirement.extra("ray", "distributed", "the engine ray") from None  # noqa: S610
        self.address, self.workers = address, workers

    def run(self, function: Callable[[Any], Any], tasks: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """See :class:`mimetic2.engines.Engine`."""
        import ray

        try:
            ray.init(address=self.address, logging_level="warning")
        except (ConnectionError, ValueError) as error:
            raise InputError(f"no Ray cluster at '{self.address}' ({error})", accepted="HOST:PORT or auto") from error
        try:
            remote = ray.remote(max_retries=MAX_RETRIES)(_call)
            shared = ray.put(function)
            workers = self.workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
            waiting = list(range(len(tasks)))[::-1]
            running: dict[Any, int] = {}
            while waiting or running:
                while waiting and len(running) < workers * TASKS_PER_WORKER:
                    task = waiting.pop()
                    running[remote.remote(shared, tasks[task])] = task
                done, _ = ray.wait(list(running), num_returns=1)
                for reference in done:
                    yield running.pop(reference), _result(ray, reference)
        finally:
            ray.shutdown()


def _result(ray: Any, reference: Any) -> Any:
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from error
    except ray.exceptions.RayError as error:
        raise Mimetic2Error(f"Ray gave a task up after {MAX_RETRIES} retries ({type(error).__name__})") from error


def _call(function: Callable[[Any], Any], task: Any) -> Any:
    return function(task)
