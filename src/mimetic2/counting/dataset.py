"""From caption files to bounds on the rows that show a concept without naming it: sample, look, bound, write."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from mimetic2.concepts import Concept
from mimetic2.counting.captions import find_shards, need_pyarrow
from mimetic2.counting.correction import rates_of
from mimetic2.counting.fetching.selection import UNSAFE_ABOVE, Blocklist, refused_links
from mimetic2.counting.judge import Judge
from mimetic2.counting.readers import Columns, UnreadableShard, batches, texts_at
from mimetic2.counting.references import reference_table
from mimetic2.counting.sources import LAB_LINK, Refusing, source_of
from mimetic2.counting.survey import Opener, Survey, survey
from mimetic2.counting.uniform import sample_rows
from mimetic2.counting.verification import cutoff_for
from mimetic2.domains import Cutoff
from mimetic2.embedding import Embedder, EmbeddingTable
from mimetic2.errors import InputError
from mimetic2.files import keep_inputs, write_json
from mimetic2.tables import check_ending, write_table

if TYPE_CHECKING:
    from mimetic2.counting.fetching import Limits

MOST_ROWS = 1_000_000
"""The random sample is bounded: it shows people whom nobody asked about."""


def survey_dataset(
    captions: Sequence[str],
    concepts: Sequence[Concept],
    reference: Path | EmbeddingTable,
    embedder: Embedder,
    *,
    cutoff: Cutoff,
    out: Path,
    rows: int,
    images: Path | None = None,
    fetch: Limits | None = None,
    block: Blocklist | None = None,
    unsafe_above: float = UNSAFE_ABOVE,
    level: float = 0.95,
    seed: int = 0,
    text_column: str | None = None,
    url_column: str | None = None,
    allow_missing: float = 0.0,
    workers: int | None = None,
) -> Survey:
    """Bound each concept's rows that do not name it, from ``rows`` rows of all, drawn uniformly; minors are left out.

    Images come from ``images`` (a folder of img2dataset or of `fetch_sample`) or, with the limits ``fetch``, from the
    web, where each is deleted once it was compared; links of the lab need neither. Writes ``out`` (`survey.SCHEMA`), a
    summary beside it, and the state by which a second call goes on.

    ``allow_missing`` is the share of rows (0 to 1) that unreadable files may have: they are taken to be like the
    others. Raises `InputError` for more of them, a cut-off of another embedder, a concept without references, links
    of the web without a source of images, and a sample without any image; whatever can be seen before the captions are
    read, before.
    """
    if not 0 < rows <= MOST_ROWS:
        raise InputError(f"{rows} rows are asked for", accepted=f"1 to {MOST_ROWS:,}")
    need_pyarrow()
    chosen = cutoff_for(embedder, cutoff=cutoff)
    listed = tuple(concept for concept in concepts if not concept.minor)
    check_ending(out)
    shards = find_shards(captions, quiet=True)
    keep_inputs(outputs_of(out), shards)
    _check_source(shards, Columns(text_column, url_column), images, fetch)
    references = reference_table(reference, [concept.name for concept in listed], embedder, None)
    columns = {"text_column": text_column, "url_column": url_column}
    sample = sample_rows(captions, rows, seed=seed, allow_missing=allow_missing, workers=workers, **columns)
    opener = _opener(sample.frame, images, fetch, block, unsafe_above)
    rates = rates_of(chosen) if chosen.rates is not None else None
    judge = Judge(listed, embedder, references, chosen)
    table, summary, state = outputs_of(out)
    result = survey(sample, judge, opener, state, level=level, rates=rates)
    write_json(summary, result.summary | {"seed": seed})
    write_table(table, result.table)
    return result


def outputs_of(out: Path) -> list[Path]:
    """What :func:`survey_dataset` writes: the table ``out``, the summary and the state beside it."""
    return [out, out.with_suffix(".json"), out.with_suffix(".state.sqlite")]


def _check_source(shards: Sequence[str], columns: Columns, images: Path | None, limits: Limits | None) -> None:
    """Raise `InputError` for too many or too few sources of images, as far as the first captions show."""
    if images is not None and limits is not None:
        raise InputError("both a folder and fetching say where images come from", accepted="--images, or --fetch")
    if images is not None:
        source_of(images)
    elif limits is None:
        with contextlib.suppress(UnreadableShard, OSError):  # told, or allowed, when all are read
            batch = next(batches(shards[0], columns), None)
            if batch is not None:
                _check_links(texts_at(batch.urls, np.arange(len(batch.texts))))


def _check_links(urls: Sequence[str]) -> None:
    if not all(url.startswith(LAB_LINK) for url in urls):
        accepted = "--images FOLDER, or --fetch to ask the web for them"
        raise InputError("the captions' links lead to the web", accepted=accepted)


def _opener(
    sample: pl.DataFrame, images: Path | None, limits: Limits | None, block: Blocklist | None, unsafe_above: float
) -> Opener:
    """How the images of a batch come: from a folder, from the web, or from the lab's renderer."""
    if limits is not None:
        from mimetic2.counting.fetching.passing import fetched_for_a_while

        return fetched_for_a_while(limits, block, unsafe_above)
    if images is None:
        _check_links(sample["url"].to_list())
    source = Refusing(source_of(images), refused_links(sample, unsafe_above=unsafe_above))
    return lambda batch: nullcontext(source)
