"""What the domain of a run calls its concepts and images."""

from __future__ import annotations

from dataclasses import dataclass

from mimetic2.report.contents import Contents


@dataclass(frozen=True)
class Vocabulary:
    """What a domain calls its concepts and images."""

    concept: str = "concept"
    concepts: str = "concepts"
    image: str = "image"
    training_image: str = "training image"
    title: str = ""
    show_images: bool = False


def vocabulary(contents: Contents) -> Vocabulary:
    """The words of the study's domain; neutral ones where the run names none."""
    name = contents.study.get("domain")
    if not name:
        return Vocabulary()
    from mimetic2.domains import load_domain

    # A domain of the user's own is a file in the run directory.
    domain = load_domain(contents.locate("domain") or name)
    words = domain.words
    return Vocabulary(
        words.concept, words.concepts, words.image, words.training_image, domain.title, domain.show_images
    )
