"""What a study.yaml may say. Everything is checked here, before any work: one file, one place to look up.

Paths are relative to the file. Unknown and duplicate keys are refused, so that a misspelt option is never a silent
default.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from mimetic2.counting.shares import share
from mimetic2.domains.cutoff import published_choice, vouched
from mimetic2.errors import InputError
from mimetic2.generation.api import Api
from mimetic2.generation.choices import Generating
from mimetic2.generation.presets import model_warnings
from mimetic2.hubs import is_hub_id
from mimetic2.studychecks import caption_files, check_choices, check_paths
from mimetic2.validating import accepted_by
from mimetic2.yamlfile import KeyPath, YamlFile, read_yaml

__all__ = ["Fetching", "Study", "Subjects", "TrainingData", "caption_files", "load_study", "unknown_key"]


def _beside_the_file(value: Any, info: ValidationInfo) -> Path:
    """A path as written, made absolute against the folder of the study."""
    if not isinstance(value, str | Path) or not str(value).strip():
        raise ValueError("a path is wanted")
    base: Path = (info.context or {}).get("base", Path())
    return Path(os.path.abspath(base / Path(value).expanduser()))


def _weights(value: Any, info: ValidationInfo) -> Path:
    """A path like the others; a hub id, which names nothing beside the study, stays as it is."""
    path = _beside_the_file(value, info)
    return Path(value) if is_hub_id(str(value)) and not path.exists() else path


def _cutoff(value: Any, info: ValidationInfo) -> Path | str:
    """A file beside the study, or NAME@DIGEST: a published cut-off, for weights that the user vouches for."""
    return value if isinstance(value, str) and published_choice(value) is not None else _beside_the_file(value, info)


def _one_or_many(value: Any) -> tuple[str, ...]:
    """A string or a list of strings, as a tuple."""
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list | tuple) or not values or not all(isinstance(v, str) and v.strip() for v in values):
        raise ValueError("a text or a list of texts is wanted")
    return tuple(values)


def _allowed(value: Any) -> float:
    """``1%`` or 0.01 as a fraction."""
    try:
        return share(value)
    except InputError as error:
        raise ValueError(error.accepted) from None


def _true_or_choices(value: Any) -> Any:
    """``fetch: true`` takes every default, ``fetch: false`` fetches nothing."""
    return {} if value is True else None if value is False else value


StudyPath = Annotated[Path, BeforeValidator(_beside_the_file), Field(strict=False)]
Weights = Annotated[Path, BeforeValidator(_weights), Field(strict=False)]
CutoffChoice = Annotated[Path | str, PlainValidator(_cutoff)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_one_or_many), Field(strict=False)]
Text = Annotated[str, Field(min_length=1, pattern=r"\S")]
Share = Annotated[float, BeforeValidator(_allowed)]

RELATIONS = {
    "exact": None,
    "superset": None,
    "proxy": "the counts come from {name}, which only stands in for the model's training data",
    "unknown": "it is not known what the model was trained on; the counts come from {name}",
}
"""What each relation of `training_data` makes every output say (None: nothing)."""
UNSAID = "the study does not say what the model was trained on (`training_data`); its counts may be of other data"

PAPER_DEFAULTS = {"images": 200, "sample": 100_000}
"""Images per prompt, and at most so many caption rows of a concept that are looked at, as in the paper."""

PROMPT_FILES = (".txt", ".yaml", ".yml")
"""A single prompt that ends so is the path of a file of prompts."""
DOMAIN_FILES = (".yaml", ".yml")
"""A domain that ends so is the path of its file."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class TrainingData(_Strict):
    """The data that was counted, and how it relates to what the model was trained on."""

    name: Text
    relation: Literal["exact", "superset", "proxy", "unknown"]

    @property
    def warning(self) -> str | None:
        """What every output must say about it."""
        text = RELATIONS[self.relation]
        return text.format(name=self.name) if text else None


class Subjects(_Strict):
    """Why these people or artists may be studied; shown in the report."""

    basis: Text


class Fetching(_Strict):
    """How the images of captions are fetched; see `mimetic2.counting.fetching.client.Limits`."""

    user_agent: Text | None = None
    block: StudyPath | None = None
    unsafe_above: float = Field(default=0.5, ge=0, le=1)
    concurrency: int = Field(default=32, ge=1)
    per_host: int = Field(default=2, ge=1)
    timeout: float = Field(default=30.0, gt=0, allow_inf_nan=False)
    max_megabytes: float = Field(default=20.0, gt=0, allow_inf_nan=False)
    attempts: int = Field(default=3, ge=1)
    allow_loopback: bool = False


class Filtering(_Strict):
    """Ask the domain's filter first; ``cutoff``: a file of `calibrate`, NAME@DIGEST, or None for the domain's own."""

    weights: Weights | None = None
    cutoff: CutoffChoice | None = None


class Adaptive(_Strict):
    """Make further images where they narrow the threshold's interval, after ``images`` per prompt for everyone.

    At most ``most`` per prompt; ``budget``: of the whole study, the first ones included.
    """

    most: int = Field(default=200, ge=1, le=10_000)
    budget: int | None = Field(default=None, ge=1)


class Study(_Strict):
    """A study: counts (given, or from captions), images (given, or from a model), and how to compare them.

    Absolute paths; ``None`` means: the domain's default. Defaults of `PAPER_DEFAULTS` differ in ``procedure: paper``.
    """

    name: Text
    domain: Text
    counts: StudyPath | None = None
    captions: Texts | None = None
    concepts: StudyPath | None = None
    text_column: Text | None = None
    url_column: Text | None = None
    allow_missing: Share = 0.0
    engine: Literal["local", "ray"] = "local"
    address: Text | None = None
    workers: int | None = Field(default=None, ge=1)
    images_of_captions: StudyPath | None = None
    fetch: Annotated[Fetching | None, BeforeValidator(_true_or_choices)] = None
    cutoff: CutoffChoice | None = None
    filter: Filtering | None = None
    correct: bool = False
    reference: StudyPath
    generated: StudyPath | None = None
    model: Text | None = None
    allow_download: bool = False
    prompts: Texts | None = None
    images: int = Field(default=10, ge=1, le=10_000)
    adaptive: Adaptive | None = None
    batch_size: int | None = Field(default=None, ge=1)
    generate: Generating | None = None
    embedder: Text | None = None
    embedder_weights: Weights | None = None
    faces: Literal["largest", "one"] | None = None
    references: int = Field(default=10, ge=3)
    readout: Literal["mean", "csls", "scaled"] = "mean"
    exclude_unfit: bool = False
    sample: int = Field(default=100, ge=1)
    seed: int = Field(default=0, ge=0, lt=2**63)
    procedure: Literal["robust", "paper"] = "robust"
    prompt_bug: bool = False
    level: float = Field(default=0.95, gt=0.5, lt=1)
    penalty: float = Field(default=0.9, gt=0, allow_inf_nan=False)
    training_data: TrainingData | None = None
    subjects: Subjects | None = None

    @model_validator(mode="before")
    @classmethod
    def _procedure(cls, data: Any) -> Any:
        """The paper's numbers of images where the study gives none of its own."""
        paper = isinstance(data, dict) and data.get("procedure") == "paper"
        return {**PAPER_DEFAULTS, **data} if paper else data

    @property
    def warnings(self) -> tuple[str, ...]:
        """What every output of this study must say."""
        if self.training_data is None:
            data = (model_warnings(self.model) if self.model else ()) or (UNSAID,)
        else:
            data = (self.training_data.warning,) if self.training_data.warning else ()
        kind = self.filter.cutoff if self.filter is not None else None
        return (*data, *vouched(self.cutoff, "the cut-off"), *vouched(kind, "the filter's cut-off"))


def load_study(path: str | Path) -> Study:
    """Read and check a study.

    Raises :class:`InputError` naming the file, the line and what is accepted, also for paths that do not exist.
    """
    path = Path(path)
    file = read_yaml(path)
    base = path.resolve().parent
    try:
        study = Study.model_validate(file.data, context={"base": base})
    except ValidationError as error:
        raise _explain(error, file) from None
    study = study.model_copy(update=_resolved(study, base))
    check_choices(study, file)
    check_paths(study, file)
    return study


def _resolved(study: Study, base: Path) -> dict[str, Any]:
    """Patterns, a domain's file and a model's path, absolute; a remote pattern and a model's name as they are."""
    update: dict[str, Any] = {}
    if study.domain.endswith(DOMAIN_FILES):
        update["domain"] = os.path.abspath(base / Path(study.domain).expanduser())
    if study.captions:
        update["captions"] = tuple(
            pattern if "://" in pattern else os.path.abspath(base / pattern) for pattern in study.captions
        )
    if study.prompts and len(study.prompts) == 1 and study.prompts[0].endswith(PROMPT_FILES):
        update["prompts"] = (os.path.abspath(base / study.prompts[0]),)
    if study.model and (study.model.startswith(("./", "../", "/", "~")) or (base / study.model).exists()):
        update["model"] = os.path.abspath(base / Path(study.model).expanduser())
    return update


def _explain(error: ValidationError, file: YamlFile) -> InputError:
    """The first problem as one line with its place; a misspelt key before the key that it should have been."""
    first = min(error.errors(), key=lambda problem: _URGENT.get(problem["type"], 1))
    place: KeyPath = first["loc"]
    key = f"'{place[-1]}' of '{'.'.join(map(str, place[:-1]))}'" if len(place) > 1 else f"'{place[0]}'"
    row = file.line(place)
    if first["type"] == "extra_forbidden":
        return unknown_key(str(place[-1]), _keys_beside(place), file.path, row)
    if first["type"] == "missing":
        form = _form(str(place[-2])) if len(place) > 1 else f"a line '{place[0]}: …'"
        return InputError(f"{key} is missing", file=file.path, row=row, accepted=form)
    message = _form(str(place[-1])) if first["type"] == "model_type" else accepted_by(first)
    found = first.get("input")
    shown = f" ({found!r})" if isinstance(found, str | int | float | bool | None) else ""
    return InputError(f"{key} is wrong{shown}", file=file.path, row=row, accepted=message)


_URGENT = {"extra_forbidden": 0, "missing": 2}
"""Of several problems a misspelt key is said first, and one that is not there last."""
_SECTIONS: dict[str, type[BaseModel]] = {
    "training_data": TrainingData,
    "subjects": Subjects,
    "fetch": Fetching,
    "adaptive": Adaptive,
    "filter": Filtering,
    "generate": Generating,
    "api": Api,
}


def _form(section: str) -> str:
    """How a section is written: the keys it needs or, where it needs none, the first few it may have."""
    fields = _SECTIONS[section].model_fields
    keys = [name for name, field in fields.items() if field.is_required()] or [*list(fields)[:3], ""]
    return f"'{section}: {{{', '.join(f'{name}: …' if name else '…' for name in keys)}}}'"


def _keys_beside(place: KeyPath) -> Iterable[str]:
    return _SECTIONS[str(place[-2])].model_fields if len(place) > 1 else Study.model_fields


def unknown_key(key: str, known: Iterable[str], file: Path, row: int | None) -> InputError:
    """The error for a key that nothing reads, with the nearest known one where one is near."""
    known = sorted(known)
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
    if near:
        return InputError(f"unknown key '{key}', did you mean '{near[0]}'?", file=file, row=row)
    return InputError(f"unknown key '{key}'", file=file, row=row, accepted=", ".join(known))
