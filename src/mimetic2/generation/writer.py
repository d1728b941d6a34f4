"""The thread that writes images while the next batch is computed."""

from __future__ import annotations

import errno
import queue
import sqlite3
import threading
from collections.abc import Sequence

from mimetic2.errors import Interrupted
from mimetic2.generation.store import Made, Store

_QUEUED_BATCHES = 4


class Writer:
    """Writes batches in a thread of its own; an error there is raised at the next :meth:`put` or at the end."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._queue: queue.Queue[Sequence[Made] | None] = queue.Queue(_QUEUED_BATCHES)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="image writer", daemon=True)
        self._thread.start()

    def put(self, made: Sequence[Made]) -> None:
        """Hand over a batch; waits while several are still unwritten."""
        self._raise()
        self._queue.put(made)

    def close(self, *, quietly: bool = False) -> None:
        """Wait until everything is written; ``quietly`` where an earlier error is being raised already."""
        self._queue.put(None)
        self._thread.join()
        if not quietly:
            self._raise()

    def _work(self) -> None:
        while (made := self._queue.get()) is not None:
            if self._error is not None:
                continue  # empties the queue, so that put never waits for ever
            try:
                self._store.write(made)
            except BaseException as error:
                self._error = error

    def _raise(self) -> None:
        if self._error is None:
            return
        full = isinstance(self._error, OSError) and self._error.errno in (errno.ENOSPC, errno.EDQUOT)
        if full or (isinstance(self._error, sqlite3.OperationalError) and "full" in str(self._error)):
            raise Interrupted(
                f"the disk that holds {self._store.out} is full; every image recorded so far is whole: free some space "
                "and run the same command again to go on"
            ) from self._error
        raise self._error
