"""The embedded world: imaginary painters, a training set, and a real diffusion model trained on it.

`render_url` shows what is behind a link of the training set; `shipped_shards` and `SHIPPED_PIPELINE` are the files that
come with the package. Importing this package does not import torch; training and generating do.
"""

from __future__ import annotations

from pathlib import Path

from mimetic2.lab.captions import PROMPTS
from mimetic2.lab.drawing import SUBJECTS
from mimetic2.lab.links import DeadLink, parse_link, reference_pictures, render_url
from mimetic2.lab.shards import (
    concepts_table,
    read_shards,
    shipped_shards,
    write_concepts,
    write_counts,
    write_references,
    write_shards,
)
from mimetic2.lab.world import Painter, invented_names, painters

SHIPPED_PIPELINE = Path(__file__).with_name("pipeline")
"""The shipped model: an ordinary `StableDiffusionPipeline` folder."""
INFERENCE_STEPS = 6
GUIDANCE_SCALE = 2.5

__all__ = [
    "GUIDANCE_SCALE",
    "INFERENCE_STEPS",
    "PROMPTS",
    "SHIPPED_PIPELINE",
    "SUBJECTS",
    "DeadLink",
    "Painter",
    "concepts_table",
    "invented_names",
    "painters",
    "parse_link",
    "read_shards",
    "reference_pictures",
    "render_url",
    "shipped_shards",
    "write_concepts",
    "write_counts",
    "write_references",
    "write_shards",
]
