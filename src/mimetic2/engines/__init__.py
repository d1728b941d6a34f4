"""Where independent tasks run: processes of this machine, or a Ray cluster. Same function, same results.

An engine takes one function and many tasks and yields each task's result as it comes, in any order. A task whose worker
dies is done again elsewhere; an exception of the function is not retried and ends the run.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from mimetic2.errors import InputError

ENGINES = ("local", "ray")
WORKER_VARIABLE = "MIMETIC2_WORKER"


class Engine(Protocol):
    """Runs one function over many tasks."""

    def run(self, function: Callable[[Any], Any], tasks: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """Yield (index of the task, its result) as results come; ``function`` and tasks can be pickled."""


def get_engine(name: str = "local", *, address: str | None = None, workers: int | None = None, gpus: int = 0) -> Engine:
    """The engine of that name; ``workers`` defaults to one per core this process may use.

    ``gpus`` is what a task needs: a cluster sends it where they are free and shows it only its own; on this machine
    tasks choose theirs by :func:`worker_number`.

    Raises :class:`InputError` for an unknown name and for options that the engine does not have.
    """
    if name == "local":
        if address is not None:
            raise InputError("an address is given, which only the engine ray has", accepted="--engine ray --address A")
        from mimetic2.engines.local import LocalEngine

        return LocalEngine(workers or usable_cores())
    if name == "ray":
        from mimetic2.engines.cluster import RayEngine

        return RayEngine(address, workers, gpus)
    raise InputError(f"unknown engine '{name}'", accepted=" ".join(ENGINES))


def worker_number() -> int:
    """Which of this machine's workers the calling task runs in, from 0; a successor has the number of the dead one."""
    return int(os.environ.get(WORKER_VARIABLE, "0"))


def usable_cores() -> int:
    """Cores this process may use: those it is bound to where the system says so, else all."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
