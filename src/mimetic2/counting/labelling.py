"""Labelled images to labelled pairs: each image against a concept's references, by the statistic to be deployed.

Labels come as a folder of images per concept, or as a table that says of fetched images, known by their links, whether
they show a concept. An image without a vector (no face found) would never be verified, so it is a pair with the lowest
similarity that there is, not a pair left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from mimetic2.counting.filtering import Filter, text_vector
from mimetic2.counting.looking import Image, look_at
from mimetic2.counting.references import draw_references, reference_table, usable_references
from mimetic2.counting.sources import Found, Source
from mimetic2.embedding import Embedder, EmbeddingTable, find_images
from mimetic2.embedding.finding import image_files
from mimetic2.errors import InputError
from mimetic2.scoring import reference_centre, similarity
from mimetic2.seeding import generator
from mimetic2.tables import booleans, read_table

OTHERS = 100
"""Images of others that a concept is compared with, at most, where every concept has a folder of images."""
LOWEST = -1.0
IN_REFERENCES = "also among the references"
SCHEMA = {"concept": pl.String, "shown": pl.String, "similarity": pl.Float64}


@dataclass(frozen=True)
class Labelled:
    """``pairs`` as `calibrate` takes them, each compared with ``references`` references.

    ``left_out``: pairs by the reason why they are none; ``without_vector``: pairs of images that have no vector, or
    that a filter does not let pass.
    """

    pairs: pl.DataFrame
    references: int
    left_out: Mapping[str, int] = field(default_factory=dict)
    without_vector: int = 0


class FileSource:
    """Image files by their paths."""

    def read(self, url: str) -> Found:
        """The file's bytes, whatever their size."""
        try:
            return Found(Path(url).read_bytes(), least_bytes=0)
        except OSError:
            return Found(None, "unreadable file")


def labels_of_folder(folder: Path, *, seed: int = 0) -> pl.DataFrame:
    """Labels (concept, url, shown) from a folder of images per concept; ``url`` is the file's path.

    Every image is compared with its own concept, and at most `OTHERS` images of others, drawn by seed, with each.
    """
    files = find_images(folder).filter(pl.col("reason").is_null()).select(pl.col("path").alias("url"), "concept")
    parts = []
    for name in files["concept"].unique().sort():
        own, others = files.filter(pl.col("concept") == name), files.filter(pl.col("concept") != name)
        rng = generator("calibration others", seed, str(name))
        drawn = np.sort(rng.choice(others.height, min(OTHERS, others.height), replace=False))
        both = pl.concat([own, others[drawn]]).rename({"concept": "shown"})
        parts.append(both.select(pl.lit(name).alias("concept"), "url", "shown"))
    if not parts:
        raise InputError("holds no images", file=folder, accepted="a folder of images per concept")
    return pl.concat(parts)


def read_labels(path: Path) -> pl.DataFrame:
    """Labels (concept, url, shown) from a table with concept, url and ``shows`` (true or false).

    Whom else an image shows is not asked: images that do not show the concept are strangers. Raises `InputError` for a
    row without an answer and for two answers about one image.
    """
    table = read_table(path, ["concept", "url", "shows"])
    answers: dict[tuple[str, str], bool] = {}
    for row, (concept, url, shows) in enumerate(
        zip(table["concept"], table["url"], booleans(table, "shows", file=path), strict=True), 2
    ):
        if shows is None or not concept or not url:
            column = "shows" if shows is None else "url" if concept else "concept"
            raise InputError("is empty", file=path, row=row, column=column, accepted="concept, url, true or false")
        if answers.setdefault((concept, url), shows) != shows:
            raise InputError(f"'{url}' was answered otherwise above", file=path, row=row, column="shows")
    rows = [(concept, url, concept if shows else f"not {concept}: {url}") for (concept, url), shows in answers.items()]
    return pl.DataFrame(rows, schema={"concept": pl.String, "url": pl.String, "shown": pl.String}, orient="row")


def labelled_pairs(
    labels: pl.DataFrame,
    source: Source,
    embedder: Embedder,
    reference: Path | EmbeddingTable,
    *,
    statistic: str,
    references: int | None = None,
    kind: Filter | None = None,
    out: Path | None = None,
) -> Labelled:
    """The pairs of ``labels`` (concept, url, shown), joined to images by ``url``.

    All concepts are compared with the same number of references, by default the smallest that one of them has. Images
    that equal one of the concept's references are left out, as are unreadable ones. An image that ``kind`` does not let
    pass would never be verified, so it has the lowest similarity too. ``out`` is a cache, as in `verify_sample`.
    Raises `InputError` for a concept without (so many) references.
    """
    concepts = labels["concept"].unique().sort().to_list()
    table = reference_table(reference, concepts, embedder, out)
    fewest, poorest = min((len(usable_references(table, name)), name) for name in concepts)
    number = references or fewest
    if number > fewest:
        raise InputError(f"'{poorest}' has {fewest} usable references, {number} are wanted", accepted=f"1 to {fewest}")
    urls = labels["url"].unique().sort().to_list()
    images = look_at(urls, source, embedder, out, every_face=False)
    of_kind = kind.passing(kind.similarities(urls, source, out)) if kind is not None else dict.fromkeys(urls, True)
    centre = reference_centre(table)
    digests = table.frame.select("concept", "sha256").rows()
    known = {(name, digest) for name, digest in digests if digest is not None}
    left_out: Counter[str] = Counter()
    rows: list[tuple[str, str, float]] = []
    without = 0
    for key, own in labels.group_by("concept", maintain_order=True):
        name = str(key[0])
        kept = _kept(own, name, images, known, left_out)
        vectors = [(place, images[url].vectors if of_kind[url] else None) for place, (url, _) in enumerate(kept)]
        seen = [(place, vector) for place, vector in vectors if vector is not None]
        values = np.full(len(kept), LOWEST)
        if seen:
            drawn = draw_references(table, name, number)
            stacked = np.concatenate([vector for _, vector in seen])
            values[[place for place, _ in seen]] = similarity(stacked, drawn, statistic, centre=centre)
        without += len(kept) - len(seen)
        rows += [(name, shown, float(value)) for (_, shown), value in zip(kept, values, strict=True)]
    return Labelled(pl.DataFrame(rows, schema=SCHEMA, orient="row"), number, dict(sorted(left_out.items())), without)


def filter_pairs(images: Path, others: Path, embedder: Embedder, text: str, out: Path | None = None) -> Labelled:
    """Pairs for a filter's cut-off: images that are of the kind, and others, each against ``text``.

    Groups, which stay on one side of a calibration, are the folders right below either one; an image that lies in none
    is a group of its own. Equal files count once.
    """
    vector = text_vector(embedder, text)
    left_out: Counter[str] = Counter()
    rows: dict[str, tuple[str, str, float]] = {}
    without = 0
    for folder, is_so in ((images, True), (others, False)):
        files = image_files(folder)
        found = look_at([str(path) for path in files], FileSource(), embedder, out, every_face=False)
        for path in files:
            seen = found[str(path)]
            if seen.sha256 is None:
                left_out[seen.reason or "unreadable"] += 1
                continue
            parts = path.relative_to(folder).parts
            group = f"{'of' if is_so else 'not'} {parts[0] if len(parts) > 1 else seen.sha256}"
            without += seen.vectors is None
            value = LOWEST if seen.vectors is None else float(seen.vectors[0] @ vector)
            rows[seen.sha256] = (group, group if is_so else f"other: {seen.sha256}", value)
    table = pl.DataFrame(list(rows.values()), schema=SCHEMA, orient="row")
    return Labelled(table, 0, dict(sorted(left_out.items())), without)


def _kept(
    labels: pl.DataFrame, name: str, images: Mapping[str, Image], known: set[tuple[str, str]], left_out: Counter[str]
) -> list[tuple[str, str]]:
    """(url, shown) of the images that can be compared; the others are counted by reason."""
    kept = []
    for url, shown in labels.select("url", "shown").iter_rows():
        image = images[url]
        if not image.alive:
            left_out[image.reason or "unreadable"] += 1
        elif (name, image.sha256) in known:
            left_out[IN_REFERENCES] += 1
        else:
            kept.append((url, shown))
    return kept
