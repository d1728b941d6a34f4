"""Generation: from concepts and prompts to images, reproducibly, resumably, with reasons for what is missing.

:func:`generate_images` is the stage; a :class:`Backend` is where images come from (a local pipeline, an API).
Importing this package does not import torch.
"""

from mimetic2.generation.adapters import Adapter
from mimetic2.generation.api import Api
from mimetic2.generation.backend import Backend, Sampling
from mimetic2.generation.choices import Generating
from mimetic2.generation.execution import Execution
from mimetic2.generation.images import generate_images, generate_with
from mimetic2.generation.prompts import ImageJob, image_seed
from mimetic2.generation.store import EXCLUDED, OK, Made

__all__ = [
    "EXCLUDED",
    "OK",
    "Adapter",
    "Api",
    "Backend",
    "Execution",
    "Generating",
    "ImageJob",
    "Made",
    "Sampling",
    "generate_images",
    "generate_with",
    "image_seed",
]
