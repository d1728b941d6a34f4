"""Prompt templates and the seed of each image.

A template contains ``{concept}``, the concept's name, or ``{alias}``, its first alias (the name where it has none): for
prompts in a language that writes it differently. Braces have no other meaning, so names with braces and templates with
quotes stand as they are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mimetic2.errors import InputError
from mimetic2.files import folder_name
from mimetic2.seeding import derive_seed

PLACEHOLDER, ALIAS = "{concept}", "{alias}"
_PLACE = re.compile(r"\{(concept|alias)\}")


@dataclass(frozen=True, slots=True)
class ImageJob:
    """One image to be made: which concept, which prompt (its index and its words), the how-manieth, and its seed."""

    concept: str
    prompt: int
    index: int
    text: str
    seed: int

    @property
    def key(self) -> tuple[str, int, int]:
        """(concept, prompt, index): which image of a study it is."""
        return self.concept, self.prompt, self.index

    @property
    def path(self) -> str:
        """Where the image belongs, relative to the output folder, with forward slashes."""
        return f"{folder_name(self.concept)}/{self.prompt}/{self.index}.png"


def check_templates(templates: Sequence[str], *, file: str | None = None) -> list[str]:
    """The templates, stripped; raises :class:`InputError` for none, an empty one, a repeated one or no placeholder."""
    if not templates:
        raise InputError("there is no prompt", file=file, accepted=f"templates that contain {PLACEHOLDER}")
    stripped = [template.strip() for template in templates]
    for row, template in enumerate(stripped, 1):
        if not _PLACE.search(template):
            problem = f"prompt {row} ('{template}') does not contain {PLACEHOLDER}"
            raise InputError(problem, file=file, accepted=f"for example: a painting in the style of {PLACEHOLDER}")
        if template in stripped[: row - 1]:
            raise InputError(f"prompt {row} ('{template}') stands there twice", file=file)
    return stripped


def fill(template: str, concept: str, alias: str | None = None) -> str:
    """The prompt's words for a concept."""
    return _PLACE.sub(lambda place: (alias or concept) if place[0] == ALIAS else concept, template)


def image_seed(study_seed: int, concept: str, template: str, index: int) -> int:
    """The 63-bit seed of one image: a function of what it shows, never of batch, order, worker or other concepts."""
    return derive_seed("image", study_seed, concept, template, index)


def jobs_of(concept: str, templates: Sequence[str], images: int, seed: int, alias: str | None = None) -> list[ImageJob]:
    """All images of a concept, the prompts in turn for each index, so that a batch mixes prompts."""
    return [
        ImageJob(concept, number, index, fill(template, concept, alias), image_seed(seed, concept, template, index))
        for index in range(images)
        for number, template in enumerate(templates)
    ]
