"""Models by short name, as data: ids on the hub, licence, sampler settings, what is known of their training data."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

_FILE = Path(__file__).with_name("presets.yaml")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TrainingData(_Strict):
    """What a model was trained on, and how the named data set relates to that."""

    name: str
    relation: Literal["exact", "superset", "proxy", "unknown"]


class Preset(_Strict):
    """A model on the hub. ``verified`` says whether ids and settings were checked against the hub itself."""

    ids: tuple[str, ...] = Field(min_length=1)
    licence: str
    gated: bool = False
    size: int
    steps: int
    guidance: float
    memory: float
    training_data: TrainingData
    verified: bool = False


@cache
def presets() -> dict[str, Preset]:
    """All presets by name."""
    content = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return {name: Preset.model_validate(fields) for name, fields in content.items()}
