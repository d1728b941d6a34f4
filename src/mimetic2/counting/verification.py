"""Does the image behind a sampled link show the concept that its caption names?

Each image is compared with the concept's references by the statistic that the cut-off was measured with; a cut-off
of another embedder, other weights or another statistic is refused. Rows are joined by link, images by the digest of
their bytes, never by position.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from mimetic2.counting.cleaning import clean
from mimetic2.counting.sources import Source
from mimetic2.domains import Cutoff, Domain
from mimetic2.embedding import Embedder, EmbeddingTable, embed_images, find_images
from mimetic2.embedding.base import Vectors, identity_of
from mimetic2.embedding.cache import Entry, VectorCache
from mimetic2.embedding.decoding import fingerprint
from mimetic2.embedding.finding import match_folders
from mimetic2.errors import InputError
from mimetic2.files import concept_of_folder
from mimetic2.progress import bar, log
from mimetic2.scoring import STATISTICS, reference_centre, similarity

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
BATCH = 64


@dataclass(frozen=True, slots=True)
class Image:
    """What is known of one link: alive or not, why it has no vector, its digest, its vector."""

    alive: bool
    reason: str | None = None
    sha256: str | None = None
    vector: Vectors | None = None
    fingerprint: bytes | None = None


def verify_sample(
    sample: pl.DataFrame,
    source: Source,
    embedder: Embedder,
    reference: Path | EmbeddingTable,
    *,
    domain: Domain | None = None,
    cutoff: Cutoff | None = None,
    out: Path | None = None,
) -> pl.DataFrame:
    """One row a (concept, url) of ``sample``, sorted, with the columns of `SCHEMA`.

    ``sample`` has columns concept and url, and optionally multiplicity; rows of one link with several captions are
    added up. ``reference`` is a folder of images per concept, or their vectors. The cut-off is ``cutoff`` or the one
    that ``domain`` has for this embedder. Images that are alive but have no vector (no face found) are not verified
    and say why. ``out`` is a folder that only its owner can enter: vectors made there before are reused, so that an
    interrupted call goes on where it stopped. Equal input gives an equal table.

    Raises `InputError` for a cut-off measured on something else, and for a concept without references.
    """
    rows = _links(sample)
    chosen = cutoff_for(embedder, domain=domain, cutoff=cutoff)
    concepts = rows["concept"].unique().sort().to_list()
    table = _references(reference, concepts, embedder, out)
    images = _look_at(rows["url"].unique().sort().to_list(), source, embedder, out)
    similarities = _similarities(rows, images, table, chosen)
    seen = [images[url] for url in rows["url"]]
    return rows.with_columns(
        pl.Series("alive", [image.alive for image in seen], pl.Boolean),
        pl.Series("reason", [image.reason for image in seen], pl.String),
        pl.Series("sha256", [image.sha256 for image in seen], pl.String),
        pl.Series("similarity", similarities, pl.Float64),
        pl.Series("verified", [value is not None and value > chosen.value for value in similarities], pl.Boolean),
        pl.Series("fingerprint", [image.fingerprint for image in seen], pl.Binary),
    ).select(list(SCHEMA))


def cutoff_for(embedder: Embedder, *, domain: Domain | None = None, cutoff: Cutoff | None = None) -> Cutoff:
    """The cut-off to use with this embedder; raises `InputError` if there is none or it belongs to another."""
    found = [cutoff] if cutoff is not None else list(domain.cutoffs if domain is not None else ())
    for candidate in found:
        same = (candidate.embedder, candidate.weights_sha256) == (embedder.name, embedder.weights_sha256)
        if same and candidate.statistic in STATISTICS:
            return candidate
    weights = [(each.weights_sha256 or "none")[:12] for each in found]
    have = [f"{each.embedder} ({digest}, {each.statistic})" for each, digest in zip(found, weights, strict=True)]
    raise InputError(
        f"no verification cut-off for {embedder.name} with weights {embedder.weights_sha256[:12]}; "
        f"there is: {', '.join(have) or 'none'}",
        accepted=f"a cut-off measured on this embedder, these weights and one of {', '.join(STATISTICS)}",
    )


def _links(sample: pl.DataFrame) -> pl.DataFrame:
    for column in ("concept", "url"):
        if column not in sample.columns:
            raise InputError("is missing in the sample", column=column, accepted="a sample that `count` wrote")
    if sample["url"].null_count():
        raise InputError("is empty in the sample", column="url", accepted="a link in every row")
    weight = pl.col("multiplicity").cast(pl.Int64) if "multiplicity" in sample.columns else pl.lit(1, pl.Int64)
    return (
        sample.with_columns(weight.alias("multiplicity"))
        .group_by("concept", "url")
        .agg(pl.col("multiplicity").sum())
        .sort("concept", "url")
    )


def _references(
    reference: Path | EmbeddingTable, concepts: Sequence[str], embedder: Embedder, out: Path | None
) -> EmbeddingTable:
    if isinstance(reference, EmbeddingTable):
        table = reference
        if table.identity != identity_of(embedder):
            raise InputError(f"the references' vectors are of {table.identity.name}, not of this {embedder.name}")
    else:
        # All concepts' references, also of those without a sampled row: the centre of the pool depends on them.
        table = embed_images(find_images(reference), embedder, out, label="embed references")
        table = _renamed(table, reference, concepts)
    usable = set(table.frame.filter(pl.col("reason").is_null())["concept"])
    for concept in concepts:
        if concept not in usable:
            where = reference if isinstance(reference, Path) else None
            raise InputError(f"no usable reference image of '{concept}'", file=where, accepted="a folder per concept")
    return table


def _renamed(table: EmbeddingTable, folder: Path, concepts: Sequence[str]) -> EmbeddingTable:
    """The table with concepts spelled as in the sample where their folder is spelled a little differently."""
    folders = sorted(entry.name for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    owners = {concept_of_folder(name): concept for name, concept in match_folders(folder, folders, concepts).items()}
    frame = table.frame.with_columns(pl.col("concept").replace(owners))
    return EmbeddingTable(table.identity, frame, table.vectors, table.licence)


def _look_at(urls: Sequence[str], source: Source, embedder: Embedder, out: Path | None) -> dict[str, Image]:
    """Read, clean and embed the image behind every link, a batch at a time."""
    images: dict[str, Image] = {}
    dead = 0
    with ExitStack() as stack:
        cache = stack.enter_context(VectorCache(out, identity_of(embedder))) if out is not None else None
        progress = stack.enter_context(bar("verify", len(urls), unit="images"))
        for batch in _batches(urls):
            found = _batch(batch, source, embedder, cache)
            dead += sum(not image.alive for image in found.values())
            images |= found
            progress.advance(len(batch), f"{dead:,} dead")
    return images


def _batches(urls: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(urls), BATCH):
        yield urls[start : start + BATCH]


def _batch(urls: Sequence[str], source: Source, embedder: Embedder, cache: VectorCache | None) -> dict[str, Image]:
    known: dict[str, Entry] = {}
    digests: dict[str, str] = {}
    images: dict[str, Image] = {}
    decoded = {}
    for url in urls:
        found = source.read(url)
        if found.data is None:
            images[url] = Image(alive=False, reason=found.reason)
            continue
        cleaned = clean(found.data, least_bytes=found.least_bytes)
        if cleaned.image is None:
            images[url] = Image(alive=False, reason=cleaned.reason)
            continue
        digests[url] = hashlib.sha256(found.data).hexdigest()
        decoded[digests[url]] = cleaned.image
    if cache is not None:
        known = cache.get(decoded)
    new = [digest for digest in decoded if digest not in known]
    if new:
        vectors, reasons = embedder.embed([decoded[digest] for digest in new])
        entries: list[Entry] = [
            (None if reason is not None else vector, reason, fingerprint(decoded[digest]))
            for digest, vector, reason in zip(new, vectors, reasons, strict=True)
        ]
        if cache is not None:
            cache.put(new, entries)
        known |= dict(zip(new, entries, strict=True))
    for url, digest in digests.items():
        vector, reason, mark = known[digest]
        images[url] = Image(True, reason, digest, vector, mark)
    return images


def _similarities(
    rows: pl.DataFrame, images: dict[str, Image], reference: EmbeddingTable, cutoff: Cutoff
) -> list[float | None]:
    """Per row, how alike its image and the references of its concept are; None without a vector."""
    centre = reference_centre(reference)
    result: list[float | None] = [None] * rows.height
    for key, own in rows.with_row_index("row").group_by("concept", maintain_order=True):
        vectors = _drawn(reference, str(key[0]), cutoff)
        found = [(place, images[url].vector) for place, url in zip(own["row"], own["url"], strict=True)]
        places = [place for place, vector in found if vector is not None]
        if not places:
            continue
        stacked = np.stack([vector for _, vector in found if vector is not None])
        values = similarity(stacked, vectors, cutoff.statistic, centre=centre)
        for place, value in zip(places, values, strict=True):
            result[place] = float(value)
    return result


def _drawn(reference: EmbeddingTable, concept: str, cutoff: Cutoff) -> Vectors:
    """As many of a concept's references as the cut-off was measured with, those of smallest digest; else all."""
    own = reference.frame.with_row_index("row").filter((pl.col("concept") == concept) & pl.col("reason").is_null())
    rows = own.unique("sha256", keep="first", maintain_order=True).sort("sha256")["row"]
    wanted = cutoff.references or len(rows)
    if len(rows) < wanted:
        log(f"'{concept}' has {len(rows)} references, its cut-off was measured with {wanted}: expect other error rates")
    drawn: Vectors = reference.vectors[rows[:wanted].to_numpy()]
    return drawn
