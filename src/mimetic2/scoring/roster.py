"""Who is scored: every concept that a list, the counts or a table of images names, its group, and why it may be out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import polars as pl

from mimetic2.embedding.table import EmbeddingTable
from mimetic2.scoring.pool import MINIMUM_REFERENCES, Pool
from mimetic2.tables import names as read_names
from mimetic2.tables import numbers

NO_IMAGES = "no generated images"


class ConceptLike(Protocol):
    """What scoring reads of a `Concept`."""

    @property
    def name(self) -> str:
        """The concept's name."""
        ...

    @property
    def group(self) -> str | None:
        """The set of concepts it is compared with."""
        ...

    @property
    def control(self) -> bool:
        """Meant to be absent from the training data."""
        ...

    @property
    def minor(self) -> bool:
        """Left out of everything."""
        ...


@dataclass(frozen=True)
class Roster:
    """All concepts in order (list, then counts, then folders), with what is known of them. ``counts`` is the table."""

    names: tuple[str, ...]
    group: Mapping[str, str | None]
    controls: frozenset[str]
    minors: frozenset[str]
    count: Mapping[str, float | None]
    counts: pl.DataFrame | None

    def admitted(self, unfit: Collection[str] = ()) -> list[str]:
        """The concepts that may be scored: no minors, none of ``unfit``."""
        return [name for name in self.names if name not in self.minors and name not in unfit]

    def reason(self, name: str, pool: Pool, unfit: Collection[str]) -> str:
        """Why a concept cannot be scored from ``pool``, '' if it can."""
        if name in self.minors:
            return "minor"
        if name in unfit:
            return "not separated"
        if name not in pool.generated:
            return why_without_images(pool.generated_table, name)
        if name not in pool.references:
            if name in pool.available:
                return f"fewer than {MINIMUM_REFERENCES} reference images"
            return "control without references" if name in self.controls else "no usable reference images"
        return ""

    def count_reason(self, name: str) -> str:
        """Why a concept that has a score has no place on the axis of counts, '' if it has one."""
        if self.counts is None or self.count.get(name) is not None:
            return ""
        return "count missing" if name in self.count else "not in the counts"


def why_without_images(table: EmbeddingTable, name: str) -> str:
    """The commonest reason why a concept's images have no vector."""
    why = table.frame.filter(pl.col("concept") == name)["reason"].drop_nulls().to_list()
    return Counter(sorted(why)).most_common(1)[0][0] if why else NO_IMAGES


def call_roll(
    tables: Sequence[EmbeddingTable],
    counts: pl.DataFrame | None,
    groups: Mapping[str, str | None] | None,
    concepts: Sequence[ConceptLike] | None,
) -> Roster:
    """The roster of a scoring; ``groups`` overrides the concepts' own. Raises `InputError` for malformed counts."""
    listed = {concept.name: concept for concept in concepts or ()}
    given: dict[str, float | None] = {}
    if counts is not None:
        given = dict(zip(read_names(counts), numbers(counts, "count", minimum=0, missing=True), strict=True))
    found = sorted({name for table in tables for name in table.frame["concept"]})
    return Roster(
        names=tuple(dict.fromkeys([*listed, *given, *found])),
        group={name: concept.group for name, concept in listed.items()} | dict(groups or {}),
        controls=frozenset(name for name, concept in listed.items() if concept.control),
        minors=frozenset(name for name, concept in listed.items() if concept.minor),
        count=given,
        counts=counts,
    )
