"""The definition of a mention, against an oracle that uses nothing but `re` and `unicodedata`."""

from __future__ import annotations

import re
import unicodedata
from importlib.util import find_spec

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mimetic2.concepts import Concept
from mimetic2.counting.matching import Matcher
from mimetic2.counting.scanners import SCANNERS

pa = pytest.importorskip("pyarrow")


def oracle_words(text: str) -> list[str]:
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    return re.findall(r"\w+", "".join(c for c in folded if unicodedata.combining(c) == 0))


def oracle(caption: str, concept: Concept) -> bool:
    have = oracle_words(caption)
    for text in (concept.name, *concept.aliases):
        want = oracle_words(text)
        if any(have[start : start + len(want)] == want for start in range(len(have) - len(want) + 1)):
            return True
    return False


def expected(captions: list[str | None], concepts: list[Concept]) -> list[tuple[int, int]]:
    return [
        (row, index)
        for row, caption in enumerate(captions)
        for index, concept in enumerate(concepts)
        if oracle(caption or "", concept)
    ]


def found(captions: list[str | None], concepts: list[Concept], scanner: str) -> list[tuple[int, int]]:
    rows, indexes = Matcher(concepts, scanner).match(pa.array(captions, pa.string()))
    return list(zip(rows.tolist(), indexes.tolist(), strict=True))


INSTALLED = [name for name in sorted(SCANNERS) if name != "hyperscan" or find_spec("hyperscan")]


@pytest.fixture(params=INSTALLED)
def scanner(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize(
    ("caption", "name", "mentioned"),
    [
        ("samuel l jackson, 2014", "Samuel L. Jackson", True),
        ("Samuel L. -- Jackson", "Samuel L. Jackson", True),
        ("a study in Picasso's manner", "Picasso", True),
        ("a study in Picasso’s manner", "Picasso", True),
        ("Mat Frasers", "Mat Fraser", False),
        ("format fraser", "Mat Fraser", False),
        ("mat_fraser", "Mat Fraser", False),
        ("GROSSE STRASSE", "Große Straße", True),
        ("İstanbul at night", "istanbul", True),
        ("ıstanbul at night", "istanbul", False),
        ("Łódź", "Lodz", False),
        ("Jose\u0301 Marti\u0301", "José Martí", True),
        ("ＰＩＣＡＳＳＯ", "picasso", True),
        ("葛飾 北斎", "葛飾北斎", False),
        ("葛飾北斎", "葛飾北斎", True),
        ("pic\u200basso", "picasso", False),
        ("لوحة من محمود سعيد", "محمود سعيد", True),
        ("jean-michel basquiat", "Jean Michel Basquiat", True),
        ("mat\nfraser", "Mat Fraser", True),
        ("mat\x00fraser", "Mat Fraser", True),
        ("Σίσυφος", "ΣΊΣΥΦΟΣ", True),
        ("ﬁne art", "Fine Art", True),
    ],
)
def test_examples(caption: str, name: str, mentioned: bool, scanner: str) -> None:
    assert oracle(caption, Concept(name)) is mentioned
    assert found([caption], [Concept(name)], scanner) == ([(0, 0)] if mentioned else [])


def test_never_across_captions(scanner: str) -> None:
    captions: list[str | None] = ["by mat", "fraser", "é mat", "fraser é", None, "", "mat", "", "fraser"]
    assert found(captions, [Concept("Mat Fraser")], scanner) == []


def test_once_per_concept_and_overlapping_names_all_count(scanner: str) -> None:
    concepts = [Concept("Ann"), Concept("Ann Lee", ("Lee Ann",)), Concept("Lee"), Concept("annie", ("ANN",))]
    captions: list[str | None] = ["Ann Lee Ann Lee and Ann", "lee", "ännie"]
    assert found(captions, concepts, scanner) == [(0, 0), (0, 1), (0, 2), (0, 3), (1, 2), (2, 3)]


def test_sliced_and_large_arrays(scanner: str) -> None:
    captions = ["mat fraser", "é", "Mat Fraser é", "none", "mat fraser"]
    sliced = pa.array(captions).slice(1, 3)
    rows, _ = Matcher([Concept("mat fraser")], scanner).match(sliced)
    assert rows.tolist() == [1]


def test_invalid_utf8_is_a_separator(scanner: str) -> None:
    captions = pa.array([b"mat\xff fraser", b"mat\xc3", b"fraser", b"mat fraser\xe2\x82"], pa.binary())
    rows, _ = Matcher([Concept("mat fraser")], scanner).match(captions)
    assert rows.tolist() == [0, 3]


_FRAGMENTS = st.sampled_from(
    [
        *("ann", "Ann", "lee", "LEE", "é", "e\u0301", "\u0301", "ß", "SS", "ss", "İ", "ı", "i", "ﬁ", "fi", "Σ", "ς"),
        *("北", "斎", "ツ", "ﾂ", "゛", "\u3099", "가", "\u1100", "\u1161", "ш", "й", "محمد", "\u0650", "\u05d0"),
        *(" ", " ", " ", "-", "_", "'", "’", "\u200b", "\u200d", "\n", "\t", "\x00", "\x1f", "|", ".", "\u00a0"),
        *("\u2028", "\ufffd", "👩\u200d🎨", "ǅ", "ᾳ", "\u0345", "\u1e9e", "ŀ", "½", "²", "\u0e33", "\u0f71\u0f72"),
    ]
)
_TEXT = st.one_of(st.lists(_FRAGMENTS, max_size=9).map("".join), st.text(max_size=12))


def _name(text: str) -> bool:
    return bool(oracle_words(text))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.none(), _TEXT), max_size=8), st.lists(_TEXT.filter(_name), min_size=1, max_size=6))
@example(["\u0301ann", "ann", "\u0301"], ["ann"])
@example(["ㄱ", "ㅏ"], ["가"])
def test_agrees_with_the_oracle(captions: list[str | None], names: list[str]) -> None:
    concepts = [Concept(name, tuple(names[index + 1 : index + 2])) for index, name in enumerate(names)]
    want = expected(captions, concepts)
    for scanner in INSTALLED:
        assert found(captions, concepts, scanner) == want


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.one_of(st.none(), _TEXT), max_size=8), max_size=5), st.lists(_TEXT.filter(_name), min_size=1)
)
def test_what_a_matcher_saw_before_changes_nothing(batches: list[list[str | None]], names: list[str]) -> None:
    """Dense and sparse batches change the scanner, not what is found."""
    concepts = [Concept(name) for name in names]
    adapting = Matcher(concepts)
    for captions in [*batches, names * 3, *batches]:
        rows, indexes = adapting.match(pa.array(captions, pa.string()))
        assert list(zip(rows.tolist(), indexes.tolist(), strict=True)) == expected(captions, concepts)


def test_names_that_begin_alike_are_not_put_in_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[str] = []
    for name in INSTALLED:
        scanner = SCANNERS[name]
        scan = scanner.scan  # type: ignore[attr-defined]
        monkeypatch.setattr(scanner, "scan", lambda *a, name=name, scan=scan: (used.append(name), scan(*a))[1])
    alike = [Concept(f"The Great {number}") for number in range(100)]
    apart = [Concept(f"{number} Great") for number in range(100)]
    for concepts, want in ((alike, []), (apart, ["table"])):
        matcher = Matcher(concepts)
        used.clear()
        captions = pa.array([concept.name for concept in concepts])
        assert [matcher.match(captions)[1].tolist() for _ in range(3)] == [list(range(100))] * 3
        assert [name for name in used if name == "table"] == want * 2


@pytest.mark.parametrize("between", ["", " ", "\xff", "\u0301", "\u200b", "é", "\n", "\x00"])
def test_the_end_of_one_caption_and_the_start_of_the_next(between: str, scanner: str) -> None:
    """The flat buffer has them side by side, also where both need more than a look-up of ASCII."""
    captions: list[str | None] = [
        f"x mat{between}",
        f"{between}fraser x",
        f"é mat{between}",
        f"{between}fraser é",
        "mat",
    ]
    concepts = [Concept("mat fraser"), Concept("matfraser"), Concept("fraser x"), Concept("x mat")]
    assert found(captions, concepts, scanner) == expected(captions, concepts)
    assert all(index > 1 for _, index in found(captions, concepts, scanner))
