"""The paper's counts: its formulas on numbers worked out by hand, faces counted by the box."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mimetic2.counting.paper import artwork_count, face_count, paper_counts
from mimetic2.counting.sources import Found
from mimetic2.counting.verification import verify_images, verify_sample
from mimetic2.domains import Cutoff
from mimetic2.embedding.base import Vectors, normalise
from mimetic2.errors import InputError

DIGEST = "0" * 64
CUTOFF = Cutoff(embedder="halves", weights_sha256=DIGEST, statistic="max_cosine", value=0.9, source="a test")


@pytest.mark.parametrize(
    ("verified", "mentions", "downloaded", "count"),
    [(3, 10, 4, 8), (1, 10, 4, 3), (0, 10, 4, 0), (0, 10, 0, 0), (12, 10, 4, 30), (5, 7, 7, 5)],
)
def test_face_counts_by_hand(verified: int, mentions: int, downloaded: int, count: int) -> None:
    assert face_count(verified, mentions, downloaded) == count


@pytest.mark.parametrize(
    ("verified", "artworks", "mentions", "downloaded", "count"),
    [
        (3, 5, 11, 10, 3),  # floor(5·11/10) = 5 artworks, 3·5/5 = 3
        (1, 2, 13, 5, 2),  # floor(2·13/5) = 5, 1·5/2 = 2.5 rounds to the even 2
        (3, 2, 13, 5, 8),  # 3·5/2 = 7.5 rounds to the even 8
        (0, 0, 10, 5, 0),
    ],
)
def test_artwork_counts_by_hand(verified: int, artworks: int, mentions: int, downloaded: int, count: int) -> None:
    assert artwork_count(verified, artworks, mentions, downloaded) == count


@given(st.integers(0, 500), st.integers(0, 10**6), st.integers(1, 500))
def test_face_counts_round_half_up(verified: int, mentions: int, downloaded: int) -> None:
    exact = Fraction(verified * mentions, downloaded)
    assert abs(face_count(verified, mentions, downloaded) - exact) <= Fraction(1, 2)
    if exact.denominator == 2:
        assert face_count(verified, mentions, downloaded) == math.ceil(exact)


MENTIONS = pl.DataFrame({"concept": ["a", "b", "c"], "mentions": [10, 4, 0], "note": ["x", "y", "z"]})
ROWS = [
    ("a", "1", 2, True, True, 2),
    ("a", "2", 1, True, False, 0),
    ("a", "3", 1, False, False, 0),
    ("b", "4", 1, False, False, 0),
]
COLUMNS = ["concept", "url", "multiplicity", "alive", "verified", "matches"]
VERIFIED = pl.DataFrame(ROWS, schema=COLUMNS, orient="row")


def test_counts_of_faces_weigh_repeated_rows_and_boxes() -> None:
    counts = paper_counts(MENTIONS, VERIFIED, faces=True)
    assert counts.select("concept", "count", "sampled", "alive", "verified", "status", "note").rows() == [
        ("a", 13, 4, 3, 4, "ok", "x"),  # 4 faces · 10 / 3 images = 13.3
        ("b", 0, 1, 0, 0, "missing", "y"),
        ("c", 0, 0, 0, 0, "zero", "z"),
    ]
    assert counts["count_low"].null_count() == 3


def test_counts_of_pictures_know_which_are_works_of_art() -> None:
    assert paper_counts(MENTIONS, VERIFIED, faces=False)["count"].to_list() == [7, 0, 0]  # 2 · 10 / 3 = 6.7
    artwork = VERIFIED.with_columns(pl.Series("of_kind", [True, False, True, True]))
    assert paper_counts(MENTIONS, artwork, faces=False)["count"].to_list() == [6, 0, 0]  # floor(2·10/3), all of them


def test_faces_that_were_not_counted_are_an_error() -> None:
    with pytest.raises(InputError, match="matches"):
        paper_counts(MENTIONS, VERIFIED.drop("matches"), faces=True)


class Halves:
    """Two 'faces' an image: the mean colours of its left and right half; black halves are no face."""

    name, version, weights_sha256, licence = "halves", "1", DIGEST, "none"
    input_size, dim, decoder, centred, options = 1, 3, "pillow-rgb-1", False, "faces=one"

    def __init__(self) -> None:
        self.seen = 0

    def embed_faces(self, images: Sequence[Image.Image]) -> tuple[list[Vectors], list[str | None]]:
        self.seen += len(images)
        found = []
        for image in images:
            pixels = np.asarray(image, np.float32)
            halves = np.stack([half.mean((0, 1)) for half in np.array_split(pixels, 2, axis=1)])
            found.append(normalise(halves[halves.any(1)]))
        return found, [None if len(own) else "no face found" for own in found]

    def embed(self, images: Sequence[Image.Image]) -> tuple[Vectors, list[str | None]]:
        every, _ = self.embed_faces(images)
        vectors = np.stack([own[0] if len(own) == 1 else np.full(3, np.nan, np.float32) for own in every])
        return vectors, [None if len(own) == 1 else "not one face" for own in every]


def png(left: tuple[int, int, int], right: tuple[int, int, int] = (0, 0, 0)) -> bytes:
    pixels = np.zeros((8, 8, 3), np.uint8)
    pixels[:, :4], pixels[:, 4:] = left, right
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


RED, BLUE, BLACK = (250, 5, 5), (5, 5, 250), (0, 0, 0)


CONTENTS = {"both": png(RED, RED), "one": png(BLUE, RED), "other": png(BLUE), "none": png(BLACK)}


class Shelf:
    def read(self, url: str) -> Found:
        return Found(CONTENTS[url], least_bytes=0)


@pytest.fixture
def references(tmp_path: Path) -> Path:
    (tmp_path / "red").mkdir()
    for index in range(3):
        (tmp_path / "red" / f"{index}.png").write_bytes(png((250 - index, 5, 5)))
    return tmp_path


SAMPLE = pl.DataFrame({"concept": ["red"] * 4, "url": ["both", "one", "other", "none"], "multiplicity": [20, 1, 1, 1]})


def test_every_matching_face_counts_and_its_vector_is_kept(references: Path) -> None:
    found = verify_images(SAMPLE, Shelf(), Halves(), references, cutoff=CUTOFF, every_face=True)
    rows = found.table.select("url", "matches", "verified", "reason").rows()
    assert rows == [
        ("both", 2, True, None),
        ("none", 0, False, "no face found"),
        ("one", 1, True, None),
        ("other", 0, False, None),
    ]
    paths = found.training.frame["path"].to_list()
    assert (paths.count("both"), paths.count("one"), len(paths)) == (22, 1, 23)  # two faces, at most eleven times each
    assert (found.training.vectors[:, 0] > 0.99).all()


def test_the_cache_keeps_all_faces_apart_from_single_ones(references: Path, tmp_path: Path) -> None:
    cache, embedder = tmp_path / "cache", Halves()
    first = verify_images(SAMPLE, Shelf(), embedder, references, cutoff=CUTOFF, every_face=True, out=cache)
    asked = embedder.seen
    again = verify_images(SAMPLE, Shelf(), embedder, references, cutoff=CUTOFF, every_face=True, out=cache)
    assert embedder.seen == asked
    assert again.table.equals(first.table)
    assert np.array_equal(again.training.vectors, first.training.vectors)
    single = verify_sample(SAMPLE, Shelf(), embedder, references, cutoff=CUTOFF, out=cache)
    assert "matches" not in single.columns
    assert dict(single.select("url", "verified").iter_rows()) == {
        "both": False,
        "none": False,
        "one": False,
        "other": False,
    }


def test_an_embedder_of_one_face_an_image_cannot_count_faces(references: Path) -> None:
    class Single:
        name, version, weights_sha256, licence = "halves", "1", DIGEST, "none"
        input_size, dim, decoder, centred, options = 1, 3, "pillow-rgb-1", False, ""
        embed = Halves.embed

    with pytest.raises(InputError, match="every face"):
        verify_images(SAMPLE, Shelf(), Single(), references, cutoff=CUTOFF, every_face=True)
