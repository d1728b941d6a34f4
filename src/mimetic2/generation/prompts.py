"""Prompt templates and the seed of each image.

A template contains ``{concept}`` once or more; braces have no other meaning in it, so names with braces and templates
with quotes stand as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mimetic2.errors import InputError
from mimetic2.files import folder_name
from mimetic2.seeding import derive_seed

PLACEHOLDER = "{concept}"


@dataclass(frozen=True, slots=True)
class ImageJob:
    """One image to be made: which concept, which prompt (its index and its words), the how-manieth, and its seed."""

    concept: str
    prompt: int
    index: int
    text: str
    seed: int

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
        if PLACEHOLDER not in template:
            problem = f"prompt {row} ('{template}') does not contain {PLACEHOLDER}"
            raise InputError(problem, file=file, accepted=f"for example: a painting in the style of {PLACEHOLDER}")
        if template in stripped[: row - 1]:
            raise InputError(f"prompt {row} ('{template}') stands there twice", file=file)
    return stripped


def fill(template: str, concept: str) -> str:
    """The prompt's words for a concept."""
    return template.replace(PLACEHOLDER, concept)


def image_seed(study_seed: int, concept: str, template: str, index: int) -> int:
    """The 63-bit seed of one image: a function of what it shows, never of batch, order, worker or other concepts."""
    return derive_seed("image", study_seed, concept, template, index)


def jobs_of(concept: str, templates: Sequence[str], images: int, seed: int) -> list[ImageJob]:
    """All images of a concept, the prompts in turn for each index, so that a batch mixes prompts."""
    return [
        ImageJob(concept, number, index, fill(template, concept), image_seed(seed, concept, template, index))
        for index in range(images)
        for number, template in enumerate(templates)
    ]
