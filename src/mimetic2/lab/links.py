"""Links of the lab: a picture is a pure function of its link.

``lab://ada-keller/boat/12`` is picture 12 of a boat by Ada Keller; ``lab://generic/boat/12`` is a boat by a stranger
who painted nothing else; ``lab://lost/12`` is dead today, although the model saw the picture when it was trained.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mimetic2.errors import InputError
from mimetic2.lab.drawing import SUBJECTS, Picture, paint
from mimetic2.lab.style import draw_style
from mimetic2.lab.world import Painter, painters, painters_by_slug

SCHEME = "lab://"
GENERIC = "generic"
LOST = "lost"
FIRST_REFERENCE_SEED = 10_000_000
"""Reference pictures have seeds from here on; training pictures never do."""

_PICTURES, _STRANGERS = 31, 32


class DeadLink(InputError):  # noqa: N818 - what the link is, not a fault of the program
    """The link was alive when the model was trained and leads nowhere today."""


@dataclass(frozen=True, slots=True)
class Link:
    """A parsed link: whose work (a painter's slug or ``generic``), which subject, which draw."""

    shown: str
    subject: str
    seed: int

    def __str__(self) -> str:
        return f"{SCHEME}{self.shown}/{self.subject}/{self.seed}"


def parse_link(url: str) -> Link:
    """Read ``lab://<painter or generic>/<subject>/<seed>``.

    Raises `DeadLink` for ``lab://lost/…`` and `InputError` for anything else that is no link of the lab.
    """
    parts = url.removeprefix(SCHEME).split("/") if url.startswith(SCHEME) else []
    if parts and parts[0] == LOST:
        raise DeadLink(f"{url}: dead link")
    accepted = f"{SCHEME}<painter or {GENERIC}>/<subject>/<seed>"
    if len(parts) != 3 or not (parts[2].isascii() and parts[2].isdigit()):
        raise InputError(f"'{url}' is no link of the lab", accepted=accepted)
    shown, subject, seed = parts
    if shown != GENERIC and shown not in painters_by_slug():
        raise InputError(f"'{url}': unknown painter '{shown}'", accepted=accepted)
    if subject not in SUBJECTS:
        raise InputError(f"'{url}': unknown subject '{subject}'", accepted=", ".join(SUBJECTS))
    return Link(shown, subject, int(seed))


def render(link: Link) -> Picture:
    """The picture (32, 32, 3) uint8 RGB behind a link; bit-identical on one machine."""
    subject = SUBJECTS.index(link.subject)
    if link.shown == GENERIC:
        rng = np.random.default_rng([_STRANGERS, subject, link.seed])
        return paint(draw_style(rng), link.subject, rng)
    painter = painters_by_slug()[link.shown]
    return paint(painter.style, link.subject, np.random.default_rng([_PICTURES, painter.index, subject, link.seed]))


def render_url(url: str) -> Picture:
    """The picture (32, 32, 3) uint8 RGB behind ``url``; raises as `parse_link` does."""
    return render(parse_link(url))


def reference_links(painter: Painter, number: int = 24) -> list[Link]:
    """Links of a painter's reference pictures: fresh draws, subjects in turn, none in the training set."""
    return [Link(painter.slug, SUBJECTS[j % len(SUBJECTS)], FIRST_REFERENCE_SEED + j) for j in range(number)]


def reference_pictures(number: int = 24) -> Mapping[str, Picture]:
    """Reference pictures of every painter by name, each an array (number, 32, 32, 3) uint8."""
    return {
        painter.name: np.stack([render(link) for link in reference_links(painter, number)]) for painter in painters()
    }
