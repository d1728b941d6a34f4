"""The stage itself: from concepts and prompts to a folder of images and its table."""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from mimetic2.errors import InputError
from mimetic2.files import folder_name, write_json
from mimetic2.generation.backend import Backend, Sampling
from mimetic2.generation.making import make_missing
from mimetic2.generation.opening import open_model
from mimetic2.generation.prompts import ImageJob, check_templates, jobs_of
from mimetic2.generation.store import EXCLUDED, OK, Store
from mimetic2.progress import log
from mimetic2.tables import write_table

if TYPE_CHECKING:
    from mimetic2.concepts import Concept
    from mimetic2.generation.adapters import Adapter
    from mimetic2.generation.api import Api
    from mimetic2.generation.execution import Execution

TABLE_NAME, RECORD_NAME = "images.csv", "generation.json"


def recorded_warnings(out: Path) -> list[str]:
    """What the record of a generation in ``out`` warns of."""
    warnings: list[str] = json.loads((out / RECORD_NAME).read_text(encoding="utf-8"))["warnings"]
    return warnings


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
    execution: Execution | None = None,
    lora: Sequence[Adapter] = (),
    api: Api | None = None,
    restart: bool = False,
    allow_download: bool = False,
    pipeline_config: Path | None = None,
    then: Decide | None = None,
    only: bool = False,
) -> pl.DataFrame:
    """Make ``images`` images per concept and prompt; run again to go on where an interruption stopped it.

    ``model`` is ``lab``, a preset, a diffusers pipeline folder, a ``.safetensors`` checkpoint (with the folder of its
    configuration as ``pipeline_config``), a hub id or the address of an endpoint (with ``api``); only
    ``allow_download`` lets a model come from the network. ``lora`` are adapters to add to a local model, ``execution``
    says how it computes. Concepts marked ``minor`` are left out.

    Writes ``out/<folder of the concept>/<prompt index>/<image index>.png``, ``out/generation.json`` (what the images
    depend on, where the model came from, what is to be said about its training data) and ``out/images.csv``, which is
    also returned: concept, prompt, index, seed, path (relative to ``out``; empty if excluded), status (``ok`` or
    ``excluded``), reason.
    An image depends on the model, the sampling, ``seed``, its concept, prompt template and index, and, in its last bits
    (at most one grey level), on ``batch_size``, ``images`` and the other prompts, which shape the batches. It depends
    neither on the other concepts nor on their order nor on interruptions. An API promises none of this.

    ``then`` is called with the table of these images, which exist by then, and says how many images per prompt each
    concept is to have in the end; the additional ones continue the indices. It must say the same for the same images,
    because a resumed call asks again. A concept that it does not name keeps what it has. A concept whose number has
    changed since an earlier call gets its additional images anew: their batches are others.

    ``only`` deletes images of earlier calls that are not asked for any more. Without it they stay, but ``images.csv``
    does not name them, and the following stages take only what it names.

    ``restart`` discards what is in ``out``. Without it, raises :class:`InputError` where ``out`` holds images made with
    other settings; raises :class:`Interrupted` when the disk is full, an API's cost cap is reached or its provider does
    not answer: the same call goes on from there.
    """
    opened = open_model(
        model,
        sampling or Sampling(),
        execution=execution,
        lora=lora,
        api=api,
        pipeline_config=pipeline_config,
        allow_download=allow_download,
    )
    for warning in opened.warnings:
        log(f"warning: {warning}")
    return generate_with(
        opened.backend,
        concepts,
        prompts,
        out,
        images=images,
        seed=seed,
        batch_size=batch_size,
        restart=restart,
        then=then,
        only=only,
        max_cost=api.max_cost if api is not None else None,
        about={**opened.facts, "warnings": list(opened.warnings)},
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
    only: bool = False,
    max_cost: float | None = None,
    about: Mapping[str, Any] | None = None,
) -> pl.DataFrame:
    """As :func:`generate_images`, with a backend that is at hand; ``about`` is recorded beside its identity."""
    templates = check_templates(prompts)
    concepts = [concept for concept in concepts if not concept.minor]
    _check(concepts, images, batch_size)
    aliases = {concept.name: next(iter(concept.aliases), None) for concept in concepts}
    jobs = {name: jobs_of(name, templates, images, seed, alias) for name, alias in aliases.items()}
    store = Store(out)
    try:
        if restart:
            store.clear()
        size = batch_size or store.batch_size() or backend.automatic_batch_size(next(iter(jobs.values())))
        made_with = {**backend.identity(), "seed": seed, "prompts": templates, "images": images, "batch_size": size}
        store.claim(made_with)
        (out / TABLE_NAME).unlink(missing_ok=True)  # says what is there when a call has ended, and what belongs to it
        record = {"schema_version": 1, "made_with": made_with, **(about or {})}
        write_json(out / RECORD_NAME, record)
        make_missing(backend, jobs, store, size, max_cost)
        table = _table(jobs, store)
        if then is not None:
            numbers = _checked(then(table), aliases, images)
            every = {name: jobs_of(name, templates, number, seed, aliases[name]) for name, number in numbers.items()}
            more = {name: [job for job in own if job.index >= images] for name, own in every.items()}
            store.claim_more({name: number - images for name, number in numbers.items()}, images)
            make_missing(backend, more, store, size, max_cost)  # batches of their own: those of the first images stay
            jobs = {name: [*own, *more.get(name, [])] for name, own in jobs.items()}
            table = _table(jobs, store)
        if only:
            store.keep_only({job.key for own in jobs.values() for job in own})
    finally:
        store.close()
    write_json(out / RECORD_NAME, {**record, **_image_size(table, out)})
    write_table(out / TABLE_NAME, table)
    return table


def _image_size(table: pl.DataFrame, out: Path) -> dict[str, list[int]]:
    """Width and height in pixels, which the settings say only where they were chosen."""
    from PIL import Image

    path = next((path for path in table["path"] if path is not None), None)
    if path is None:
        return {}
    with Image.open(out / path) as image:
        return {"image_size": list(image.size)}


def _checked(wanted: Mapping[str, int], known: Container[str], images: int) -> dict[str, int]:
    """How many images per prompt each concept gets that gets more than the first ``images``."""
    for name, number in wanted.items():
        if name not in known or number < images:
            raise ValueError(f"{number} images per prompt of {name!r}: at least {images} of a listed concept exist")
    return {name: number for name, number in wanted.items() if number > images}


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


def _table(jobs: dict[str, list[ImageJob]], store: Store) -> pl.DataFrame:
    finished = store.records()
    rows: list[tuple[Any, ...]] = []
    for own in jobs.values():
        for job in sorted(own, key=lambda job: (job.prompt, job.index)):
            reason = finished[job.key].reason
            path, status = (job.path, OK) if reason is None else (None, EXCLUDED)
            rows.append((job.concept, job.prompt, job.index, job.seed, path, status, reason))
    schema = {"concept": pl.String, "prompt": pl.Int64, "index": pl.Int64, "seed": pl.Int64}
    schema |= {"path": pl.String, "status": pl.String, "reason": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")
