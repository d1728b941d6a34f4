"""Concept lists: read, checked, chosen from, and added to."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path

import pytest

from mimetic2.cli.main import run
from mimetic2.concepts import Concept, fold, read_concepts, words, write_concepts
from mimetic2.concepts.checking import check_concepts
from mimetic2.concepts.choosing import sample_concepts
from mimetic2.concepts.controls import invent_controls
from mimetic2.errors import InputError

LISTED = [Concept("Ann Lee", ("A. Lee",), "people", notes="x"), Concept("Bo", control=True), Concept("Cy", minor=True)]


@pytest.mark.parametrize("name", ["list.csv", "list.jsonl", "list.parquet"])
def test_round_trip(tmp_path: Path, name: str) -> None:
    write_concepts(tmp_path / name, LISTED)
    assert read_concepts(tmp_path / name) == LISTED


def test_aliases_as_a_list(tmp_path: Path) -> None:
    path = tmp_path / "list.jsonl"
    path.write_text(json.dumps({"concept": "Ann Lee", "aliases": ["A. Lee", " ", "A. Lee"]}) + "\n")
    assert read_concepts(path) == [Concept("Ann Lee", ("A. Lee",))]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name\nx\n", r"row 1: column 'concept': is missing; the columns are: name"),
        ("concept\nAnn\n ann \nAnn\n", r"row 4: column 'concept': 'Ann' stands in row 2 already"),
        ("concept,aliases\nAnn,--|x\n", r"row 2: column 'aliases': '--' has no letter or digit"),
        ("concept\n...\n", r"row 2: column 'concept': '\.\.\.' has no letter or digit"),
        ("concept,minor\nAnn,perhaps\n", r"row 2: column 'minor': is 'perhaps'; accepted: true, false or empty"),
        ("concept\n" + "a" * 1001 + "\n", r"row 2: column 'concept': .* longer than 1000 bytes"),
        ("concept\n", "names no concept"),
    ],
)
def test_errors(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text(content)
    with pytest.raises(InputError, match=message):
        read_concepts(path)


def test_folding() -> None:
    assert fold("STRAßE Jose\u0301 ＡＢ") == "strasse jose ab"
    assert words("Samuel L. Jackson_2") == ["samuel", "l", "jackson_2"]


def test_check() -> None:
    concepts = [
        *(Concept("José Lee"), Concept("jose  lee"), Concept("Ann", ("J. Lee",)), Concept("Bo", ("j lee",))),
        *(
            Concept("Bo Diddley"),
            Concept("Łucja Ørsted"),
            Concept("mat_fraser"),
            Concept("葛飾北斎"),
            Concept("Ok One"),
        ),
        Concept("Đorđe", ("Dorde",)),
    ]
    found = check_concepts(concepts).rows()
    assert [row[:3] for row in found] == [
        ("duplicate", "jose  lee", "José Lee"),
        ("shared alias", "Bo", "Ann"),
        ("inside", "Bo", "Bo Diddley"),
        ("unfolded letter", "Łucja Ørsted", None),
        ("underscore", "mat_fraser", None),
        ("unspaced script", "葛飾北斎", None),
    ]
    assert "alias 'lucja orsted'" in found[3][3]
    assert "alias 'mat fraser'" in found[4][3]


def test_check_measures_common_words(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    captions = tmp_path / "c.txt"
    captions.write_text("the house\n" * 30 + "Ann Lee\n" + "nothing\n" * 1969)
    listed = [Concept("The"), Concept("Ann Lee", aliases=("House", "Lee of Ann"))]
    found = check_concepts(listed, [str(captions)], out=tmp_path / "m.csv")
    assert found.rows() == [
        ("common", "The", None, "'the' is in 30 of 2,000 captions (1.50%)"),
        ("common", "Ann Lee", None, "'house' is in 30 of 2,000 captions (1.50%)"),
    ]


def test_sample_is_even_over_bins_and_stable() -> None:
    concepts = [Concept(f"c{number}") for number in range(1000)]
    counts = {concept.name: 10 ** (number / 200) - 1 for number, concept in enumerate(concepts)}
    counts |= {f"c{number}": 3.0 for number in range(300, 500)}
    chosen = sample_concepts(concepts, counts, 60, bins=5, seed=1)
    assert len(chosen) == len({concept.name for concept in chosen}) == 60
    assert chosen == sample_concepts(list(concepts), counts, 60, bins=5, seed=1)
    assert chosen != sample_concepts(concepts, counts, 60, bins=5, seed=2)
    top = math.log10(1 + counts["c999"])
    bins = Counter(min(int(math.log10(1 + counts[concept.name]) / top * 5), 4) for concept in chosen)
    assert bins == dict.fromkeys(range(5), 12)
    assert sorted(sample_concepts(concepts[:50], counts, 50), key=lambda c: int(c.name[1:])) == concepts[:50]


def test_sample_errors() -> None:
    with pytest.raises(InputError, match="'Bo' has no count"):
        sample_concepts(LISTED, {"Ann Lee": 3}, 1)
    with pytest.raises(InputError, match="3 concepts are wanted of 2"):
        sample_concepts(LISTED, {"Ann Lee": 3, "Bo": 1}, 3)


def names() -> list[Concept]:
    first = ["marina", "lorenzo", "carmela", "antonia", "rosalind", "armando", "selina", "lamar", "mariano", "corina"]
    last = ["valdera", "montero", "serrano", "almonte", "lavera", "ramonte", "corvalan", "delmare", "salvino"]
    return [Concept(f"{a} {b}") for a in first for b in last]


def test_controls_occur_nowhere(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    listed = names()
    invented = invent_controls(listed, 20, seed=4)
    assert invented == invent_controls(listed, 20, seed=4) != invent_controls(listed, 20, seed=5)
    known = {word for concept in listed for word in concept.phrases[0].split()}
    assert len({concept.name for concept in invented}) == 20
    assert all(c.control and len(words(c.name)) == 2 and not known & set(words(c.name)) for c in invented)
    captions = tmp_path / "c.txt"
    captions.write_text("".join(f"by {concept.name.upper()}\n" for concept in invented[:5]))
    others = invent_controls(listed, 20, seed=4, captions=[str(captions)], out=tmp_path / "m.csv")
    assert not {concept.name for concept in others} & {concept.name for concept in invented[:5]}
    with pytest.raises(InputError, match="names could be invented"):
        invent_controls([Concept("a")], 3)


def test_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pyarrow")
    write_concepts(tmp_path / "list.csv", [*names(), Concept("Marina")])
    (tmp_path / "c.txt").write_text("Marina Valdera\nmarina\nnobody\n")
    given = ["--concepts", str(tmp_path / "list.csv")]
    assert run(["concepts", "check", *given, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {row["kind"] for row in found} == {"inside"}
    (tmp_path / "odd.csv").write_text("words\nnobody\n")
    odd = ["--captions", str(tmp_path / "odd.csv")]
    assert run(["concepts", "check", *given, *odd]) == 2
    assert run(["concepts", "check", *given, *odd, "--text-column", "words"]) == 0
    capsys.readouterr()
    count = ["count", "--captions", str(tmp_path / "c.txt"), *given, "--out", str(tmp_path / "m.csv"), "--json"]
    assert run(count) == 0
    assert json.loads(capsys.readouterr().out)["mentions"] == 3
    chosen = ["concepts", "sample", *given, "--counts", str(tmp_path / "m.csv"), "--number", "7"]
    assert run([*chosen, "--out", str(tmp_path / "some.csv")]) == 0
    assert len(read_concepts(tmp_path / "some.csv")) == 7
    capsys.readouterr()
    assert run([*chosen, "--out", str(tmp_path / "same.csv"), "--json"]) == 0
    (tmp_path / "told.jsonl").write_text("\n".join(json.dumps(row) for row in json.loads(capsys.readouterr().out)))
    assert read_concepts(tmp_path / "told.jsonl") == read_concepts(tmp_path / "some.csv")
    invent = ["concepts", "controls", *given, "--number", "3", "--captions", str(tmp_path / "c.txt")]
    assert run([*invent, "--out", str(tmp_path / "controls.csv")]) == 0
    assert "3 invented names, in no caption" in capsys.readouterr().out
    assert run([*count, "--allow-missing", "lots"]) == 2
    assert "accepted: a share such as 1% or 0.01" in capsys.readouterr().err
