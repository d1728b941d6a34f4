"""Does the image behind a sampled link show the concept that its caption names?

Each image is compared with the concept's references by the statistic that the cut-off was measured with; a cut-off
of another embedder, other weights or another statistic is refused. Rows are joined by link, images by the digest of
their bytes, never by position.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from mimetic2.counting.filtering import Filter
from mimetic2.counting.looking import Image, SeesEveryFace, look_at
from mimetic2.counting.references import draw_references, reference_table
from mimetic2.counting.sources import Source
from mimetic2.domains import TEXT_COSINE, Cutoff, Domain
from mimetic2.embedding import Embedder, EmbeddingTable
from mimetic2.embedding.table import SCHEMA as TABLE_SCHEMA
from mimetic2.errors import InputError
from mimetic2.scoring import STATISTICS, reference_centre, similarity
from mimetic2.scoring.similarity import Matrix

SCHEMA = {
    "concept": pl.String,
    "url": pl.String,
    "multiplicity": pl.Int64,
    "alive": pl.Boolean,
    "reason": pl.String,
    "sha256": pl.String,
    "similarity": pl.Float64,
    "verified": pl.Boolean,
    "fingerprint": pl.Binary,
}
REPEATS = 11
"""The paper asks for more than ten verified pictures and takes the ten that fit best."""


@dataclass(frozen=True)
class Verification:
    """``table``: see `verify_sample`. ``training``: the vectors that passed, a row each, in the order of the table.

    A row of ``training`` has the concept, the link as ``path``, the number of the face as ``index``; rows of captions
    that repeat a link repeat it, at most `REPEATS` times, since no statistic here looks further.
    """

    table: pl.DataFrame
    training: EmbeddingTable


def verify_sample(
    sample: pl.DataFrame,
    source: Source,
    embedder: Embedder,
    reference: Path | EmbeddingTable,
    *,
    domain: Domain | None = None,
    cutoff: Cutoff | None = None,
    kind: Filter | None = None,
    out: Path | None = None,
) -> pl.DataFrame:
    """One row a (concept, url) of ``sample``, sorted, with the columns of `SCHEMA`.

    ``sample`` has columns concept and url, and optionally multiplicity; rows of one link with several captions are
    added up. ``reference`` is a folder of images per concept, or their vectors. The cut-off is ``cutoff`` or the one
    that ``domain`` has for this embedder. Images that are alive but have no vector (no face found) are not verified
    and say why. ``out`` is a folder that only its owner can enter: vectors made there before are reused, so that an
    interrupted call goes on where it stopped. Equal input gives an equal table. With ``kind`` an image must pass that
    filter too; columns ``filter`` (its similarity to the text) and ``of_kind`` (whether it passed) say how it did.

    Raises `InputError` for a cut-off measured on something else, and for a concept without references.
    """
    chosen = cutoff_for(embedder, domain=domain, cutoff=cutoff, kind=kind)
    return verify_images(sample, source, embedder, reference, cutoff=chosen, kind=kind, out=out).table


def verify_images(
    sample: pl.DataFrame,
    source: Source,
    embedder: Embedder,
    reference: Path | EmbeddingTable,
    *,
    cutoff: Cutoff,
    kind: Filter | None = None,
    out: Path | None = None,
    every_face: bool = False,
) -> Verification:
    """As :func:`verify_sample`, with the vectors that passed.

    ``every_face``: an image is verified if any of its faces is; a column ``matches`` says how many are. Raises
    `InputError` for an embedder that describes one face an image only.
    """
    if every_face and not isinstance(embedder, SeesEveryFace):
        raise InputError(f"{embedder.name} does not describe every face of an image")
    rows = _links(sample)
    chosen = cutoff_for(embedder, cutoff=cutoff, kind=kind)
    concepts, urls = rows["concept"].unique().sort().to_list(), rows["url"].unique().sort().to_list()
    references = reference_table(reference, concepts, embedder, out)
    near = kind.similarities(urls, source, out) if kind is not None else {}
    of_kind = kind.passing(near) if kind is not None else dict.fromkeys(urls, True)
    images = look_at(urls, source, embedder, out, every_face)
    similarities = _similarities(rows, images, references, chosen)
    passed = [
        np.flatnonzero(own > chosen.value).tolist() if own is not None and of_kind[url] else []
        for url, own in zip(rows["url"], similarities, strict=True)
    ]
    seen = [images[url] for url in rows["url"]]
    table = _table(rows, seen, similarities, passed)
    if every_face:
        table = table.with_columns(pl.Series("matches", [len(own) for own in passed], pl.Int64))
    if kind is not None:
        table = table.with_columns(
            pl.Series("filter", [near[url] for url in rows["url"]], pl.Float64),
            pl.Series("of_kind", [of_kind[url] for url in rows["url"]], pl.Boolean),
        )
    return Verification(table, _training(table, seen, passed, references))


def _table(
    rows: pl.DataFrame, seen: Sequence[Image], similarities: Sequence[Matrix | None], passed: Sequence[Sequence[int]]
) -> pl.DataFrame:
    return rows.with_columns(
        pl.Series("alive", [image.alive for image in seen], pl.Boolean),
        pl.Series("reason", [image.reason for image in seen], pl.String),
        pl.Series("sha256", [image.sha256 for image in seen], pl.String),
        pl.Series("similarity", [None if own is None else float(own.max()) for own in similarities], pl.Float64),
        pl.Series("verified", [bool(own) for own in passed], pl.Boolean),
        pl.Series("fingerprint", [image.fingerprint for image in seen], pl.Binary),
    ).select(list(SCHEMA))


def _training(
    table: pl.DataFrame, seen: Sequence[Image], passed: Sequence[Sequence[int]], references: EmbeddingTable
) -> EmbeddingTable:
    """The vectors that passed, as a table of the same identity as the references."""
    rows, vectors = [], []
    for row, image, faces in zip(table.iter_rows(named=True), seen, passed, strict=True):
        if image.vectors is None:
            continue
        for face in faces:
            own = (row["concept"], "", face, row["url"], image.sha256, None, image.fingerprint)
            times = min(row["multiplicity"], REPEATS)
            rows += [own] * times
            vectors += [image.vectors[face]] * times
    frame = pl.DataFrame(rows, schema=TABLE_SCHEMA, orient="row")
    stacked = np.stack(vectors) if vectors else np.empty((0, references.identity.dim), np.float32)
    return EmbeddingTable(references.identity, frame, stacked, references.licence)


def cutoff_for(
    embedder: Embedder, *, domain: Domain | None = None, cutoff: Cutoff | None = None, kind: Filter | None = None
) -> Cutoff:
    """The cut-off to use with this embedder; raises `InputError` if there is none or it belongs to another.

    One that was measured behind a filter needs the very filter before it.
    """
    found = [cutoff] if cutoff is not None else list(domain.cutoffs if domain is not None else ())
    found = [each for each in found if each.statistic != TEXT_COSINE]
    before = kind.identity if kind is not None else None
    fitting = [
        each
        for each in found
        if (each.embedder, each.weights_sha256) == (embedder.name, embedder.weights_sha256)
        and each.statistic in STATISTICS
    ]
    # One that was measured behind this filter knows more than one that was measured without.
    for candidate in sorted(fitting, key=lambda each: each.behind is None):
        if candidate.behind in (None, before):
            return candidate
    if fitting:
        text = fitting[0].behind.text if fitting[0].behind else ""
        problem = f"the cut-off was measured behind a filter for '{text}'"
        raise InputError(f"{problem}, which is not the one here", accepted="the same filter, weights and value")
    weights = [each.weights_sha256[:12] if each.weights_sha256 else "weights not stated" for each in found]
    have = [f"{each.embedder} ({digest}, {each.statistic})" for each, digest in zip(found, weights, strict=True)]
    raise InputError(
        f"no verification cut-off for {embedder.name} with weights {embedder.weights_sha256[:12]}; "
        f"there is: {', '.join(have) or 'none'}",
        accepted="a cut-off measured on this embedder, these weights and one of "
        f"{', '.join(STATISTICS)}: `mimetic2 calibrate` measures one",
    )


def _links(sample: pl.DataFrame) -> pl.DataFrame:
    for column in ("concept", "url"):
        if column not in sample.columns:
            raise InputError("is missing in the sample", column=column, accepted="a sample that `count` wrote")
    if (sample["url"].cast(pl.String).fill_null("") == "").any():
        accepted = "a link in every row: captions in which `count` finds a column of links"
        raise InputError("is empty in the sample", column="url", accepted=accepted)
    weight = pl.col("multiplicity").cast(pl.Int64) if "multiplicity" in sample.columns else pl.lit(1, pl.Int64)
    return (
        sample.with_columns(weight.alias("multiplicity"))
        .group_by("concept", "url")
        .agg(pl.col("multiplicity").sum())
        .sort("concept", "url")
    )


def _similarities(
    rows: pl.DataFrame, images: dict[str, Image], reference: EmbeddingTable, cutoff: Cutoff
) -> list[Matrix | None]:
    """Per row, how alike each of its image's vectors and the references of its concept are; None without a vector."""
    centre = reference_centre(reference)
    result: list[Matrix | None] = [None] * rows.height
    for key, own in rows.with_row_index("row").group_by("concept", maintain_order=True):
        drawn = draw_references(reference, str(key[0]), cutoff.references)
        found = [(place, images[url].vectors) for place, url in zip(own["row"], own["url"], strict=True)]
        known = [(place, vectors) for place, vectors in found if vectors is not None]
        if not known:
            continue
        values = similarity(np.concatenate([v for _, v in known]), drawn, cutoff.statistic, centre=centre)
        ends = np.cumsum([len(vectors) for _, vectors in known])
        for (place, _), part in zip(known, np.split(values, ends[:-1]), strict=True):
            result[place] = part
    return result
