"""Is an image of the domain's kind at all? The step before verification, by the cosine of the image and a text.

The paper (arXiv 2410.15002) counts artworks first, by a CLIP model and the text "an artwork", and looks for the
artist's among them. Values are joined by link, as everything here; the paper's code combined its two steps by position.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mimetic2.counting.looking import look_at
from mimetic2.counting.sources import Source
from mimetic2.domains import TEXT_COSINE, Behind, Cutoff, Domain, TextFilter
from mimetic2.embedding import Embedder, get_embedder
from mimetic2.embedding.base import ReadsTexts
from mimetic2.errors import InputError


@dataclass(frozen=True)
class Filter:
    """An embedder for images and texts, and the cut-off that was measured on it: an image passes strictly above."""

    embedder: Embedder
    cutoff: Cutoff

    @property
    def identity(self) -> Behind:
        """What a cut-off or error rates that were measured behind this filter belong to."""
        weights, text = self.embedder.weights_sha256, self.cutoff.text or ""
        return Behind(embedder=self.embedder.name, text=text, weights_sha256=weights, value=self.cutoff.value)

    def similarities(self, urls: Sequence[str], source: Source, out: Path | None) -> dict[str, float | None]:
        """The cosine of each link's image and the text; None where nothing is alive or the image has no vector."""
        images = look_at(urls, source, self.embedder, out, every_face=False)
        text = text_vector(self.embedder, self.cutoff.text or "")
        return {url: None if seen.vectors is None else float(seen.vectors[0] @ text) for url, seen in images.items()}

    def passing(self, values: Mapping[str, float | None]) -> dict[str, bool]:
        """Which links' images pass."""
        return {url: value is not None and value > self.cutoff.value for url, value in values.items()}


def text_vector(embedder: Embedder, text: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The text's unit vector; raises `InputError` for an embedder that reads no texts."""
    if not isinstance(embedder, ReadsTexts):
        raise InputError(f"{embedder.name} reads no texts", accepted="an embedder of images and texts, such as clip")
    vector: np.ndarray[tuple[int], np.dtype[np.float64]] = embedder.embed_texts([text])[0].astype(np.float64)
    return vector


def filter_of(domain: Domain, embedder: Embedder, cutoff: Cutoff | None = None) -> Filter:
    """The domain's filter with ``embedder`` and the cut-off given, or the domain's own for exactly these weights.

    Raises `InputError` for a domain without a filter, and for a cut-off of another embedder, other weights or text.
    """
    asked = asked_filter(domain)
    found = [cutoff] if cutoff is not None else [each for each in domain.cutoffs if each.statistic == TEXT_COSINE]
    wanted = (embedder.name, embedder.weights_sha256, TEXT_COSINE, asked.text)
    for candidate in found:
        if (candidate.embedder, candidate.weights_sha256, candidate.statistic, candidate.text) == wanted:
            return Filter(embedder, candidate)
    have = [f"{each.embedder} ({(each.weights_sha256 or 'weights not stated')[:18]}, '{each.text}')" for each in found]
    raise InputError(
        f"no cut-off of the filter '{asked.text}' for {embedder.name} with weights {embedder.weights_sha256[:12]}; "
        f"there is: {', '.join(have) or 'none'}",
        accepted="one that `calibrate --filter` measured on these weights, or NAME@DIGEST of a published one",
    )


def open_filter(
    domain: Domain, weights: str | Path | None, cutoff: Cutoff | None = None, **options: str | bool
) -> Filter:
    """As :func:`filter_of`, with the embedder that the domain's filter names; ``options`` are the embedder's."""
    return filter_of(domain, get_embedder(asked_filter(domain).embedder, weights, **options), cutoff)


def asked_filter(domain: Domain) -> TextFilter:
    """The domain's filter; raises `InputError` where it has none."""
    if domain.filter is None:
        accepted = "a domain with 'filter: {embedder: …, text: …}', such as art-style"
        raise InputError(f"the domain {domain.name} has no filter", accepted=accepted)
    return domain.filter
