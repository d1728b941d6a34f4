"""Progress on standard error: bars on a terminal, plain lines elsewhere. Standard output carries results only."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

PLAIN_EVERY_SECONDS = 15.0


def log(message: str) -> None:
    """Print one line on standard error, markup characters as they are."""
    print(message, file=sys.stderr, flush=True)


class Bar:
    """What :func:`bar` yields: call :meth:`advance` for each piece of work done."""

    def __init__(self, description: str, total: int, unit: str, already: int, progress: Progress | None) -> None:
        self.description, self.total, self.unit, self.done = description, total, unit, already
        self._already, self._started, self._progress = already, time.monotonic(), progress
        self._last_line = self._started
        if progress is not None:
            self._task = progress.add_task(description, total=total, completed=already, note="")

    @property
    def rate(self) -> float:
        """Pieces per second, of the work done since this bar appeared."""
        return (self.done - self._already) / max(time.monotonic() - self._started, 1e-9)

    def advance(self, amount: int = 1, note: str = "") -> None:
        """Count ``amount`` more pieces as done; ``note`` (a loss, a number of failures) stands beside the rate."""
        ended = self.done >= self.total and amount == 0
        self.done += amount
        if self._progress is not None:
            self._progress.update(self._task, completed=self.done, note=f"{self.rate:,.1f} {self.unit}/s {note}")
        elif not ended and (self.done >= self.total or time.monotonic() - self._last_line >= PLAIN_EVERY_SECONDS):
            self._last_line = time.monotonic()
            left = (self.total - self.done) / self.rate if self.rate > 0 else float("nan")
            done = f"{self.description}: {self.done:,}/{self.total:,}"
            log(f"{done}, {self.rate:,.1f} {self.unit}/s, {left:.0f} s left {note}".rstrip())


@contextmanager
def bar(description: str, total: int, *, unit: str = "items", already: int = 0) -> Iterator[Bar]:
    """Show progress over ``total`` pieces of work, ``already`` of which an earlier run did."""
    if not sys.stderr.isatty():
        yield Bar(description, total, unit, already, None)
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        yield Bar(description, total, unit, already, progress)
