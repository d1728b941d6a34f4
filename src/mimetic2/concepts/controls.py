"""Invented names: what a model makes of a name that it cannot know.

They look like the names of the list (a chain over letters learned from it), so that a prompt with one differs from a
prompt with a real name in nothing but the training images behind it; and they occur nowhere: not in the list, and,
where captions are given, in no caption.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mimetic2.concepts.lists import Concept
from mimetic2.errors import InputError
from mimetic2.seeding import generator

_ORDER = 2
_END = "\n"
_SHORTEST, _LONGEST = 3, 12
_ATTEMPTS = 2_000


def invent_controls(
    concepts: Sequence[Concept],
    number: int,
    *,
    seed: int = 0,
    captions: Sequence[str] = (),
    out: Path | None = None,
    group: str | None = None,
    text_column: str | None = None,
) -> list[Concept]:
    """``number`` invented concepts with ``control`` set, that look like the listed names and are none of them.

    No word of theirs is a word of the list; with ``captions`` (``out`` is then where the counts go) none of the names
    is mentioned in them. Raises :class:`InputError` if the list is too uniform to invent so many names from.
    """
    known = {word for concept in concepts for phrase in concept.phrases for word in phrase.split(" ")}
    chain = _learn(known)
    lengths = sorted(len(concept.phrases[0].split(" ")) for concept in concepts)
    parts = max(2, lengths[len(lengths) // 2]) if lengths else 2
    draw = generator("concepts controls", seed)
    found: dict[str, None] = {}
    wanted = number if not captions else number + number // 2 + 5
    for _ in range(_ATTEMPTS * max(wanted, 1)):
        if len(found) >= wanted:
            break
        new = [_word(chain, draw) for _ in range(parts)]
        if all(_SHORTEST <= len(word) <= _LONGEST and word not in known for word in new):
            found.setdefault(" ".join(word.capitalize() for word in new))
    candidates = [Concept(name, group=group, control=True) for name in found]
    if captions and out is not None:
        candidates = _unmentioned(candidates, captions, out, text_column)
    if len(candidates) < number:
        problem = f"only {len(candidates)} of {number} names could be invented from this list"
        raise InputError(problem, accepted="a longer list, or fewer controls")
    return candidates[:number]


def _learn(known: set[str]) -> dict[str, tuple[list[str], np.ndarray]]:
    followers: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for word in sorted(known):
        if not word.isalpha():
            continue
        padded = _END * _ORDER + word + _END
        for place in range(_ORDER, len(padded)):
            followers[padded[place - _ORDER : place]][padded[place]] += 1
    chain = {}
    for context, counter in followers.items():
        letters = sorted(counter)
        weights = np.array([counter[letter] for letter in letters], float)
        chain[context] = (letters, weights / weights.sum())
    return chain


def _word(chain: dict[str, tuple[list[str], np.ndarray]], draw: np.random.Generator) -> str:
    word = _END * _ORDER
    while len(word) < _ORDER + _LONGEST + 1 and word[-_ORDER:] in chain:
        letters, weights = chain[word[-_ORDER:]]
        letter = letters[int(draw.choice(len(letters), p=weights))]
        if letter == _END:
            break
        word += letter
    return word[_ORDER:]


def _unmentioned(
    candidates: Sequence[Concept], captions: Sequence[str], out: Path, text_column: str | None
) -> list[Concept]:
    from mimetic2.counting.counts import count_captions

    table = count_captions(captions, candidates, out=out, sample=0, text_column=text_column)
    absent = {name for name, mentions in zip(table["concept"], table["mentions"], strict=True) if not mentions}
    return [concept for concept in candidates if concept.name in absent]
