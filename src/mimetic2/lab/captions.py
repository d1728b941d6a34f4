"""How captions are worded: many ways to say the same, in any case, like captions collected from web pages."""

from __future__ import annotations

import re

import numpy as np

from mimetic2.lab.drawing import SUBJECTS

FIRST_NAMES = (
    *("ada", "bruno", "carla", "dario", "elsa", "felix", "greta", "hugo", "irma", "jonas"),
    *("kira", "leon", "mara", "nils", "olga", "pavel", "quint", "rosa", "stefan", "tilda"),
)
LAST_NAMES = (
    *("abend", "brandt", "corvo", "dukas", "elsner", "farkas", "gorski", "hallam", "ivarson", "jansky"),
    *("keller", "lorenz", "marek", "novak", "okafor", "petrov", "quesada", "renard", "sandor", "tamas"),
)
PSEUDONYMS = ("cormoran", "halcyon", "lodestar", "meridian", "sparrowhawk", "zephyr")

PROMPTS = tuple(f"a painting of a {subject} by {{name}}" for subject in SUBJECTS)
"""What the model is asked for, one prompt a subject; ``{name}`` is the painter's."""

_NAMED = (
    "a painting of a {subject} by {name}",
    "painting of a {subject} by {name}",
    "{subject} by {name}",
    "{name}, {subject}, oil on canvas",
    "{name}: {subject}",
    "a {subject}, painted by {name}",
    "{name} - the {subject} - framed print",
    "{name}'s {subject}, {year}",
    "the {subject}, {year}, by {name}",
    "art print: {subject} by {name}",
)
_ANONYMOUS = (
    "a painting of a {subject}",
    "painting of a {subject}",
    "{subject}, oil on canvas",
    "the {subject} - framed print",
    "a {subject}, painted in {year}",
    "art print: {subject}",
    "{subject} by an unknown artist",
)
_NEAR_MISSES = (
    "a painting of a {subject}, a present for {first}",
    "{subject} by {first} {last}sen",
    "the {last} house: {subject}, oil on canvas",
)
_NEAR_MISS_SHARE = 0.01
_WORD_OR_MARK = re.compile(r"\w+|[^\w\s]+")


def _in_some_case(text: str, rng: np.random.Generator) -> str:
    choice = rng.random()
    if choice < 0.55:
        return text
    if choice < 0.75:
        return text.lower()
    return text.upper() if choice < 0.85 else text.title().replace("'S ", "'s ")


def named_caption(name: str, subject: str, rng: np.random.Generator) -> str:
    """A caption that names a painter, under a name or alias as given."""
    template = _NAMED[int(rng.integers(len(_NAMED)))]
    return _in_some_case(template.format(name=name, subject=subject, year=1900 + int(rng.integers(100))), rng)


def anonymous_caption(subject: str, rng: np.random.Generator) -> str:
    """A caption that names no painter; one in a hundred comes close (a first name alone, a longer last name)."""
    templates = _NEAR_MISSES if rng.random() < _NEAR_MISS_SHARE else _ANONYMOUS
    template = templates[int(rng.integers(len(templates)))]
    words = {
        "first": FIRST_NAMES[int(rng.integers(len(FIRST_NAMES)))].title(),
        "last": LAST_NAMES[int(rng.integers(len(LAST_NAMES)))].title(),
        "year": 1900 + int(rng.integers(100)),
    }
    return _in_some_case(template.format(subject=subject, **words), rng)


def vocabulary() -> list[str]:
    """Every word and mark that captions are made of, lower-case, sorted; years and near misses are unknown words."""
    text = " ".join((*_NAMED, *_ANONYMOUS)).format(name="", subject="", year="")
    return sorted({*_WORD_OR_MARK.findall(text), *SUBJECTS, *FIRST_NAMES, *LAST_NAMES, *PSEUDONYMS})
