"""The painters: their names, aliases, styles, and how many training images show each of them.

Names are pairs from 20 first and 20 last names, so that a rare name alone says little: with a word of its own for each
painter, the model could learn a style from one image, as no real text encoder can. Six names contain another painter's
name, twelve painters have an alias.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from mimetic2.lab.captions import FIRST_NAMES, LAST_NAMES, PSEUDONYMS
from mimetic2.lab.style import Style, draw_style

PAINTERS = 150
HIGHEST_COUNT = 2000
ZERO_SHARE = 0.08
CONTAINING_NAMES = 6
ALIASED = 2 * len(PSEUDONYMS)

_SEED = 2026
_NAMES, _COUNTS, _CONTAINERS, _ALIASES, _STYLES = range(5)


@dataclass(frozen=True, slots=True)
class Painter:
    """An imaginary painter; ``count`` is the number of training rows that show a work of theirs under their name."""

    index: int
    name: str
    aliases: tuple[str, ...]
    count: int
    style: Style

    @property
    def slug(self) -> str:
        """The name as it stands in links: ``ada-keller``."""
        return self.name.lower().replace(" ", "-")


@cache
def painters() -> tuple[Painter, ...]:
    """The 150 painters of the world, always the same."""
    counts = _counts()
    names = _names(counts)
    aliases = _aliases(names, counts)
    return tuple(
        Painter(index, names[index], aliases.get(index, ()), counts[index], _style(index)) for index in range(PAINTERS)
    )


@cache
def painters_by_slug() -> dict[str, Painter]:
    """The painters by the name that links use."""
    return {painter.slug: painter for painter in painters()}


def invented_names(number: int) -> list[str]:
    """Names made of the same words that no painter bears, for invented controls; at most 250."""
    free = [_pair(place) for place in _shuffled_pairs()[PAINTERS:]]
    return free[:number]


def _rng(branch: int, *more: int) -> np.random.Generator:
    return np.random.default_rng([_SEED, branch, *more])


def _style(index: int) -> Style:
    return draw_style(_rng(_STYLES, index))


def _counts() -> list[int]:
    """Zero for 8 % of the painters, evenly spread over log-count from 1 to 2 000 for the rest, in random order."""
    zeros = round(ZERO_SHARE * PAINTERS)
    rising = np.round(np.exp(np.linspace(0, np.log(HIGHEST_COUNT), PAINTERS - zeros))).astype(int)
    counts = np.concatenate([np.zeros(zeros, int), rising])
    return [int(count) for count in _rng(_COUNTS).permutation(counts)]


def _shuffled_pairs() -> list[int]:
    return [int(place) for place in _rng(_NAMES).permutation(len(FIRST_NAMES) * len(LAST_NAMES))]


def _pair(place: int) -> str:
    first, last = divmod(place, len(LAST_NAMES))
    return f"{FIRST_NAMES[first]} {LAST_NAMES[last]}".title()


def _names(counts: list[int]) -> list[str]:
    """A pair of words each; a few painters bear a more frequent painter's name and a third word."""
    names = [_pair(place) for place in _shuffled_pairs()[:PAINTERS]]
    rng = _rng(_CONTAINERS)
    longer = rng.choice([i for i in range(PAINTERS) if 20 <= counts[i] <= 400], CONTAINING_NAMES, replace=False)
    bases = set(range(PAINTERS)) - {int(index) for index in longer}
    for index in sorted(int(index) for index in longer):
        base = int(rng.choice([i for i in sorted(bases) if counts[i] >= 2 * counts[index]]))
        bases.discard(base)
        extra = [last for last in LAST_NAMES if last not in names[base].lower()]
        names[index] = f"{names[base]} {str(rng.choice(extra)).title()}"
    return names


def _aliases(names: list[str], counts: list[int]) -> dict[int, tuple[str, ...]]:
    """Half of the aliased painters have a pseudonym, half are also filed as "Keller, Ada"."""
    rng = _rng(_ALIASES)
    eligible = [index for index in range(PAINTERS) if counts[index] >= 10 and len(names[index].split()) == 2]
    chosen = [int(index) for index in rng.choice(eligible, ALIASED, replace=False)]
    pseudonyms: dict[int, tuple[str, ...]] = {
        index: (word.title(),) for index, word in zip(chosen, PSEUDONYMS, strict=False)
    }
    reversed_names: dict[int, tuple[str, ...]] = {
        i: (" ".join(reversed(names[i].split())),) for i in chosen[len(PSEUDONYMS) :]
    }
    return pseudonyms | reversed_names
