"""The sampler against a dictionary, whatever the order, the size of the parts and how often it tidies up."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimetic2.counting import sampling
from mimetic2.counting.sampling import Sample, Sampler

pa = pytest.importorskip("pyarrow")

Pair = tuple[int, int, float]
"""Concept, hash (which stands for the texts, too) and the probability of an unsafe image."""
PAIRS = st.tuples(st.integers(0, 4), st.integers(0, 60), st.sampled_from([math.nan, 0.0, 0.25, 1.0]))


def part(pairs: list[Pair]) -> Sample:
    concept, hashes, unsafe = (list(column) for column in zip(*pairs, strict=True)) if pairs else ([], [], [])
    texts = [pa.array([b"%s %d" % (word, number) for number in hashes], pa.large_binary()) for word in (b"u", b"c")]
    ones = np.ones(len(pairs), np.int64)
    return Sample(np.array(concept, np.int64), np.array(hashes, np.int64), *texts, ones, np.array(unsafe, float))


def by_definition(pairs: list[Pair], k: int) -> list[tuple[int, int, bytes, bytes, int, float | None]]:
    found = []
    for concept in range(5):
        own = [(number, unsafe) for index, number, unsafe in pairs if index == concept]
        for number in sorted({number for number, _ in own})[:k]:
            flags = [unsafe for other, unsafe in own if other == number]
            known = max((flag for flag in flags if not math.isnan(flag)), default=None)
            found.append((concept, number, b"u %d" % number, b"c %d" % number, len(flags), known))
    return found


@given(st.lists(st.lists(PAIRS, max_size=25), max_size=12), st.integers(1, 8), st.integers(0, 40))
def test_against_a_dictionary(parts: list[list[Pair]], k: int, pending: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampling, "_PENDING", pending)
        sampler = Sampler(5, k, 0)
        for pairs in parts:
            own = part(pairs)
            near = sampler.near(own.hash, own.concept)
            sampler.add(part([pairs[index] for index in near]))
        sample = sampler.sample()
    numbers = (sample.concept.tolist(), sample.hash.tolist(), sample.url.to_pylist(), sample.caption.to_pylist())
    unsafe = [None if math.isnan(flag) else flag for flag in sample.unsafe]
    mine = list(zip(*numbers, sample.multiplicity.tolist(), unsafe, strict=True))
    assert mine == by_definition([pair for pairs in parts for pair in pairs], k)


def test_texts_that_left_the_sample_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "_PENDING", 50)
    sampler = Sampler(1, 10, 0)
    for start in range(10_000, 0, -10):
        sampler.add(part([(0, start - number, 0.0) for number in range(10)]))
        assert sampler.stored <= 3 * 10 + 10
    assert sampler.sample().hash.tolist() == list(range(1, 11))


def test_many_concepts_are_in_order() -> None:
    """Beyond 16 bits concepts are sorted in another way."""
    sampler = Sampler(100_000, 2, 0)
    concepts = np.random.default_rng(0).permutation(100_000)
    texts = pa.array([b""] * 100_000, pa.large_binary())
    ones = np.ones(100_000, np.int64)
    sampler.add(Sample(concepts, concepts % 7, texts, texts, ones, np.zeros(100_000)))
    sample = sampler.sample()
    assert sample.concept.tolist() == list(range(100_000))
    assert sample.hash.tolist() == [concept % 7 for concept in range(100_000)]
