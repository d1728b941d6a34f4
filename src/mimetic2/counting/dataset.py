"""From caption files to bounds on the rows that show a concept without naming it: sample, look, bound, write."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from mimetic2.concepts import Concept
from mimetic2.counting.correction import rates_of
from mimetic2.counting.fetching.selection import UNSAFE_ABOVE, Blocklist, refused_links
from mimetic2.counting.references import reference_table
from mimetic2.counting.sources import Refusing, source_of
from mimetic2.counting.survey import Judge, Opener, Survey, survey
from mimetic2.counting.uniform import sample_rows
from mimetic2.counting.verification import cutoff_for
from mimetic2.domains import Cutoff
from mimetic2.embedding import Embedder, EmbeddingTable
from mimetic2.errors import InputError
from mimetic2.files import write_json
from mimetic2.tables import write_table

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
    workers: int | None = None,
) -> Survey:
    """Bound each concept's rows that do not name it, from ``rows`` rows of all, drawn uniformly; minors are left out.

    Images come from ``images`` (a folder of img2dataset or of `fetch_sample`) or, with the limits ``fetch``, from the
    web, where each is deleted once it was compared; links of the lab need neither. Writes ``out`` (`survey.SCHEMA`), a
    summary beside it, and the state by which a second call goes on. Raises `InputError` for captions that cannot be
    read, a cut-off of another embedder, a concept without references, and a sample without any image.
    """
    if not 0 < rows <= MOST_ROWS:
        raise InputError(f"{rows} rows are asked for", accepted=f"1 to {MOST_ROWS:,}")
    chosen = cutoff_for(embedder, cutoff=cutoff)
    listed = tuple(concept for concept in concepts if not concept.minor)
    columns = {"text_column": text_column, "url_column": url_column}
    sample = sample_rows(captions, rows, seed=seed, workers=workers, **columns)
    opener = _opener(sample.frame, images, fetch, block, unsafe_above)
    references = reference_table(reference, [concept.name for concept in listed], embedder, None)
    rates = rates_of(chosen) if chosen.rates is not None else None
    judge = Judge(listed, embedder, references, chosen)
    result = survey(sample, judge, opener, out.with_suffix(".state.sqlite"), level=level, rates=rates)
    write_json(out.with_suffix(".json"), result.summary | {"seed": seed})
    write_table(out, result.table)
    return result


def outputs_of(out: Path) -> list[Path]:
    """What :func:`survey_dataset` writes: the table ``out``, the summary and the state beside it."""
    return [out, out.with_suffix(".json"), out.with_suffix(".state.sqlite")]


def _opener(
    sample: pl.DataFrame, images: Path | None, limits: Limits | None, block: Blocklist | None, unsafe_above: float
) -> Opener:
    """How the images of a batch come: from a folder, from the web, or from the lab's renderer."""
    if images is not None and limits is not None:
        raise InputError("both a folder and fetching say where images come from", accepted="--images, or --fetch")
    if limits is not None:
        from mimetic2.counting.fetching.passing import fetched_for_a_while

        return fetched_for_a_while(limits, block, unsafe_above)
    if images is None and not sample["url"].str.starts_with("lab://").all():
        accepted = "--images FOLDER, or --fetch to ask the web for them"
        raise InputError("the captions' links lead to the web", accepted=accepted)
    source = Refusing(source_of(images), refused_links(sample, unsafe_above=unsafe_above))
    return lambda batch: nullcontext(source)
