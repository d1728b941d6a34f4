"""The model of a verification cut-off: what it was measured on, what it does, and the filter it stands behind."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, model_validator

TEXT_COSINE = "text_cosine"
"""The statistic of a filter: the cosine of an image's vector and a text's."""

_PUBLISHED = re.compile(r"([\w-]+)@([0-9a-fA-F]{64})")


def published_choice(chosen: str | Path | None) -> tuple[str, str] | None:
    """The name and the digest of a choice NAME@DIGEST: a published cut-off, for weights that the user vouches for."""
    found = _PUBLISHED.fullmatch(str(chosen))
    return (found[1], found[2].lower()) if found else None


def vouched(chosen: str | Path | None, what: str) -> tuple[str, ...]:
    """What every output says where the user vouches for a published cut-off's weights; ``what``: whose cut-off."""
    published = published_choice(chosen)
    if published is None:
        return ()
    name, digest = published
    text = f"{what} is the published '{name}', taken for weights {digest[:12]}…"
    return (f"{text}: that it was measured on these is the user's word, nothing checks it",)


class Strict(BaseModel):
    """Unknown keys are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class MeasuredRates(Strict):
    """Labelled images that did not choose the cut-off: how many of the concept's passed, how many others did not."""

    passed: int = Field(ge=0)
    positives: int = Field(ge=1)
    rejected: int = Field(ge=0)
    negatives: int = Field(ge=1)


class TextFilter(Strict):
    """The question that comes before "whose is it": is the image of the domain's kind at all.

    Asked of an embedder for images and texts: how near is the image to ``text``? Its cut-offs stand among the domain's,
    with the statistic `TEXT_COSINE` and the same text.
    """

    embedder: str
    text: str = Field(min_length=1)


class Behind(TextFilter):
    """A filter as it was applied: its text, its embedder's weights, the value above which an image passes."""

    weights_sha256: str
    value: float


class Cutoff(Strict):
    """A verification cut-off, valid for one embedder (name and weights) and one statistic, and refused for others.

    Without ``weights_sha256`` it is on record only: it was published, under ``name``, without saying which weights it
    was measured on. ``references`` is the number of references a concept that it was measured with (the best cosine of
    many is higher than of few), ``rates`` what it was measured to do. ``text`` belongs to the statistic `TEXT_COSINE`.
    ``behind``: the filter that decided before it when it was measured, so that the rates are of both together.
    """

    name: str | None = None
    embedder: str
    weights_sha256: str | None = None
    statistic: str
    text: str | None = None
    value: float
    references: int | None = Field(default=None, ge=1)
    behind: Behind | None = None
    rates: MeasuredRates | None = None
    source: str

    @model_validator(mode="after")
    def _has_its_text(self) -> Cutoff:
        if (self.statistic == TEXT_COSINE) != (self.text is not None):
            raise ValueError(f"the statistic '{TEXT_COSINE}' has a text, the others have none")
        return self

    @property
    def key(self) -> tuple[object, ...]:
        """What it is valid for: embedder, weights, statistic, the filter's text, the filter before it."""
        return self.embedder, self.weights_sha256, self.statistic, self.text, self.behind
