"""Making the images that are not there yet: which batches, how many of them the budget allows, into the state."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence

from mimetic2.errors import Interrupted
from mimetic2.generation.backend import Backend
from mimetic2.generation.batches import batches_of
from mimetic2.generation.prompts import ImageJob
from mimetic2.generation.store import Made, Store
from mimetic2.generation.writer import Writer
from mimetic2.progress import bar

_Key = tuple[str, int, int]


def make_missing(
    backend: Backend,
    jobs: Mapping[str, Sequence[ImageJob]],
    store: Store,
    batch_size: int,
    max_cost: float | None = None,
) -> None:
    """Make and record the images of ``jobs`` (by concept) that the state does not know.

    Raises :class:`Interrupted` when making more would cost more than ``max_cost``, what was spent before included.
    """
    finished = store.records()
    total = sum(len(own) for own in jobs.values())
    wanted = [job.key for own in jobs.values() for job in own if job.key not in finished]
    if not wanted:
        return
    paid_for = _affordable(backend, store, max_cost, len(wanted))
    missing = set(wanted[:paid_for])
    batches = [batch for own in jobs.values() for batch in _batches(backend, own, missing, batch_size)]
    with (
        bar("generate", total, unit="images", already=total - len(wanted)) as progress,
        _writing(store) as writer,
        contextlib.closing(backend.render(batches)) as outcomes,
    ):
        for _, made in outcomes:
            new = _once_each(made, missing)
            writer.put(new)
            progress.advance(len(new))
    if paid_for < len(wanted):
        raise Interrupted(
            f"the cost cap of {max_cost:g} is reached: {store.spent():g} spent, {len(wanted) - paid_for} images are "
            f"missing at {backend.price:g} each; run the same command with a higher cap to go on"
        )


def _affordable(backend: Backend, store: Store, max_cost: float | None, number: int) -> int:
    """How many of ``number`` images the rest of the budget pays for."""
    if max_cost is None or backend.price <= 0:
        return number
    left = max_cost - store.spent()
    return min(number, max(0, int(left / backend.price + 1e-9)))


def _batches(
    backend: Backend, own: Sequence[ImageJob], missing: set[_Key], batch_size: int
) -> Iterator[tuple[ImageJob, ...]]:
    """The batches of a concept that hold missing images: whole ones where batches are fixed."""
    if backend.fixed_batches:
        yield from (b.jobs for b in batches_of(own, batch_size) if any(job.key in missing for job in b.wanted))
    elif rest := tuple(job for job in own if job.key in missing):
        yield rest


def _once_each(made: Sequence[Made], missing: set[_Key]) -> list[Made]:
    """The outcomes that were missing, without the batch's padding; they are missing no more."""
    new = []
    for each in made:
        if each.job.key in missing:
            missing.remove(each.job.key)
            new.append(each)
    return new


@contextlib.contextmanager
def _writing(store: Store) -> Iterator[Writer]:
    """A writer that has written everything by the end, also when an error ends the block."""
    writer = Writer(store)
    try:
        yield writer
    except BaseException:
        writer.close(quietly=True)
        raise
    writer.close()
