"""What a plan takes for granted where a study has shown nothing yet, each with where the number comes from.

Measured numbers name what was measured. Nothing about a GPU was measured by this project: such rates are assumptions,
say so wherever they are shown, and are replaced by ``--images-per-second``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from mimetic2.errors import InputError
from mimetic2.threshold.arguments import number


@dataclass(frozen=True)
class Components:
    """Standard deviations in units of the score: between concepts of equal count, of one image within its prompt, and
    what ten references add; ``rise`` from concepts never seen to those seen most."""

    between: float
    within: float
    reference: float
    rise: float
    source: str


_LAB = Components(0.157, 0.089, 0.019, 0.66, "measured on the lab's model: 149 painters, 5 prompts, style-lite")
_FACES = Components(
    0.019, 0.020, 0.004, 0.05, "measured on 22 celebrities, 5 images each by Stable Diffusion 1.1, dlib-face"
)
COMPONENTS = {
    "lab": _LAB,
    "faces": _FACES,
    "art-style": Components(
        0.157, 0.089, 0.019, 0.66, "those of the lab: nothing was measured on real artists; a pilot run replaces them"
    ),
}
OTHER_DOMAIN = COMPONENTS["art-style"]


@dataclass(frozen=True)
class Given:
    """What the user says instead; None leaves what was measured or assumed. In a run's place of noise, ``between`` and
    ``within`` replace what it measured; its curves stay, so that ``rise`` is for studies without a run."""

    between: float | None = None
    within: float | None = None
    rise: float | None = None

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            least = "from 0" if name == "within" else "above 0"
            if value is not None and not (0 <= number(value, name) < math.inf and (value > 0 or name == "within")):
                raise InputError(f"{name} is {value}", accepted=f"numbers {least}")

    def words(self) -> str:
        """What to add to the source of a number."""
        said = [f"{name} {value:g}" for name, value in vars(self).items() if value is not None]
        return f"; as given: {', '.join(said)}" if said else ""


NOTHING_GIVEN = Given()


MIDPOINT, DECADES = 300, 1.2
"""Where a step or the middle of a ramp is assumed (the paper's thresholds: 200 to 700), and a ramp's 10–90 % width."""
PLACES = (100, 1_000)
"""Where a proposal of concepts must expect it."""

LAB_IMAGES_PER_SECOND = 40.0  # measured: 1 500 images in 33 s to 38 s on one core of a shared machine
LAB_IMAGE_BYTES = 4_600  # measured: 1 500 PNG of 32 x 32 pixels are 6.9 MB

GPU_STEPS_PER_SECOND = 25.0
"""Assumed: denoising steps a second at 512 x 512 pixels of a model that needs 4 GB, guidance included, on a recent
data-centre GPU at half precision. Other models are scaled by pixels and by memory."""
GPU_PIXELS, GPU_MEMORY = 512**2, 4.0
BYTES_PER_PIXEL = 1.6  # assumed, of a PNG of a photograph or painting

PAPER_IMAGES = 1_000  # a concept: five prompts, 200 images each (arXiv 2410.15002)
