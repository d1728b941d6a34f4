"""From labelled images to a cut-off that `verify` takes: pairs, command, and whom the cut-off is refused for."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image
from test_fetching_verification import Colour, Shelf, png

from mimetic2.cli.main import run
from mimetic2.counting.cutoffs import read_cutoff, roc_path
from mimetic2.counting.labelling import IN_REFERENCES, LOWEST, labelled_pairs, labels_of_folder, read_labels
from mimetic2.embedding import get_embedder
from mimetic2.errors import InputError
from mimetic2.files import folder_name
from mimetic2.lab import painters, reference_pictures
from mimetic2.tables import read_table

COLOURS = {"red": (250, 10, 10), "blue": (10, 10, 250), "green": (10, 250, 10)}


@pytest.fixture
def references(tmp_path: Path) -> Path:
    for name, colour in COLOURS.items():
        for index in range(3 if name == "red" else 2):
            path = tmp_path / "reference" / name / f"{index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(png(*(value - index for value in colour)))
    return tmp_path / "reference"


def cosine(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    return float(np.dot(one, other) / np.linalg.norm(one) / np.linalg.norm(other))


def test_pairs_are_joined_by_link_and_compared_with_equally_many_references(references: Path) -> None:
    shelf = Shelf({"a": png(200, 60, 60), "b": png(60, 60, 200), "none": png(0, 0, 0), "gone": "HTTP 404"})
    shelf.contents["known"] = (references / "red" / "0.png").read_bytes()
    labels = pl.DataFrame(
        [("red", "a", "red"), ("blue", "a", "red"), ("blue", "b", "blue"), ("red", "none", "red"), ("red", "gone", "x"),
         ("red", "known", "red"), ("green", "known", "not green")],
        schema=["concept", "url", "shown"], orient="row",
    )  # fmt: skip
    found = labelled_pairs(labels.sample(fraction=1, shuffle=True, seed=3), shelf, Colour(), references,
                           statistic="max_cosine")  # fmt: skip
    assert (found.references, found.left_out, found.without_vector) == (2, {"HTTP 404": 1, IN_REFERENCES: 1}, 1)
    pairs = {(concept, shown): value for concept, shown, value in found.pairs.rows() if value != LOWEST}
    assert len(pairs) == 4
    reds = [
        max(cosine((200, 60, 60), (250 - i, 10 - i, 10 - i)) for i in chosen) for chosen in ((0, 1), (0, 2), (1, 2))
    ]
    assert any(pairs["red", "red"] == pytest.approx(value, abs=1e-6) for value in reds)
    blue = max(cosine((200, 60, 60), (10 - i, 10 - i, 250 - i)) for i in range(2))
    assert pairs["blue", "red"] == pytest.approx(blue, abs=1e-6)
    assert found.pairs.filter(pl.col("similarity") == LOWEST).rows() == [("red", "red", LOWEST)]


def test_more_references_than_there_are_is_refused(references: Path) -> None:
    labels = pl.DataFrame({"concept": ["blue"], "url": ["a"], "shown": ["blue"]})
    with pytest.raises(InputError, match="'blue' has 2 usable references, 3 are wanted; accepted: 1 to 2"):
        labelled_pairs(labels, Shelf({}), Colour(), references, statistic="max_cosine", references=3)


def test_a_folder_labels_its_images_and_those_of_others(references: Path) -> None:
    labels = labels_of_folder(references)
    assert labels.height == 3 * 7
    for concept, url, shown in labels.rows():
        assert Path(url).parent.name == shown
        assert concept in COLOURS
    assert labels.filter(pl.col("concept") == pl.col("shown")).height == 7
    with pytest.raises(InputError, match="no such folder"):
        labels_of_folder(references / "none")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("concept,url\na,u\n", "column 'shows': is missing"),
        ("concept,url,shows\na,u,maybe\n", "row 2: column 'shows': is 'maybe'"),
        ("concept,url,shows\na,u,\n", "row 2: column 'shows': is empty"),
        ("concept,url,shows\na,,true\n", "row 2: column 'url': is empty"),
        ("concept,url,shows\na,u,true\na,u,false\n", "row 3: column 'shows': 'u' was answered otherwise above"),
    ],
)
def test_labels_that_say_nothing_or_two_things_are_refused(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(InputError, match=problem):
        read_labels(tmp_path / "labels.csv")


def test_labels_of_a_table(tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_text("concept,url,shows\na,u,true\nb,u,false\na,u,true\n")
    assert read_labels(tmp_path / "l.csv").rows() == [("a", "u", "a"), ("b", "u", "not b: u")]


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight painters: references, labelled pictures, and others as a folder that was fetched."""
    pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("painters")
    pictures = reference_pictures(14)
    for painter in painters()[:8]:
        for kind, first, last in (("reference", 0, 6), ("labelled", 6, 14)):
            target = folder / kind / folder_name(painter.name)
            target.mkdir(parents=True)
            for index in range(first, last):
                Image.fromarray(pictures[painter.name][index]).save(target / f"{index}.png")
    return folder


def calibrated(folder: Path, *more: str) -> list[str]:
    paths = ["--reference", str(folder / "reference"), "--out", str(folder / "cutoff.json")]
    return ["calibrate", "--images", str(folder / "labelled"), *paths, "--embedder", "style-lite", *more]


def test_the_command_s_cut_off_verifies_and_is_refused_for_others(
    material: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(calibrated(material)) == 0
    out = capsys.readouterr().out
    assert "max_cosine to 6 references, style-lite" in out
    assert "of 32" in out
    cutoff = read_cutoff(material / "cutoff.json")
    assert (cutoff.embedder, cutoff.statistic, cutoff.references) == ("style-lite", "max_cosine", 6)
    assert cutoff.weights_sha256 == get_embedder("style-lite").weights_sha256
    assert read_table(roc_path(material / "cutoff.json"), ["cutoff", "sensitivity", "specificity"]).height > 10
    assert run(calibrated(material, "--json")) == 0
    assert json.loads(capsys.readouterr().out) == json.loads((material / "cutoff.json").read_text())

    one = painters()[0]
    (tmp_path / "m.csv").write_text(f"concept,mentions\n{one.name},3\n")
    links = [f"lab://{one.slug}/boat/{number}" for number in range(3)]
    pl.DataFrame({"concept": [one.name] * 3, "url": links}).write_parquet(tmp_path / "s.parquet")
    verify = ["verify", "--concepts", str(tmp_path / "m.csv"), "--sample", str(tmp_path / "s.parquet"), "--correct"]
    verify += ["--reference", str(material / "reference"), "--out", str(tmp_path / "c.csv")]
    assert run([*verify, "--cutoff", str(material / "cutoff.json")]) == 0
    found = pl.read_parquet(tmp_path / "c.verified.parquet")
    assert found["verified"].to_list() == (found["similarity"] > cutoff.value).to_list()
    capsys.readouterr()
    content = json.loads((material / "cutoff.json").read_text())
    for key, value in (("weights_sha256", "0" * 64), ("statistic", "p-value"), ("embedder", "dlib-face")):
        (tmp_path / "other.json").write_text(json.dumps(content | {"cutoff": content["cutoff"] | {key: value}}))
        command = [*verify, "--cutoff", str(tmp_path / "other.json"), "--embedder", "style-lite"]
        assert run(command) == 2
        assert "no verification cut-off for style-lite" in capsys.readouterr().err
    (tmp_path / "rates.json").write_text(json.dumps(content | {"cutoff": content["cutoff"] | {"rates": None}}))
    assert run([*verify, "--cutoff", str(tmp_path / "rates.json")]) == 2
    assert "no measured error rates" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "is no cut-off"),
        ('{"schema_version": 2}', "has schema version 2"),
        ('{"schema_version": 1, "cutoff": {"embedder": "x"}}', "is no cut-off"),
    ],
)
def test_other_files_are_no_cut_offs(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "c.json").write_text(text)
    with pytest.raises(InputError, match=problem):
        read_cutoff(tmp_path / "c.json")
    with pytest.raises(InputError, match="no such file"):
        read_cutoff(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("more", "problem"),
    [(("--statistic", "median"), "unknown statistic 'median'"), (("--out", "x.csv"), "unknown kind of file '.csv'")],
)
def test_the_command_names_mistakes(
    material: Path, more: tuple[str, ...], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(calibrated(material, *more)) == 2
    assert problem in capsys.readouterr().err


def test_the_faces_cut_off_is_dlib_s_distance() -> None:
    from mimetic2.domains import load_domain

    cutoff = next(each for each in load_domain("faces").cutoffs if each.embedder == "dlib-face")
    assert cutoff.value == pytest.approx(1 - 0.6**2 / (2 * 1.444**2), abs=1e-4)
    assert cutoff.rates is None


@pytest.mark.slow
def test_the_faces_cut_off_tells_people_apart() -> None:
    pytest.importorskip("dlib")
    folder = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "sd11-celebrities" / "reference"
    if not folder.is_dir():
        pytest.skip("the reference images lie beside the repository, and are not here")
    from mimetic2.domains import load_domain
    from mimetic2.embedding import embed_images, find_images

    cutoff = next(each for each in load_domain("faces").cutoffs if each.embedder == "dlib-face")
    embedder = get_embedder("dlib-face")
    assert cutoff.weights_sha256 == embedder.weights_sha256
    table = embed_images(find_images(folder), embedder, None, label="embed")
    names, vectors = table.frame["concept"].to_numpy()[table.usable], table.vectors[table.usable]
    alike = vectors @ vectors.T
    np.fill_diagonal(alike, -1)
    own = np.array([row[names == name].max() for row, name in zip(alike, names, strict=True)])
    others = [
        row[names == other].max() for row, name in zip(alike, names, strict=True) for other in set(names) - {name}
    ]
    assert (own > cutoff.value).mean() > 0.97
    assert (np.array(others) <= cutoff.value).mean() > 0.97
