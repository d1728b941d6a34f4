"""A pool of processes that heals itself: a worker that dies is replaced and its task done again.

The standard library's executors give up when one worker is killed (BrokenProcessPool); over hours of work something
does get killed, by the out-of-memory killer for one. Each worker here has its own pipe and holds one task at a time, so
that a death says which task it was.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from mimetic2.engines import WORKER_VARIABLE
from mimetic2.engines.deaths import Deaths


@dataclass
class _Worker:
    process: Any
    pipe: Connection
    task: int | None = None


class LocalEngine:
    """Processes of this machine; one worker runs in this process itself.

    With more than one, processes are spawned, so a script that calls this needs the usual
    ``if __name__ == "__main__":``.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def run(self, function: Callable[[Any], Any], tasks: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """See :class:`mimetic2.engines.Engine`."""
        if min(self.workers, len(tasks)) <= 1:
            for index, task in enumerate(tasks):
                yield index, function(task)
            return
        pool: list[_Worker] = []
        try:
            pool += (_start(function, place) for place in range(min(self.workers, len(tasks))))
            yield from _drive(pool, function, tasks)
        finally:
            for worker in pool:
                worker.pipe.close()
                worker.process.terminate()
            for worker in pool:
                worker.process.join()


def _drive(pool: list[_Worker], function: Callable[[Any], Any], tasks: Sequence[Any]) -> Iterator[tuple[int, Any]]:
    waiting = deque(range(len(tasks)))
    deaths = Deaths(tasks)
    for place in range(len(pool)):
        _give(pool, place, waiting, function, tasks)
    while busy := {worker.pipe: place for place, worker in enumerate(pool) if worker.task is not None}:
        for pipe in wait(list(busy)):
            place = busy[pipe]  # type: ignore[index]
            worker = pool[place]
            task, worker.task = worker.task, None
            assert task is not None
            try:
                failed, result = worker.pipe.recv()
            except (EOFError, OSError):
                deaths.mourn(task, _how_it_ended(worker))
                waiting.appendleft(task)
                pool[place] = _start(function, place)
            else:
                if failed:
                    raise result
                yield task, result
            _give(pool, place, waiting, function, tasks)


def _give(
    pool: list[_Worker],
    place: int,
    waiting: deque[int],
    function: Callable[[Any], Any],
    tasks: Sequence[Any],
) -> None:
    """Hand the next task to a worker; one that died while idle is replaced first."""
    if not waiting:
        return
    task = waiting.popleft()
    try:
        pool[place].pipe.send(tasks[task])
    except OSError:
        pool[place].process.join()
        pool[place] = _start(function, place)
        pool[place].pipe.send(tasks[task])
    pool[place].task = task


def _how_it_ended(worker: _Worker) -> str:
    worker.pipe.close()
    worker.process.join()
    code = worker.process.exitcode
    return f"was killed by signal {-code}" if code is not None and code < 0 else f"ended with code {code}"


def _start(function: Callable[[Any], Any], number: int) -> _Worker:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, function, number), daemon=True)
    process.start()
    theirs.close()
    return _Worker(process, ours)


def _work(pipe: Connection, function: Callable[[Any], Any], number: int) -> None:
    """A worker's life: it ends when the pipe does, so it never outlives its parent by more than one task."""
    os.environ[WORKER_VARIABLE] = str(number)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        try:
            task = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            answer: tuple[bool, Any] = (False, function(task))
        except Exception as error:
            answer = (True, error)
        pipe.send(answer)
