"""The painters: counts, names within names, aliases, and styles that differ."""

from __future__ import annotations

import math

import pytest

from mimetic2.lab import SUBJECTS, invented_names, painters
from mimetic2.lab.captions import PROMPTS, vocabulary
from mimetic2.lab.world import ALIASED, CONTAINING_NAMES, PAINTERS, ZERO_SHARE


def _contains(longer: str, shorter: str) -> bool:
    return longer != shorter and longer.startswith(shorter + " ")


def test_counts_run_from_zero_to_two_thousand_evenly_over_their_logarithm() -> None:
    counts = sorted(painter.count for painter in painters())
    positive = [count for count in counts if count]
    assert len(counts) == PAINTERS
    assert counts.count(0) == round(ZERO_SHARE * PAINTERS)
    assert positive[0] == 1
    assert positive[-1] == 2000
    assert math.isclose(positive[len(positive) // 2], math.sqrt(2000), rel_tol=0.05)


def test_names_are_distinct_and_share_their_words() -> None:
    names = [painter.name for painter in painters()]
    assert len({name.lower() for name in names}) == PAINTERS
    assert len({word for name in names for word in name.split()}) <= 40


def test_some_names_contain_another_painters_name_who_is_more_frequent() -> None:
    counts = {painter.name: painter.count for painter in painters()}
    pairs = [(longer, shorter) for longer in counts for shorter in counts if _contains(longer, shorter)]
    assert len(pairs) == CONTAINING_NAMES
    assert all(counts[shorter] >= 2 * counts[longer] > 0 for longer, shorter in pairs)


def test_aliases_are_nobodys_name() -> None:
    names = {painter.name.lower() for painter in painters()}
    aliases = [alias.lower() for painter in painters() for alias in painter.aliases]
    assert len(aliases) == len(set(aliases)) == ALIASED
    assert not names & set(aliases)


def test_invented_names_are_made_of_known_words_and_belong_to_nobody() -> None:
    invented = invented_names(40)
    assert len(set(invented)) == 40
    assert not set(invented) & {painter.name for painter in painters()}
    assert {word.lower() for name in invented for word in name.split()} <= set(vocabulary())


def test_one_prompt_for_each_subject() -> None:
    assert [prompt.format(name="Ada Keller") for prompt in PROMPTS] == [
        f"a painting of a {subject} by Ada Keller" for subject in SUBJECTS
    ]


@pytest.mark.parametrize("part", ["background", "pattern", "body", "accent"])
def test_colours_lie_in_range(part: str) -> None:
    for painter in painters():
        colour = getattr(painter.style, part)
        assert colour.shape == (3,)
        assert (colour >= 0).all()
        assert (colour <= 1).all()
