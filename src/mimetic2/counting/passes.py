"""A pass over whole caption files by this machine's processes, for work that must not leave a file out.

Counting may go on without a file that cannot be read, and says so in its intervals (:mod:`mimetic2.counting.shards`).
A list of rows that leaves some out would be worse than none: here such a file ends the pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from mimetic2.counting.readers import Batch, Columns, UnreadableShard, batches
from mimetic2.errors import InputError
from mimetic2.progress import bar


def each_shard(
    function: Callable[[Any], Any], tasks: Sequence[Any], what: str, *, already: int = 0, workers: int | None = None
) -> Iterator[Any]:
    """The results of ``function`` over ``tasks``, one a file, as they come; ``already``: files done before."""
    from mimetic2.engines import get_engine

    with bar(what, already + len(tasks), unit="shards", already=already) as progress:
        for _, result in get_engine("local", workers=workers).run(function, tasks):
            yield result
            progress.advance()


class Unreadable(InputError):  # noqa: N818 - a state of the file
    """A caption file cannot be read to its end."""


def numbered_batches(shard: str, columns: Columns) -> Iterator[tuple[int, Batch]]:
    """(row of the batch's first caption, batch) to the file's end; the file's first row is 0.

    Raises :class:`InputError` for a missing column, :class:`Unreadable` for a file that cannot be read to its end.
    """
    start = 0
    try:
        for batch in batches(shard, columns):
            yield start, batch
            start += len(batch.texts)
    except (UnreadableShard, OSError) as error:
        raise Unreadable(f"cannot be read ({error})", file=shard) from error
