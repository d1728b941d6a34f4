"""The step before verification: images of the domain's kind. Joined by link, one decision with what follows."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from mimetic2.counting.correction import rates_of
from mimetic2.counting.cutoffs import choose_cutoff
from mimetic2.counting.filtering import Filter, filter_of
from mimetic2.counting.labelling import FileSource, filter_pairs, labelled_pairs
from mimetic2.counting.paper import artwork_count, paper_counts
from mimetic2.counting.sources import Found
from mimetic2.counting.verification import cutoff_for, verify_sample
from mimetic2.domains import Cutoff, MeasuredRates, TextFilter, load_domain
from mimetic2.embedding.base import Vectors, normalise
from mimetic2.errors import InputError

DIGEST, OTHER = "0" * 64, "1" * 64
CUTOFF = Cutoff(embedder="colour", weights_sha256=DIGEST, statistic="max_cosine", value=0.9, source="a test")
BLUISH = Cutoff(
    embedder="blueness", weights_sha256=OTHER, statistic="text_cosine", text="blue", value=0.5, source="a test"
)
RATES = MeasuredRates(passed=90, positives=100, rejected=95, negatives=100)


class Colour:
    """The mean colour as a direction; black images have no vector."""

    name, version, weights_sha256, licence = "colour", "1", DIGEST, "none"
    input_size, dim, decoder, centred, options = 1, 3, "pillow-rgb-1", False, ""

    def embed(self, images: Sequence[Image.Image]) -> tuple[Vectors, list[str | None]]:
        means = np.array([np.asarray(image, np.float32).mean((0, 1)) for image in images]).reshape(-1, 3)
        return normalise(means), [None if row.any() else "black" for row in means]


class Blueness(Colour):
    """Reads the names of the three channels."""

    name, weights_sha256 = "blueness", OTHER

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        return np.array([[text == name for name in ("red", "green", "blue")] for text in texts], np.float32)


class Shelf:
    """A source that is a dictionary."""

    def __init__(self, contents: dict[str, bytes | None]) -> None:
        self.contents = contents

    def read(self, url: str) -> Found:
        return Found(self.contents[url], None if self.contents[url] else "dead link", least_bytes=0)


def png(*colour: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(buffer, "PNG")
    return buffer.getvalue()


SHELF = Shelf({"10": png(250, 10, 10), "2": png(200, 10, 190), "1": png(0, 0, 0), "9": None, "a": png(10, 10, 250)})
"""Red, red and blue, black (no vector), dead, blue: in another order than file names or links sort."""
SAMPLE = pl.DataFrame(
    {"concept": ["red"] * 4 + ["blue"] * 2, "url": ["10", "2", "1", "9", "a", "10"], "multiplicity": [3, 1, 1, 1, 2, 1]}
)


@pytest.fixture
def references(tmp_path: Path) -> Path:
    for name, colour in (("red", (255, 0, 60)), ("blue", (0, 0, 255))):
        (tmp_path / "reference" / name).mkdir(parents=True)
        (tmp_path / "reference" / name / "0.png").write_bytes(png(*colour))
    return tmp_path / "reference"


def test_an_image_must_pass_both(references: Path, tmp_path: Path) -> None:
    loose = CUTOFF.model_copy(update={"value": 0.7})
    kind = Filter(Blueness(), BLUISH)
    found = verify_sample(SAMPLE, SHELF, Colour(), references, cutoff=loose, kind=kind, out=tmp_path / "cache")
    rows = {(row["concept"], row["url"]): row for row in found.iter_rows(named=True)}
    without = verify_sample(SAMPLE, SHELF, Colour(), references, cutoff=loose)
    alone = {(row["concept"], row["url"]): row["verified"] for row in without.iter_rows(named=True)}
    assert alone == {key: key in {("red", "10"), ("red", "2"), ("blue", "a")} for key in rows}
    assert {key for key, row in rows.items() if row["verified"]} == {("red", "2"), ("blue", "a")}
    assert {key for key, row in rows.items() if row["of_kind"]} == {("red", "2"), ("blue", "a")}
    expected = 190 / np.linalg.norm([200, 10, 190])
    assert rows["red", "2"]["filter"] == pytest.approx(expected, abs=1e-6)
    assert rows["red", "1"]["filter"] is None  # alive, but without a vector
    assert rows["red", "9"]["filter"] is None
    # By the cache, in any order of rows, the same.
    again = verify_sample(
        SAMPLE.reverse(), SHELF, Colour(), references, cutoff=loose, kind=kind, out=tmp_path / "cache"
    )
    assert again.equals(found)
    assert (tmp_path / "cache").stat().st_mode & 0o777 == 0o700


def test_the_paper_scales_artworks_first(references: Path) -> None:
    kind = Filter(Blueness(), BLUISH)
    loose = CUTOFF.model_copy(update={"value": 0.7})
    found = verify_sample(SAMPLE, SHELF, Colour(), references, cutoff=loose, kind=kind)
    mentions = pl.DataFrame({"concept": ["red", "blue"], "mentions": [53, 31]})
    counts = paper_counts(mentions, found, faces=False)
    # red: 5 alive rows, 1 artwork, which is red; blue: 3 alive rows, 2 artworks, both blue.
    assert counts["count"].to_list() == [artwork_count(1, 1, 53, 5), artwork_count(2, 2, 31, 3)] == [10, 20]
    assert counts["verified"].to_list() == [1, 2]


ART = load_domain("art-style").model_copy(update={"filter": TextFilter(embedder="blueness", text="blue")})


def test_a_filter_s_cutoff_belongs_to_its_weights_and_text() -> None:
    own = ART.model_copy(update={"cutoffs": (CUTOFF, BLUISH)})
    assert filter_of(own, Blueness()).cutoff == BLUISH
    for change in ({"weights_sha256": DIGEST}, {"text": "red"}, {"embedder": "clip"}, {"weights_sha256": None}):
        other = BLUISH.model_copy(update=change)
        with pytest.raises(InputError, match="no cut-off of the filter 'blue'"):
            filter_of(own, Blueness(), other)
        with pytest.raises(InputError, match="no cut-off of the filter 'blue'"):
            filter_of(own.model_copy(update={"cutoffs": (other,)}), Blueness())
    with pytest.raises(InputError, match="has no filter"):
        filter_of(load_domain("faces"), Blueness())
    wordless = Colour()
    told = Cutoff(embedder="colour", weights_sha256=DIGEST, statistic="text_cosine", text="blue", value=0, source="-")
    with pytest.raises(InputError, match="reads no texts"):
        filter_of(own, wordless, told).similarities(["10"], SHELF, None)


def test_published_cutoffs_for_weights_that_the_user_vouches_for() -> None:
    digest = "AB" * 32
    art = load_domain("art-style")
    style, kind = choose_cutoff(f"classical@{digest}", art), choose_cutoff(f"modern@{digest}", art, text=True)
    assert (style.embedder, style.value, style.weights_sha256) == ("csd", 0.2783, digest.lower())
    assert (kind.embedder, kind.value, kind.text) == ("clip", 0.1768798828125, "an artwork")
    with pytest.raises(InputError, match=r"'baroque' is on record; accepted: classical@DIGEST \(csd\), modern"):
        choose_cutoff(f"baroque@{digest}", art)
    with pytest.raises(InputError, match="no published cut-off 'classical'"):
        choose_cutoff(f"classical@{digest}", load_domain("lab"))


def test_rates_are_of_the_whole_decision() -> None:
    kind = Filter(Blueness(), BLUISH)
    plain = CUTOFF.model_copy(update={"rates": RATES})
    behind = plain.model_copy(update={"behind": kind.identity})
    assert cutoff_for(Colour(), cutoff=plain, kind=kind) == plain
    with pytest.raises(InputError, match="error rates are those without the filter"):
        rates_of(plain, filtered=True)
    assert cutoff_for(Colour(), cutoff=behind, kind=kind) == behind
    assert rates_of(behind, filtered=True).passed == 90
    moved = Filter(Blueness(), BLUISH.model_copy(update={"value": 0.51}))
    for other in (None, moved):
        with pytest.raises(InputError, match="measured behind a filter for 'blue', which is not the one here"):
            cutoff_for(Colour(), cutoff=behind, kind=other)
    both = ART.model_copy(update={"cutoffs": (plain, behind, BLUISH)})
    assert cutoff_for(Colour(), domain=both, kind=kind) == behind
    assert cutoff_for(Colour(), domain=both) == plain


def test_pairs_behind_a_filter_count_what_it_stops_as_rejected(tmp_path: Path, references: Path) -> None:
    images = {"red": [(250, 10, 10), (200, 0, 190)], "blue": [(5, 5, 240)]}
    rows = []
    for name, colours in images.items():
        for index, colour in enumerate(colours):
            path = tmp_path / f"{name}{index}.png"
            path.write_bytes(png(*colour))
            rows += [(concept, str(path), name) for concept in images]
    labels = pl.DataFrame(rows, schema=["concept", "url", "shown"], orient="row")
    arguments = (labels, FileSource(), Colour(), references)
    alone = labelled_pairs(*arguments, statistic="max_cosine").pairs
    both = labelled_pairs(*arguments, statistic="max_cosine", kind=Filter(Blueness(), BLUISH))
    assert both.without_vector == 2  # the red one, against red and against blue
    joined = alone.with_row_index().join(both.pairs.with_row_index(), on="index")
    changed = joined.filter(pl.col("similarity") != pl.col("similarity_right"))
    assert changed["similarity_right"].to_list() == [-1.0, -1.0]


def test_a_filter_is_calibrated_by_groups(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for group in range(6):
        for index in range(5):
            shade = rng.integers(0, 80, 4)
            for kind, colour in (
                ("art", (shade[0], shade[1], 255)),
                ("photos", (255, shade[2], shade[3])),
            ):
                path = tmp_path / kind / f"group {group}" / f"{index}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(png(*map(int, colour)))
    (tmp_path / "photos" / "loose.png").write_bytes(png(255, 255, 0))
    (tmp_path / "photos" / "black.png").write_bytes(png(0, 0, 0))
    (tmp_path / "photos" / "broken.png").write_bytes(b"no image")
    found = filter_pairs(tmp_path / "art", tmp_path / "photos", Blueness(), "blue")
    assert found.pairs.height == 62
    assert found.without_vector == 1
    assert found.pairs["concept"].n_unique() == 14
    assert sum(found.left_out.values()) == 1
    own = found.pairs.filter(pl.col("concept") == pl.col("shown"))
    assert own.height == 30
    assert own["similarity"].min() > found.pairs.filter(pl.col("concept") != pl.col("shown"))["similarity"].max()  # type: ignore[operator]


def test_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`calibrate --filter` on a real (tiny, random) CLIP, then `verify` behind it; and what is refused."""
    pytest.importorskip("transformers")
    from clip_models import write_clip
    from mimetic2.cli.main import run
    from mimetic2.files import sha256
    from mimetic2.lab import painters, reference_pictures
    from mimetic2.lab.links import reference_links

    write_clip(tmp_path / "clip")
    names = [painter.name for painter in painters()[:6]]
    pictures = reference_pictures(30)
    rng = np.random.default_rng(0)
    for name in names:
        for index, picture in enumerate(pictures[name]):
            place = tmp_path / ("reference" if index < 24 else "art") / name / f"{index}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture).save(place)
    (tmp_path / "noise").mkdir()
    for index in range(20):
        noise = Image.fromarray(rng.integers(0, 256, (48, 48, 3), dtype=np.uint8))
        noise.save(tmp_path / "noise" / f"{index}.png")
    cutoff, domain = tmp_path / "filter.json", tmp_path / "own.yaml"
    clip = ["--embedder", "clip", "--weights", str(tmp_path / "clip")]
    told = ["--images", str(tmp_path / "art"), "--others", str(tmp_path / "noise"), "--out", str(cutoff)]
    assert run(["calibrate", "--filter", "an artwork", *clip, *told]) == 0
    capsys.readouterr()
    found = choose_cutoff(cutoff, None)
    assert (found.statistic, found.text, found.references) == ("text_cosine", "an artwork", None)
    assert found.weights_sha256 == sha256(tmp_path / "clip" / "model.safetensors")
    lab = Path(load_domain.__code__.co_filename).parent / "lab.yaml"
    domain.write_text(lab.read_text() + "filter: {embedder: clip, text: an artwork}\n")
    mentions = pl.DataFrame({"concept": names, "mentions": [100] * len(names)})
    mentions.write_csv(tmp_path / "mentions.csv")
    links = [(painter.name, str(link)) for painter in painters()[:6] for link in reference_links(painter, 30)[24:]]
    sample = pl.DataFrame(links, schema=["concept", "url"], orient="row")
    sample.write_parquet(tmp_path / "sample.parquet")
    arguments = ["verify", "--concepts", str(tmp_path / "mentions.csv"), "--sample", str(tmp_path / "sample.parquet")]
    arguments += ["--reference", str(tmp_path / "reference"), "--domain", str(domain), "--out", str(tmp_path / "c.csv")]
    kind = ["--filter-weights", str(tmp_path / "clip")]
    assert run([*arguments, *kind]) == 2
    assert "no cut-off of the filter 'an artwork' for clip" in capsys.readouterr().err
    assert run([*arguments, *kind, "--filter-cutoff", str(cutoff), "--correct"]) == 2
    assert "error rates are those without the filter" in capsys.readouterr().err
    assert run([*arguments, "--cutoff", f"classical@{DIGEST}"]) == 2
    assert "no published cut-off 'classical'" in capsys.readouterr().err
    assert run([*arguments, *kind, "--filter-cutoff", str(cutoff), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    verified = pl.read_parquet(tmp_path / "c.verified.parquet")
    assert said["alive"] == verified.height == 36
    assert said["of_kind"] == verified["of_kind"].sum() == (verified["filter"] > found.value).sum()
    assert 0 < said["verified"] <= said["of_kind"] < 36
    assert said["warnings"] == []
