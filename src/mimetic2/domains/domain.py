"""The model of a domain file and its loader."""

from __future__ import annotations

import difflib
from pathlib import Path

import yaml
from pydantic import Field, ValidationError, field_validator

from mimetic2.domains.cutoff import Cutoff, Strict, TextFilter
from mimetic2.errors import InputError
from mimetic2.yamlfile import read_yaml

_HERE = Path(__file__).parent


class Words(Strict):
    """What the report calls things of this domain."""

    concept: str
    concepts: str
    image: str
    training_image: str


class GenerationDefaults(Strict):
    """Sampler settings of a domain whose model has settings of its own; None leaves them to the model."""

    steps: int | None = Field(default=None, ge=1)
    guidance: float | None = Field(default=None, ge=0)


class Domain(Strict):
    """A kind of concept: how to ask for it, how to compare it, what to call it.

    ``prompts`` are templates with ``{concept}`` or ``{alias}``; ``prompts_bug`` are the malformed ones that the
    reference code sends in their place (used with ``prompt_bug``), empty where there are none. ``filter`` asks, where a
    study wants it, whether an image is of this kind at all before anything asks whom it shows.
    """

    name: str
    title: str
    prompts: tuple[str, ...] = Field(min_length=1)
    prompts_bug: tuple[str, ...] = ()
    embedder: str
    filter: TextFilter | None = None
    cutoffs: tuple[Cutoff, ...] = ()
    exactly_one_face: bool = False
    show_images: bool = True
    words: Words
    generation_defaults: GenerationDefaults = GenerationDefaults()

    @field_validator("prompts", "prompts_bug")
    @classmethod
    def _have_placeholder(cls, prompts: tuple[str, ...]) -> tuple[str, ...]:
        for prompt in prompts:
            if "{concept}" not in prompt and "{alias}" not in prompt:
                raise ValueError(f"the prompt '{prompt}' does not contain {{concept}}")
        return prompts

    @field_validator("cutoffs")
    @classmethod
    def _are_distinct(cls, cutoffs: tuple[Cutoff, ...]) -> tuple[Cutoff, ...]:
        known = [cutoff.key for cutoff in cutoffs if cutoff.weights_sha256 is not None]
        if len(set(known)) < len(known):
            raise ValueError("two cut-offs for the same embedder, weights and statistic")
        return cutoffs

    def prompts_for(self, *, prompt_bug: bool = False) -> tuple[str, ...]:
        """The prompts, with the reference code's malformed forms if ``prompt_bug`` (the same where it has none)."""
        return self.prompts_bug if prompt_bug and self.prompts_bug else self.prompts

    def cutoff(self, embedder: str, weights_sha256: str, statistic: str) -> Cutoff | None:
        """The cut-off measured on exactly this embedder, these weights and this statistic; None if there is none."""
        for cutoff in self.cutoffs:
            if (cutoff.embedder, cutoff.weights_sha256, cutoff.statistic) == (embedder, weights_sha256, statistic):
                return cutoff
        return None


def domain_names() -> list[str]:
    """The names of the domains that come with the package."""
    return sorted(path.stem for path in _HERE.glob("*.yaml"))


def load_domain(name: str | Path) -> Domain:
    """The domain of that name, or the one in a YAML file given by its path.

    Raises :class:`InputError` for an unknown name (with a suggestion) and for a file that is not a domain.
    """
    text = str(name)
    path = Path(text) if text.endswith((".yaml", ".yml")) else _HERE / f"{text}.yaml"
    if path.parent == _HERE and path.stem not in domain_names():
        close = difflib.get_close_matches(text, domain_names(), n=1)
        hint = f"; did you mean '{close[0]}'?" if close else ""
        accepted = ", ".join(domain_names()) + ", or the path of a domain's YAML file"
        raise InputError(f"there is no domain '{text}'{hint}", accepted=accepted)
    if not path.is_file():
        raise InputError("no such file", file=path, accepted="a domain's YAML file")
    return _parse(path)


def read_prompts(path: Path) -> tuple[str, ...]:
    """Prompt templates of a file: one a line in ``.txt``, a list in ``.yaml``."""
    if not path.is_file():
        raise InputError("no such file", file=path, accepted="prompts, one a line (.txt) or a list (.yaml)")
    text = path.read_text(encoding="utf-8")
    if path.suffix not in (".yaml", ".yml"):
        return tuple(line.strip() for line in text.splitlines() if line.strip())
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError(f"is not YAML ({' '.join(str(error).split())})", file=path) from error
    if not isinstance(content, list) or not all(isinstance(each, str) for each in content):
        raise InputError("is not a list of prompts", file=path, accepted="- a painting in the style of {concept}")
    return tuple(content)


def _parse(path: Path) -> Domain:
    file = read_yaml(path)
    try:
        return Domain.model_validate(file.data)
    except ValidationError as error:
        first = error.errors()[0]
        key = first["loc"]
        accepted = None
        if first["type"] == "extra_forbidden":
            close = difflib.get_close_matches(str(key[-1]), list(Domain.model_fields), n=1)
            accepted = f"did you mean '{close[0]}'?" if close else ", ".join(Domain.model_fields)
        where = ".".join(str(part) for part in key)
        raise InputError(f"'{where}': {first['msg']}", file=path, row=file.line(key), accepted=accepted) from error
