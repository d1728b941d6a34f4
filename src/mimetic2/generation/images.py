"""The stage itself: from concepts and prompts to a folder of images and its table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from mimetic2.errors import InputError
from mimetic2.files import folder_name
from mimetic2.generation.backend import Backend, Sampling
from mimetic2.generation.batches import batches_of
from mimetic2.generation.prompts import ImageJob, check_templates, jobs_of
from mimetic2.generation.store import EXCLUDED, OK, Store, Writer
from mimetic2.progress import bar, log
from mimetic2.tables import write_table

if TYPE_CHECKING:
    from mimetic2.concepts import Concept

TABLE_NAME = "images.csv"

Decide = Callable[[pl.DataFrame], Mapping[str, int]]
"""From the table of the first images to the number of images per prompt that each concept is to have in the end."""


def generate_images(
    model: str,
    concepts: Sequence[Concept],
    prompts: Sequence[str],
    out: Path,
    *,
    images: int,
    seed: int = 0,
    batch_size: int | None = None,
    sampling: Sampling | None = None,
    restart: bool = False,
    allow_download: bool = False,
    pipeline_config: Path | None = None,
    then: Decide | None = None,
) -> pl.DataFrame:
    """Make ``images`` images per concept and prompt; run again to go on where an interruption stopped it.

    ``model`` is ``lab``, a preset, a diffusers pipeline folder, a ``.safetensors`` checkpoint (with the folder of its
    configuration as ``pipeline_config``) or a hub id; only ``allow_download`` lets anything come from the network.
    Concepts marked ``minor`` are left out.

    Writes ``out/<folder of the concept>/<prompt index>/<image index>.png`` and ``out/images.csv``, which is also
    returned: concept, prompt, index, seed, path (relative to ``out``; empty if excluded), status (``ok`` or
    ``excluded``), reason.
    An image depends on the model, the sampling, ``seed``, its concept, prompt template and index, and, in its last bits
    (at most one grey level), on ``batch_size`` and ``images``, which shape the batches. It depends neither on the other
    concepts nor on their order nor on interruptions.

    ``then`` is called with the table of these images, which exist by then, and says how many images per prompt each
    concept is to have in the end; the additional ones continue the indices. It must say the same for the same images,
    because a resumed call asks again. A concept that it does not name keeps what it has.

    ``restart`` discards what is in ``out``. Without it, raises :class:`InputError` where ``out`` holds images made with
    other settings; raises :class:`Interrupted` when the disk is full.
    """
    from mimetic2.generation.models import resolve_model
    from mimetic2.generation.pipeline import PipelineBackend
    from mimetic2.generation.presets import presets

    if model in presets():
        data = presets()[model].training_data
        log(f"{model}: training data {data.name}, relation {data.relation}; ids and settings unverified")
    source = resolve_model(model, allow_download=allow_download, config=pipeline_config)
    backend = PipelineBackend(source, sampling or Sampling())
    return generate_with(
        backend, concepts, prompts, out, images=images, seed=seed, batch_size=batch_size, restart=restart, then=then
    )


def generate_with(
    backend: Backend,
    concepts: Sequence[Concept],
    prompts: Sequence[str],
    out: Path,
    *,
    images: int,
    seed: int = 0,
    batch_size: int | None = None,
    restart: bool = False,
    then: Decide | None = None,
) -> pl.DataFrame:
    """As :func:`generate_images`, with a backend that is at hand."""
    templates = check_templates(prompts)
    concepts = [concept for concept in concepts if not concept.minor]
    _check(concepts, images, batch_size)
    jobs = {concept.name: jobs_of(concept.name, templates, images, seed) for concept in concepts}
    store = Store(out)
    try:
        if restart:
            store.clear()
        size = batch_size or store.batch_size() or backend.automatic_batch_size(next(iter(jobs.values())))
        store.claim({**backend.identity(), "seed": seed, "prompts": templates, "images": images, "batch_size": size})
        _make_missing(backend, jobs, store, size)
        table = _table(jobs, store)
        if then is not None:
            more = _additional(then(table), jobs, templates, images, seed)
            store.claim_more({name: len(own) // len(templates) for name, own in more.items()})
            _make_missing(backend, more, store, size)  # batches of their own: the first images' stay as they are
            table = _table({name: [*own, *more.get(name, [])] for name, own in jobs.items()}, store)
    finally:
        store.close()
    write_table(out / TABLE_NAME, table)
    return table


def _additional(
    wanted: Mapping[str, int], jobs: Mapping[str, list[ImageJob]], templates: list[str], images: int, seed: int
) -> dict[str, list[ImageJob]]:
    """The jobs beyond the first ``images`` per prompt, of concepts that have any."""
    for name, number in wanted.items():
        if name not in jobs or number < images:
            raise ValueError(f"{number} images per prompt of {name!r}: at least {images} of a listed concept exist")
    every = {name: jobs_of(name, templates, number, seed) for name, number in wanted.items() if number > images}
    return {name: [job for job in own if job.index >= images] for name, own in every.items()}


def _check(concepts: Sequence[Concept], images: int, batch_size: int | None) -> None:
    if not concepts:
        raise InputError("there is no concept to generate images of")
    for name, value in (("images", images), ("batch size", batch_size)):
        if value is not None and value < 1:
            raise InputError(f"{name} is {value}", accepted="whole numbers from 1")
    folders: dict[str, str] = {}
    for concept in concepts:
        other = folders.setdefault(folder_name(concept.name), concept.name)
        if other is not concept.name:
            raise InputError(
                f"the concepts '{other}' and '{concept.name}' would share the folder '{folder_name(other)}'"
            )


def _make_missing(backend: Backend, jobs: dict[str, list[ImageJob]], store: Store, batch_size: int) -> None:
    finished = store.records()
    total = sum(len(own) for own in jobs.values())
    missing = sum((j.concept, j.prompt, j.index) not in finished for own in jobs.values() for j in own)
    if not missing:
        return
    with bar("generate", total, unit="images", already=total - missing) as progress:
        writer = Writer(store)
        try:
            for own in jobs.values():
                for batch in batches_of(own, batch_size):
                    places = [
                        place
                        for place, job in enumerate(batch.wanted)
                        if (job.concept, job.prompt, job.index) not in finished
                    ]
                    if places:
                        made = backend.render(batch.jobs)
                        writer.put([made[place] for place in places])
                        progress.advance(len(places))
        except BaseException:
            writer.close(quietly=True)
            raise
        writer.close()


def _table(jobs: dict[str, list[ImageJob]], store: Store) -> pl.DataFrame:
    finished = store.records()
    rows: list[tuple[Any, ...]] = []
    for own in jobs.values():
        for job in sorted(own, key=lambda job: (job.prompt, job.index)):
            reason = finished[job.concept, job.prompt, job.index].reason
            path, status = (job.path, OK) if reason is None else (None, EXCLUDED)
            rows.append((job.concept, job.prompt, job.index, job.seed, path, status, reason))
    schema = {"concept": pl.String, "prompt": pl.Int64, "index": pl.Int64, "seed": pl.Int64}
    schema |= {"path": pl.String, "status": pl.String, "reason": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")
