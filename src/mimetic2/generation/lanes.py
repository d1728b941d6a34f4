"""Several batches of small pictures at once, one core each.

The kernels of a small picture are too short to be shared between cores, and between them the interpreter takes its
time, in which the other cores would wait. Each lane is a thread with a pipeline of its own around the same weights.
A kernel on one core adds up in one order, whatever the number of cores.
"""

from __future__ import annotations

import copy
import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")
_AHEAD = 2


def with_own_scheduler(pipeline: Any) -> Any:
    """A pipeline around the same weights; samplers keep the state of the batch under way."""
    other = copy.copy(pipeline)
    other.scheduler = copy.deepcopy(pipeline.scheduler)
    return other


def in_lanes(tool: Callable[[], Any], work: Callable[[Any, T], R], tasks: Sequence[T]) -> Iterator[tuple[int, R]]:
    """(index of the task, ``work(tool(), task)``) as results come, with as many lanes as torch has threads.

    Each lane makes a tool of its own. An exception of ``work`` ends the iteration once running tasks are done.
    """
    import torch

    threads = torch.get_num_threads()
    lane = threading.local()

    def enter() -> None:
        torch.set_num_threads(1)
        lane.tool = tool()

    def step(number: int) -> R:
        return work(lane.tool, tasks[number])

    waiting = iter(range(len(tasks)))
    under_way: dict[Future[R], int] = {}
    try:
        with ThreadPoolExecutor(threads, "lane", initializer=enter) as pool:
            try:
                while True:
                    for number in itertools.islice(waiting, threads * _AHEAD - len(under_way)):
                        under_way[pool.submit(step, number)] = number
                    if not under_way:
                        return
                    for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                        yield under_way.pop(future), future.result()
            finally:
                for future in under_way:
                    future.cancel()
    finally:
        torch.set_num_threads(threads)  # a lane's setting becomes that of threads started later
