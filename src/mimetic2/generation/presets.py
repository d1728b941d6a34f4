"""Models by short name, as data: ids on the hub, licence, sampler settings, what is known of their training data."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

_FILE = Path(__file__).with_name("presets.yaml")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Repository(_Strict):
    """Where a model may be had on the hub, and who says so."""

    id: str = Field(pattern=r"^[\w.-]+/[\w.-]+$")
    source: str


class TrainingData(_Strict):
    """What a model was trained on, how the named data set relates to that, and what that leaves out."""

    name: str
    relation: Literal["exact", "superset", "proxy", "unknown"]
    note: str = ""

    def warning(self, model: str) -> str | None:
        """What every output made with the model must say; None where the named data are the training data."""
        text = {
            "exact": None,
            "superset": f"{model} was trained on part of {self.name}: counts of all of it are upper bounds",
            "proxy": f"{model} was not trained on {self.name}, which only stands in for its training data",
            "unknown": f"it is not known what {model} was trained on: counts of any data set only stand in for it",
        }[self.relation]
        return f"{text} ({self.note})" if text and self.note else text


class Preset(_Strict):
    """A model on the hub.

    ``repositories`` in order of preference; ``size`` in pixels, ``memory`` in GB at half precision (an estimate);
    ``sampler`` is the class that the checkpoint brings. ``unverified`` names the fields that nothing at hand confirms.
    """

    repositories: tuple[Repository, ...] = Field(min_length=1)
    licence: str
    gated: bool = False
    size: int
    sampler: str
    steps: int
    guidance: float
    memory: float
    training_data: TrainingData
    unverified: tuple[str, ...]

    @model_validator(mode="after")
    def _names_fields(self) -> Preset:
        unknown = set(self.unverified) - set(type(self).model_fields)
        if unknown:
            raise ValueError(f"unverified names no field: {', '.join(sorted(unknown))}")
        return self

    @property
    def ids(self) -> tuple[str, ...]:
        """The repositories' ids."""
        return tuple(repository.id for repository in self.repositories)


@cache
def presets() -> dict[str, Preset]:
    """All presets by name."""
    content = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return {name: Preset.model_validate(fields) for name, fields in content.items()}


UNKNOWN_TRAINING = "it is not known what this model was trained on: counts of any data set only stand in for it"
"""What is to be said of a model that no preset describes."""


def model_warnings(model: str) -> tuple[str, ...]:
    """What every output made with a model must say about its training data: for presets what is known, else nothing."""
    preset = presets().get(model)
    warning = preset.training_data.warning(model) if preset is not None else None
    return (warning,) if warning else ()
