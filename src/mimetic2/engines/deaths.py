"""Workers that die at a task: told each time, and the task given up when it is clearly the cause."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from mimetic2.errors import Mimetic2Error
from mimetic2.progress import log

MAX_DEATHS = 3
"""A task that takes this many workers down with it is given up: it is the cause."""


class WorkerLost(Mimetic2Error):  # noqa: N818 - what happened to a worker, not a fault of the input
    """A task killed its worker again and again."""


class Deaths:
    """The deaths of one run, by task."""

    def __init__(self, tasks: Sequence[Any]) -> None:
        self._tasks = tasks
        self._deaths = Counter[int]()

    def mourn(self, index: int, how: str) -> None:
        """Tell that a worker died at this task; ``how`` as in "was killed by signal 9".

        Raises :class:`WorkerLost` when it is the task's third.
        """
        self._deaths[index] += 1
        if self._deaths[index] >= MAX_DEATHS:
            problem = f"{self._deaths[index]} workers died of this task, the last {how}"
            raise WorkerLost(f"{self._tasks[index]}: {problem}")
        log(f"a worker {how} at {self._tasks[index]}; the task is done again")
