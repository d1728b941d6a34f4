"""Concept lists from a Wikidata query: each format of its results, rows put together by item, and what is said."""

from __future__ import annotations

import csv
import io
import json
import re
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimetic2.cli.main import run
from mimetic2.concepts import Concept, read_concepts
from mimetic2.concepts.wikidata import concepts_of_results, read_results
from mimetic2.errors import InputError

ENTITY = "http://www.wikidata.org/entity/"
QUERIES = sorted((Path(__file__).resolve().parents[2] / "examples" / "concepts").glob("*.rq"))
ROWS = [
    {"item": ENTITY + "Q1", "concept": "Ada Blume", "alias": "A. Blume", "group": "Cubism"},
    {"item": ENTITY + "Q1", "concept": "Ada Blume", "alias": "Blume, Ada", "group": "Cubism"},
    {"item": ENTITY + "Q1", "concept": "Ada Blume", "alias": "A. Blume", "group": "Art"},
    {"item": ENTITY + "Q2", "concept": "Bo Ford"},
    {"item": ENTITY + "Q3", "concept": "Q3", "alias": "nobody"},
    {"item": ENTITY + "Q4", "concept": "Bo Ford", "alias": "†", "group": "Cubism"},
]
EXPECTED = [
    Concept("Ada Blume", ("A. Blume", "Blume, Ada"), "Art", notes="Q1"),
    Concept("Bo Ford", (), "Cubism", notes="Q2 Q4"),
]


def standard(rows: list[dict[str, str]]) -> str:
    """The W3C's format of results."""
    types = {"item": "uri"}
    bindings = [
        {name: {"type": types.get(name, "literal"), "xml:lang": "en", "value": text} for name, text in row.items()}
        for row in rows
    ]
    return json.dumps({"head": {"vars": ["item", "concept", "alias", "group"]}, "results": {"bindings": bindings}})


def table(rows: list[dict[str, str]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, ["item", "concept", "alias", "group"])
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "text"), [("r.json", standard(ROWS)), ("r.json", json.dumps(ROWS)), ("r.csv", table(ROWS))]
)
def test_every_format_gives_the_same_list(
    tmp_path: Path, name: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_text(text)
    assert read_concepts(tmp_path / name) == EXPECTED
    said = capsys.readouterr().err.splitlines()
    assert [line.split(" (")[0] for line in said] == [
        "1 names belong to several items",
        "1 items have no label in the query's language and are left out",
        "1 concepts are in several groups and were put into the first by alphabet",
        "1 aliases have no letter or digit and are left out",
    ]


def test_labels_of_the_service_and_joined_aliases(tmp_path: Path) -> None:
    rows = [{"person": ENTITY + "Q7", "personLabel": "Cy Holt", "aliases": "C. Holt|Holt", "groupLabel": "actors"}]
    (tmp_path / "r.json").write_text(json.dumps(rows))
    assert read_concepts(tmp_path / "r.json") == [Concept("Cy Holt", ("C. Holt", "Holt"), "actors", notes="Q7")]


def test_an_item_with_two_labels_is_one_concept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        {"item": ENTITY + "Q7", "concept": label, "alias": "C. Holt"} for label in ("Cy Hölt", "Cy Holt", "Cy Hölt")
    ]
    (tmp_path / "r.json").write_text(json.dumps([*rows, {"item": ENTITY + "Q8", "concept": "Bo"}]))
    assert read_concepts(tmp_path / "r.json") == [
        Concept("Cy Holt", ("C. Holt", "Cy Hölt"), notes="Q7"),
        Concept("Bo", notes="Q8"),
    ]
    assert capsys.readouterr().err == "1 items have several labels: the first by alphabet names them\n"


def test_a_table_without_items_is_an_ordinary_list(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("concept,alias,notes\nAda,x,http://www.wikidata.org/entity/Q1 and more\n")
    assert read_concepts(tmp_path / "r.csv") == [Concept("Ada", notes="http://www.wikidata.org/entity/Q1 and more")]


names = st.sampled_from(["Ada Blume", "Bo Ford", "Cy Holt"])
entries = st.lists(st.tuples(st.integers(1, 4), st.lists(names, max_size=2), st.lists(names, max_size=2)), min_size=1)


@given(entries, st.randoms(use_true_random=False))
def test_the_product_of_values_in_any_order_says_the_same(
    tmp_path_factory: pytest.TempPathFactory, given_entries: list[tuple[int, list[str], list[str]]], random: object
) -> None:
    """A query's rows are the product of an item's values, which an oracle of sets puts together again."""
    rows, oracle = [], {}
    for number, aliases, groups in given_entries:
        label = f"Name {number}"
        for alias, group in product(aliases or [""], groups or [""]):
            rows.append({"item": f"{ENTITY}Q{number}", "concept": label, "alias": alias, "group": group})
            known = oracle.setdefault(label, (set(), set()))
            known[0].update({alias} - {""})
            known[1].update({group} - {""})
    random.shuffle(rows)  # type: ignore[attr-defined]
    path = tmp_path_factory.mktemp("wikidata") / "r.json"
    path.write_text(json.dumps(rows))
    found = {c.name: (set(c.aliases), c.group) for c in read_concepts(path)}
    assert found == {label: (aliases, min(groups, default=None)) for label, (aliases, groups) in oracle.items()}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "is not JSON"),
        ("{}", "holds no results of a SPARQL query"),
        ("[1]", "holds no results"),
        ('{"results": {"bindings": []}}', "names no concept"),
        (json.dumps([{"item": ENTITY + "Q1", "name": "x"}]), "has no column of names; the columns are: item, name"),
        (json.dumps([{"item": ENTITY + "Q1", "itemLabel": "Q1"}]), "names no concept"),
    ],
)
def test_what_is_no_result_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "r.json").write_text(text)
    with pytest.raises(InputError, match=problem):
        read_concepts(tmp_path / "r.json")
    with pytest.raises(InputError, match="no such file"):
        read_concepts(tmp_path / "none.json")


def test_a_list_of_wikidata_serves_a_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pyarrow")
    (tmp_path / "r.json").write_text(standard(ROWS))
    (tmp_path / "c.txt").write_text("a. blume paints\nby bo ford\nby bo ford\n")
    command = ["count", "--captions", str(tmp_path / "c.txt"), "--concepts", str(tmp_path / "r.json")]
    assert run([*command, "--out", str(tmp_path / "m.csv"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["mentions"] == 3
    assert read_results(tmp_path / "r.json").height == len(ROWS)
    assert concepts_of_results(read_results(tmp_path / "r.json"), tmp_path)["concept"].to_list() == [
        "Ada Blume",
        "Bo Ford",
    ]


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_the_queries_select_what_is_read_and_nobody_under_age(path: Path) -> None:
    text = re.sub(r"#[^\n]*", "", path.read_text().replace("ontology#", ""))
    assert re.search(r"SELECT \?item \?concept \?alias \?group WHERE", text)
    for pair in ("{}", "()"):
        assert text.count(pair[0]) == text.count(pair[1])
    assert "YEAR(NOW()) - 18" in text or "YEAR(?died) < 1950" in text


def test_the_page_shows_a_query_that_is_there() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "concepts.md").read_text()
    assert sum(path.read_text() in page for path in QUERIES) == 1
    assert all(f"`{path.name}`" in page for path in QUERIES)
