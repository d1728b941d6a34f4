"""What may go wrong with a concept list before anything is counted, and what to do about it.

None of it is an error: names inside names count for both, as they should, and a rare one-word name is fine. But each
finding is a reason why a count may say something else than its reader thinks.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from mimetic2.concepts.folding import words
from mimetic2.concepts.lists import Concept

COMMON_SHARE = 0.001
"""A name in more than this share of captions is probably an ordinary word."""

KINDS = ("duplicate", "shared alias", "inside", "unfolded letter", "underscore", "unspaced script", "common")
SCHEMA = {"kind": pl.String, "concept": pl.String, "other": pl.String, "detail": pl.String}

_PLAIN = {
    "ł": "l",
    "ø": "o",
    "đ": "d",
    "ı": "i",
    "æ": "ae",
    "œ": "oe",
    "þ": "th",
    "ð": "d",
    "ħ": "h",
    "ŋ": "ng",
    "ŧ": "t",
    "ƀ": "b",
    "ǥ": "g",
    "ɨ": "i",
    "ƶ": "z",
    "ɛ": "e",
    "ɔ": "o",
    "ə": "a",
    "ĸ": "k",
}
_UNSPACED = ("CJK ", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN")

_Finding = tuple[str, str, str | None, str]


def check_concepts(
    concepts: Sequence[Concept],
    captions: Sequence[str] = (),
    *,
    common: float = COMMON_SHARE,
    out: Path | None = None,
    text_column: str | None = None,
) -> pl.DataFrame:
    """Findings, one row each: kind (see ``KINDS``), concept, other (a concept or None), detail.

    With ``captions`` (files or globs; ``out`` is then where the counts go) names in more than a share ``common`` of the
    rows are found too. Aliases proposed in the details are in single quotes.
    """
    found = [*_same_names(concepts), *_inside(concepts), *_letters(concepts)]
    if captions and out is not None:
        found += _common(concepts, captions, common, out, text_column)
    return pl.DataFrame(found, schema=SCHEMA, orient="row")


def _same_names(concepts: Sequence[Concept]) -> Iterator[_Finding]:
    owners: dict[str, list[Concept]] = {}
    for concept in concepts:
        for phrase in concept.phrases:
            owners.setdefault(phrase, []).append(concept)
    for phrase, sharing in owners.items():
        for other in sharing[1:]:
            first = sharing[0]
            if first.phrases[0] == other.phrases[0] == phrase:
                yield "duplicate", other.name, first.name, "the names are equal once folded: merge the two"
            else:
                yield "shared alias", other.name, first.name, f"rows with '{phrase}' count for both"


def _inside(concepts: Sequence[Concept]) -> Iterator[_Finding]:
    owners: dict[str, list[Concept]] = {}
    for concept in concepts:
        for phrase in concept.phrases:
            owners.setdefault(phrase, []).append(concept)
    for outer in concepts:
        seen: set[tuple[str, str]] = set()
        for phrase in outer.phrases:
            for inner in _parts(phrase):
                for owner in owners.get(inner, ()):
                    if owner is not outer and (owner.name, inner) not in seen:
                        seen.add((owner.name, inner))
                        detail = f"'{inner}' is in '{phrase}': its rows count for both"
                        yield "inside", owner.name, outer.name, detail


def _parts(phrase: str) -> Iterator[str]:
    """The shorter runs of consecutive words."""
    split = phrase.split(" ")
    for start in range(len(split)):
        for end in range(start + 1, len(split) + 1):
            if end - start < len(split):
                yield " ".join(split[start:end])


def _letters(concepts: Sequence[Concept]) -> Iterator[_Finding]:
    for concept in concepts:
        known = set(concept.phrases)
        for phrase in concept.phrases:
            plain = "".join(_PLAIN.get(character, character) for character in phrase)
            odd = sorted({c for c in phrase if not c.isascii() and unicodedata.name(c, "").startswith("LATIN")})
            if odd:
                proposal = f": alias '{plain}'" if plain != phrase and plain not in known else ""
                if proposal or plain == phrase:
                    yield "unfolded letter", concept.name, None, f"{' '.join(odd)} in '{phrase}' stays{proposal}"
            spaced = " ".join(words(phrase.replace("_", " ")))
            if "_" in phrase and spaced not in known:
                yield "underscore", concept.name, None, f"_ joins words in '{phrase}': alias '{spaced}'"
            if any(unicodedata.name(c, "").startswith(_UNSPACED) for c in phrase):
                detail = f"'{phrase}' is found only between spaces or punctuation: captions of its script have few"
                yield "unspaced script", concept.name, None, detail


def _common(
    concepts: Sequence[Concept], captions: Sequence[str], share: float, out: Path, text_column: str | None
) -> Iterator[_Finding]:
    """Names and aliases one by one: it is usually one alias that is an ordinary word."""
    import json

    from mimetic2.counting.counts import count_captions, summary_path

    phrases = list(dict.fromkeys(phrase for concept in concepts for phrase in concept.phrases))
    names = [Concept(phrase) for phrase in phrases]
    table = count_captions(captions, names, out=out, sample=0, text_column=text_column)
    rows = json.loads(summary_path(out).read_text(encoding="utf-8"))["rows"]
    found = dict(zip(table["concept"], table["mentions"], strict=True))
    for concept in concepts:
        for phrase in concept.phrases:
            if found[phrase] > share * rows:
                part = f"({found[phrase] / rows:.2%})"
                yield "common", concept.name, None, f"'{phrase}' is in {found[phrase]:,} of {rows:,} captions {part}"
