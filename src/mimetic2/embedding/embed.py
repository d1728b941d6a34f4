"""From a list of files to a table of vectors, batch by batch, through the cache."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image

from mimetic2.embedding.base import Embedder, identity_of
from mimetic2.embedding.cache import Entry, VectorCache
from mimetic2.embedding.decoding import decode_all
from mimetic2.embedding.table import SCHEMA, EmbeddingTable
from mimetic2.embedding.threads import in_threads
from mimetic2.errors import InputError
from mimetic2.progress import bar

BATCH = 64


def embed_images(
    files: pl.DataFrame, embedder: Embedder, cache: Path | None = None, *, label: str = "embed"
) -> EmbeddingTable:
    """Embed the files of `find_images` (concept, prompt, index, path and optionally reason).

    Files that cannot be read or embedded keep their row, with a reason and a NaN vector; rows that come with a reason
    are not opened. With ``cache``, vectors of equal bytes made before by the same embedder, weights and decoder are
    reused, and an interrupted call goes on where it stopped.
    """
    identity = identity_of(embedder)
    if "reason" not in files.columns:
        files = files.with_columns(pl.lit(None, pl.String).alias("reason"))
    paths, reasons = files["path"].to_list(), files["reason"].to_list()
    digests: list[str | None] = [None] * files.height
    entries: list[Entry] = [(None, reason, None) for reason in reasons]
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(VectorCache(cache, identity)) if cache is not None else None
        progress = stack.enter_context(bar(label, files.height, unit="images"))
        for chunk in _chunks([row for row, reason in enumerate(reasons) if reason is None]):
            contents = in_threads(_read, [Path(paths[row]) for row in chunk])
            for row, (digest, entry) in zip(chunk, _embed_chunk(contents, embedder, store), strict=True):
                digests[row], entries[row] = digest, entry
            progress.advance(len(chunk))
        progress.advance(files.height - progress.done)
    vectors = np.full((files.height, identity.dim), np.nan, np.float32)
    for row, (vector, _, _) in enumerate(entries):
        if vector is not None:
            vectors[row] = vector
    frame = files.select("concept", "prompt", "index", "path").with_columns(
        pl.Series("sha256", digests, pl.String),
        pl.Series("reason", [reason for _, reason, _ in entries], pl.String),
        pl.Series("fingerprint", [mark for _, _, mark in entries], pl.Binary),
    )
    return EmbeddingTable(identity, frame.select(list(SCHEMA)).cast(SCHEMA), vectors, embedder.licence)  # type: ignore[arg-type]


def _chunks(rows: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(rows), BATCH):
        yield rows[start : start + BATCH]


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _embed_chunk(
    contents: Sequence[bytes | None], embedder: Embedder, store: VectorCache | None
) -> list[tuple[str | None, Entry]]:
    digests = [None if data is None else hashlib.sha256(data).hexdigest() for data in contents]
    known = store.get({digest for digest in digests if digest is not None}) if store is not None else {}
    new = {digest: data for digest, data in zip(digests, contents, strict=True) if digest and data is not None}
    new = {digest: data for digest, data in new.items() if digest not in known}
    if new:
        made = _embed_new(list(new.values()), embedder)
        if store is not None:
            store.put(list(new), made)
        known.update(zip(new, made, strict=True))
    missing: Entry = (None, "unreadable file", None)
    return [(digest, missing if digest is None else known[digest]) for digest in digests]


def _embed_new(contents: Sequence[bytes], embedder: Embedder) -> list[Entry]:
    decoded = decode_all(contents)
    images: list[Image.Image] = [image for image, _, _ in decoded if image is not None]
    vectors, reasons = embedder.embed(images) if images else (np.empty((0, embedder.dim), np.float32), [])
    if vectors.shape != (len(images), embedder.dim) or len(reasons) != len(images):
        problem = f"the embedder {embedder.name} gave vectors {vectors.shape} and {len(reasons)} reasons"
        raise InputError(problem, accepted=f"({len(images)}, {embedder.dim}) and {len(images)}")
    results = iter(zip(vectors, reasons, strict=True))
    entries: list[Entry] = []
    for image, reason, mark in decoded:
        if image is None:
            entries.append((None, reason, None))
            continue
        vector, failure = next(results)
        if failure is None and not np.isfinite(vector).all():
            failure = "no finite vector"
        entries.append((None if failure else vector, failure, mark))
    return entries
