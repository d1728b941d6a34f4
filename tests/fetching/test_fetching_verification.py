"""Verification against a source and an embedder whose answers are known."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from mimetic2.counting.cleaning import LINE, SMALL, clean
from mimetic2.counting.fetching.selection import refused_links
from mimetic2.counting.sources import FolderSource, Found, LabSource, Refusing, source_of
from mimetic2.counting.verification import SCHEMA, verify_sample
from mimetic2.domains import Cutoff, load_domain
from mimetic2.embedding.base import Vectors, normalise
from mimetic2.errors import InputError

DIGEST = "0" * 64
CUTOFF = Cutoff(embedder="colour", weights_sha256=DIGEST, statistic="max_cosine", value=0.9, source="a test")


class Colour:
    """The mean colour as a direction; counts how many images it was asked about; black images have no vector."""

    name, version, weights_sha256, licence = "colour", "1", DIGEST, "none"
    input_size, dim, decoder, centred, options = 1, 3, "pillow-rgb-1", False, ""

    def __init__(self) -> None:
        self.seen = 0

    def embed(self, images: Sequence[Image.Image]) -> tuple[Vectors, list[str | None]]:
        self.seen += len(images)
        means = np.array([np.asarray(image, np.float32).mean((0, 1)) for image in images]).reshape(-1, 3)
        return normalise(means), [None if row.any() else "no face found" for row in means]


class Shelf:
    """A source that is a dictionary; a text is the reason of a dead link."""

    def __init__(self, contents: dict[str, bytes | str]) -> None:
        self.contents = contents

    def read(self, url: str) -> Found:
        content = self.contents[url]
        return Found(None, content) if isinstance(content, str) else Found(content, least_bytes=0)


def png(*colour: int, size: tuple[int, int] = (8, 8)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def references(tmp_path: Path) -> Path:
    for name, colour in (("red", (250, 10, 10)), ("blue", (10, 10, 250))):
        for index in range(3):
            path = tmp_path / "reference" / name / f"{index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(png(*(value - index for value in colour)))
    return tmp_path / "reference"


SHELF = Shelf({"r": png(200, 8, 8), "b": png(8, 8, 200), "gone": "HTTP 404", "text": b"hello", "black": png(0, 0, 0)})
SAMPLE = pl.DataFrame(
    {
        "concept": ["Red", "Red", "Red", "blue", "blue", "Red", "Red"],
        "url": ["r", "b", "gone", "r", "b", "black", "r"],
        "multiplicity": [1, 1, 1, 1, 5, 1, 2],
    }
)


def test_rows_are_judged_by_their_own_concepts_references(references: Path) -> None:
    table = verify_sample(SAMPLE, SHELF, Colour(), references, cutoff=CUTOFF)
    assert table.columns == list(SCHEMA)
    rows = {(row["concept"], row["url"]): row for row in table.iter_rows(named=True)}
    assert {key for key, row in rows.items() if row["verified"]} == {("Red", "r"), ("blue", "b")}
    assert rows["Red", "r"]["multiplicity"] == 3
    assert (rows["Red", "gone"]["alive"], rows["Red", "gone"]["reason"]) == (False, "HTTP 404")
    assert (rows["Red", "black"]["alive"], rows["Red", "black"]["reason"]) == (True, "no face found")
    assert rows["Red", "black"]["similarity"] is None


def test_order_and_resuming_change_nothing(references: Path, tmp_path: Path) -> None:
    fresh = verify_sample(SAMPLE, SHELF, Colour(), references, cutoff=CUTOFF, out=tmp_path / "state")
    again = Colour()
    resumed = verify_sample(SAMPLE.reverse(), SHELF, again, references, cutoff=CUTOFF, out=tmp_path / "state")
    assert fresh.equals(resumed)
    assert again.seen == 0
    assert (tmp_path / "state").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("change", [{"embedder": "other"}, {"weights_sha256": "1" * 64}, {"statistic": "p-value"}])
def test_a_cut_off_of_something_else_is_refused(references: Path, change: dict[str, str]) -> None:
    with pytest.raises(InputError, match="no verification cut-off"):
        verify_sample(SAMPLE, SHELF, Colour(), references, cutoff=CUTOFF.model_copy(update=change))


def test_a_domain_without_a_cut_off_is_refused(references: Path) -> None:
    with pytest.raises(InputError, match="no verification cut-off for colour"):
        verify_sample(SAMPLE, SHELF, Colour(), references, domain=load_domain("lab"))


def test_a_concept_without_references_is_refused(references: Path) -> None:
    with pytest.raises(InputError, match="no usable reference image of 'green'"):
        verify_sample(pl.DataFrame({"concept": ["green"], "url": ["r"]}), SHELF, Colour(), references, cutoff=CUTOFF)


def test_fewer_references_than_measured_are_said(references: Path, capsys: pytest.CaptureFixture[str]) -> None:
    verify_sample(SAMPLE, SHELF, Colour(), references, cutoff=CUTOFF.model_copy(update={"references": 10}))
    assert "has 3 references, its cut-off was measured with 10" in capsys.readouterr().err


def test_a_sample_without_links_is_refused(references: Path) -> None:
    with pytest.raises(InputError, match="'url': is missing"):
        verify_sample(SAMPLE.drop("url"), SHELF, Colour(), references, cutoff=CUTOFF)


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"", "empty file"), (b"GIF89", "not an image"), (png(1, 2, 3, size=(1, 900)), LINE), (png(1, 2, 3), SMALL)],
)
def test_the_clean_filter_says_why(data: bytes, reason: str) -> None:
    assert clean(data).reason == reason


def test_the_lab_renders_and_knows_dead_links() -> None:
    source = source_of(None)
    assert isinstance(source, LabSource)
    assert source.read("lab://lost/3").reason == "dead link"
    data = source.read("lab://generic/boat/12").data
    assert data is not None
    assert clean(data, least_bytes=0).image is not None
    with pytest.raises(InputError, match="not a link of the lab"):
        source.read("https://example.org/a.png")


def test_a_folder_as_img2dataset_writes_it(tmp_path: Path) -> None:
    (tmp_path / "00000").mkdir()
    (tmp_path / "00000" / "000000000.jpg").write_bytes(b"one")
    pl.DataFrame(
        {
            "url": ["u1", "u2", "u3"],
            "key": ["000000000", "000000001", "000000002"],
            "status": ["success", "failed_to_download", "success"],
            "error_message": [None, "HTTP Error 404: Not Found", None],
        }
    ).write_parquet(tmp_path / "00000.parquet")
    (tmp_path / "00001").mkdir()
    (tmp_path / "00001" / "000010000.png").write_bytes(b"two")
    (tmp_path / "00001" / "000010000.json").write_text('{"url": "u4", "status": "success"}')
    source = source_of(tmp_path)
    assert source.read("u1").data == b"one"
    assert source.read("u2").reason == "HTTP Error 404: Not Found"
    assert source.read("u3").reason == "file missing"
    assert source.read("u4").data == b"two"
    assert source.read("u9").reason == "not fetched"


def test_archives_as_img2dataset_writes_them(tmp_path: Path) -> None:
    """`output_format=webdataset`, with its table and, as after a crash, without."""
    for number, links in enumerate((["u1", "u2"], ["u3"])):
        with tarfile.open(tmp_path / f"{number:05d}.tar", "w") as archive:
            for link in links:
                key = f"{number:05d}{link}"
                for ending, data in (("jpg", f"bytes of {link}".encode()), ("txt", b"a caption"),
                                     ("json", json.dumps({"url": link, "key": key}).encode())):  # fmt: skip
                    member = tarfile.TarInfo(f"{key}.{ending}")
                    member.size = len(data)
                    archive.addfile(member, io.BytesIO(data))
    table = {
        "url": ["u1", "u2", "u9"],
        "key": ["00000u1", "00000u2", "00000u9"],
        "status": ["success", "success", "failed_to_download"],
        "error_message": [None, None, "timed out"],
    }
    pl.DataFrame(table).write_parquet(tmp_path / "00000.parquet")
    source = source_of(tmp_path)
    assert [source.read(link).data for link in ("u1", "u2", "u3")] == [f"bytes of u{n}".encode() for n in (1, 2, 3)]
    assert source.read("u9").reason == "timed out"
    (tmp_path / "00002.tar").write_bytes(b"no archive" * 60)
    with pytest.raises(InputError, match=r"00002\.tar: cannot be read"):
        source_of(tmp_path)


def test_links_flagged_unsafe_are_not_looked_at_whoever_fetched_them(references: Path) -> None:
    flagged = SAMPLE.with_columns(punsafe=pl.Series([0.9, 0.1, None, 0.1, 0.5, 0.1, 0.1]))
    refused = refused_links(flagged)
    assert refused == {"r": "flagged unsafe"}
    assert refused_links(flagged, unsafe_above=0.4) == dict.fromkeys(("r", "b"), "flagged unsafe")
    table = verify_sample(flagged, Refusing(SHELF, refused), Colour(), references, cutoff=CUTOFF)
    assert table.filter(pl.col("url") == "r")["reason"].to_list() == ["flagged unsafe"] * 2
    assert not table.filter(pl.col("url") == "r")["alive"].any()


def test_a_list_of_nothing_is_a_list(tmp_path: Path) -> None:
    schema = dict.fromkeys(("url", "key", "status"), pl.String)
    pl.DataFrame(schema=schema).write_parquet(tmp_path / "00000.parquet")
    assert source_of(tmp_path).read("u").reason == "not fetched"


def test_a_folder_without_a_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no list"):
        FolderSource(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        FolderSource(tmp_path / "absent")
