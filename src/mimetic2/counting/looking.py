"""From links to vectors: read, clean and describe the image behind each link, a batch at a time, with a cache."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import PIL.Image

from mimetic2.counting.cleaning import clean
from mimetic2.counting.sources import Source
from mimetic2.embedding import Embedder
from mimetic2.embedding.base import Vectors, identity_of
from mimetic2.embedding.cache import Entry, VectorCache
from mimetic2.embedding.decoding import fingerprint
from mimetic2.progress import bar

BATCH = 64
Description = tuple[Vectors | None, str | None]
"""The vectors of an image, flat, or None and why there are none."""


@dataclass(frozen=True, slots=True)
class Image:
    """What is known of one link: alive or not, why it has no vector, its digest, its vectors (k, d).

    k is 1, or, where every face is looked at, the number of faces.
    """

    alive: bool
    reason: str | None = None
    sha256: str | None = None
    vectors: Vectors | None = None
    fingerprint: bytes | None = None


@runtime_checkable
class SeesEveryFace(Protocol):
    """An embedder that can describe every face of an image, not just one."""

    def embed_faces(self, images: Sequence[PIL.Image.Image]) -> tuple[list[Vectors], list[str | None]]:
        """Per image, L2-normalised vectors (k, dim) float32 of its faces, and why there are none or None."""
        ...


def look_at(
    urls: Sequence[str], source: Source, embedder: Embedder, out: Path | None, every_face: bool
) -> dict[str, Image]:
    """The image behind every link; ``out`` is the folder of the cache, by which an interrupted call is resumed."""
    images: dict[str, Image] = {}
    dead = 0
    identity = identity_of(embedder)
    if every_face:
        identity = replace(identity, options="faces=all")
    describe: Callable[[Any, Sequence[PIL.Image.Image]], list[Description]] = _every_face if every_face else _one_vector
    with ExitStack() as stack:
        cache = stack.enter_context(VectorCache(out, identity)) if out is not None else None
        progress = stack.enter_context(bar("verify", len(urls), unit="images"))
        for start in range(0, len(urls), BATCH):
            batch = urls[start : start + BATCH]
            found, decoded = _read(batch, source)
            entries = _described(decoded, partial(describe, embedder), cache)
            images |= {
                url: _image(entries[own], own, identity.dim) if isinstance(own, str) else own
                for url, own in found.items()
            }
            dead += sum(not images[url].alive for url in batch)
            progress.advance(len(batch), f"{dead:,} dead")
    return images


def _one_vector(embedder: Embedder, images: Sequence[PIL.Image.Image]) -> list[Description]:
    vectors, reasons = embedder.embed(images)
    return [(None if reason else vector, reason) for vector, reason in zip(vectors, reasons, strict=True)]


def _every_face(embedder: SeesEveryFace, images: Sequence[PIL.Image.Image]) -> list[Description]:
    vectors, reasons = embedder.embed_faces(images)
    return [(None if reason else own.ravel(), reason) for own, reason in zip(vectors, reasons, strict=True)]


def _read(urls: Sequence[str], source: Source) -> tuple[dict[str, str | Image], dict[str, PIL.Image.Image]]:
    """Of each link, the digest of its bytes, or the dead image; and the decoded images by digest."""
    found: dict[str, str | Image] = {}
    decoded: dict[str, PIL.Image.Image] = {}
    for url in urls:
        read = source.read(url)
        if read.data is None:
            found[url] = Image(alive=False, reason=read.reason)
            continue
        cleaned = clean(read.data, least_bytes=read.least_bytes)
        if cleaned.image is None:
            found[url] = Image(alive=False, reason=cleaned.reason)
            continue
        digest = hashlib.sha256(read.data).hexdigest()
        found[url], decoded[digest] = digest, cleaned.image
    return found, decoded


def _described(
    decoded: Mapping[str, PIL.Image.Image],
    describe: Callable[[Sequence[PIL.Image.Image]], list[Description]],
    cache: VectorCache | None,
) -> dict[str, Entry]:
    known = cache.get(decoded) if cache is not None else {}
    new = [digest for digest in decoded if digest not in known]
    if new:
        described = describe([decoded[digest] for digest in new])
        entries: list[Entry] = [
            (vectors, reason, fingerprint(decoded[digest]))
            for digest, (vectors, reason) in zip(new, described, strict=True)
        ]
        if cache is not None:
            cache.put(new, entries)
        known |= dict(zip(new, entries, strict=True))
    return known


def _image(entry: Entry, digest: str, dim: int) -> Image:
    flat, reason, mark = entry
    return Image(True, reason, digest, None if flat is None else flat.reshape(-1, dim), mark)
