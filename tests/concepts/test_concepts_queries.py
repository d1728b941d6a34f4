"""The queries of the repository, parsed and run by rdflib on a few invented items with Wikidata's properties."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mimetic2.cli.main import run
from mimetic2.concepts import Concept, read_concepts

rdflib = pytest.importorskip("rdflib")

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "concepts"
QUERIES = sorted(FOLDER.glob("*.rq"))
YEAR = datetime.now(UTC).year
PREFIXES = {  # what the query service knows without being told
    "wd": "http://www.wikidata.org/entity/",
    "wdt": "http://www.wikidata.org/prop/direct/",
    "wikibase": "http://wikiba.se/ontology#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
HUMAN, ACTOR, POLITICIAN, PAINTER, AFRICA, EUROPE = "Q5", "Q33999", "Q82955", "Q1028181", "Q15", "Q46"
CUBISM, REALISM = "Q42934", "Q10857409"
COUNTRIES = f"""
wd:Q1033 wdt:P30 wd:{AFRICA} ; rdfs:label "Nigeria"@en , "Nigéria"@fr .
wd:Q117 wdt:P30 wd:{AFRICA} ; rdfs:label "Ghana"@en .
wd:Q183 wdt:P30 wd:{EUROPE} ; rdfs:label "Germany"@en .
wd:{CUBISM} rdfs:label "Cubism"@en , "cubisme"@fr .
wd:{REALISM} rdfs:label "Realism"@en .
"""


def item(number: int, labels: str, *facts: str, born: int = 1900, died: int | None = None, links: int = 100) -> str:
    """An item in Turtle; ``labels`` as `"Ada"@en`."""
    said = [f"wdt:P31 wd:{HUMAN}", f"wikibase:sitelinks {links}", f'wdt:P569 "{born}-01-01T00:00:00Z"^^xsd:dateTime']
    said += [f'wdt:P570 "{died}-06-01T00:00:00Z"^^xsd:dateTime'] if died else []
    said += [f"rdfs:label {labels}"] if labels else []
    return f"wd:Q{number} {' ; '.join([*said, *facts])} .\n"


def aliases(*texts: str) -> str:
    return f"skos:altLabel {' , '.join(texts)}"


def work(*occupations: str) -> str:
    return f"wdt:P106 {' , '.join(f'wd:{each}' for each in occupations)}"


ITEMS = "".join(
    (
        item(901, '"Ada Blume"@en , "Ada Blümchen"@de', work(ACTOR), aliases('"A. Blume"@en', '"Blume"@de')),
        item(902, '"Bo Ford"@mul', work(ACTOR, PAINTER), aliases('"B. F."@mul')),
        item(903, '"Cy Holt"@de', work(ACTOR)),  # no label that is asked for
        item(904, '"Di Young"@en', work(ACTOR), born=YEAR - 10),
        item(905, '"Ed Rare"@en', work(ACTOR), links=59),
        item(906, '"Fay Gray"@en , "Fay Gray"@mul', work(POLITICIAN), "wdt:P27 wd:Q183 , wd:Q117"),
        item(907, '"Gus Stateless"@en', work(POLITICIAN)),
        item(908, '"Hal Kube"@en', work(PAINTER), f"wdt:P135 wd:{CUBISM} , wd:{REALISM}", died=1949),
        item(909, '"Ida Late"@en', work(PAINTER), f"wdt:P135 wd:{CUBISM}", died=1950),
        item(910, '"Jo Living"@en', work(PAINTER), f"wdt:P135 wd:{CUBISM}"),
        item(911, '"Ken Real"@en', work(PAINTER), f"wdt:P135 wd:{REALISM}", died=1900),
        item(912, '"Léa Sow"@fr', work(PAINTER), "wdt:P27 wd:Q1033", aliases('"L. Sow"@fr'), links=1),
        item(913, '"Mo Adu"@en , "Môh Adu"@fr', work(PAINTER), "wdt:P27 wd:Q1033 , wd:Q117 , wd:Q183", links=2),
        item(914, '"Nia Kid"@en', work(PAINTER), "wdt:P27 wd:Q117", born=YEAR - 18, links=2),
        item(915, '"Ole Kube"@mul', work(PAINTER), f"wdt:P135 wd:{CUBISM}", died=1920, links=3),
    )
)
EXPECTED = {
    "celebrities": [Concept("Ada Blume", ("A. Blume",), "actors", notes="Q901"),
                    Concept("Bo Ford", ("B. F.",), "actors", notes="Q902")],
    "politicians": [Concept("Fay Gray", (), "Germany", notes="Q906"), Concept("Gus Stateless", notes="Q907")],
    "artists-by-movement": [Concept("Hal Kube", (), "Cubism", notes="Q908"),
                            Concept("Ole Kube", (), "Cubism", notes="Q915")],
    "african-painters": [Concept("Léa Sow", ("L. Sow",), "Nigeria", notes="Q912"),
                         Concept("Mo Adu", (), "Ghana", notes="Q913")],
}  # fmt: skip


@pytest.fixture(scope="module")
def graph() -> Any:
    known = rdflib.Graph()
    known.parse(data="".join(f"@prefix {p}: <{u}> .\n" for p, u in PREFIXES.items()) + COUNTRIES + ITEMS, format="ttl")
    return known


def results(graph: Any, query: str, kind: str) -> bytes:
    """What the service would send for a query, as its formats are defined by the W3C."""
    out = io.BytesIO()
    graph.query(query, initNs=PREFIXES).serialize(out, format=kind)
    return out.getvalue()


def test_every_query_is_tried() -> None:
    assert {path.stem for path in QUERIES} == EXPECTED.keys()


@pytest.mark.parametrize("kind", ["json", "csv"])
@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_a_query_s_results_are_the_concept_list(graph: Any, tmp_path: Path, path: Path, kind: str) -> None:
    found = tmp_path / f"result.{kind}"
    found.write_bytes(results(graph, path.read_text(encoding="utf-8"), kind))
    assert sorted(read_concepts(found), key=lambda concept: concept.name) == EXPECTED[path.stem]
    assert run(["concepts", "check", "--concepts", str(found)]) == 0


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_columns_are_item_name_alias_and_group(graph: Any, path: Path) -> None:
    head = json.loads(results(graph, path.read_text(encoding="utf-8"), "json"))["head"]["vars"]
    assert head == ["item", "concept", "alias", "group"]
