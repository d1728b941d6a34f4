"""Images per second of the stage against a plain diffusers loop, on the lab's model, in one run.

The plain loop paints the same prompts with one generator and batches across concepts, at several batch sizes, keeping
images in memory; the stage also seeds each image, checks it, writes it as PNG and records it.

    python benchmarks/bench_generation.py [--images 1500] [--repeats 2]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from mimetic2.domains import load_domain
from mimetic2.generation import Sampling, generate_with
from mimetic2.generation.loading import load_pipeline
from mimetic2.generation.models import resolve_model
from mimetic2.generation.pipeline import PipelineBackend


def plain_loop(pipeline: Any, prompts: list[str], batch: int, options: dict[str, Any]) -> float:
    """Seconds to paint the prompts with diffusers alone."""
    generator = torch.Generator().manual_seed(0)
    started = time.perf_counter()
    for start in range(0, len(prompts), batch):
        pipeline(prompts[start : start + batch], generator=generator, output_type="np", **options)
    return time.perf_counter() - started


def stage(backend: PipelineBackend, concepts: list[Any], prompts: tuple[str, ...], images: int, batch: int) -> float:
    """Seconds that the stage needs, with everything it writes."""
    with tempfile.TemporaryDirectory() as out:
        started = time.perf_counter()
        generate_with(backend, concepts, prompts, Path(out), images=images, batch_size=batch)
        return time.perf_counter() - started


def main() -> None:
    """Print a table of images per second."""
    from mimetic2.concepts import Concept
    from mimetic2.lab import GUIDANCE_SCALE, INFERENCE_STEPS, painters

    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=1500)
    parser.add_argument("--repeats", type=int, default=2)
    arguments = parser.parse_args()
    templates = load_domain("lab").prompts
    source = resolve_model("lab")
    plain = load_pipeline(source, safety_checker=False, dtype=torch.float32)
    plain.set_progress_bar_config(disable=True)
    options = {"num_inference_steps": INFERENCE_STEPS, "guidance_scale": GUIDANCE_SCALE}
    backend = PipelineBackend(source, Sampling())
    names = [painter.name for painter in painters()]
    plain_loop(plain, [templates[0].format(concept=names[0])] * 10, 10, options)
    print(f"{torch.get_num_threads()} threads, best of {arguments.repeats}, images/s")
    for per_prompt in (2, 10, 20):
        n_concepts = max(1, min(len(names), arguments.images // (len(templates) * per_prompt)))
        concepts = [Concept(name) for name in names[:n_concepts]]
        prompts = [t.format(concept=c.name) for c in concepts for t in templates for _ in range(per_prompt)]
        for batch in (10, 50, 100):
            runs = range(arguments.repeats)
            loop = min(plain_loop(plain, prompts, batch, options) for _ in runs)
            ours = min(stage(backend, concepts, templates, per_prompt, batch) for _ in runs)
            rates = f"plain {len(prompts) / loop:6.1f}, ours {len(prompts) / ours:6.1f}"
            print(f"{len(templates) * per_prompt:>4} a concept, batch {batch:>3}: {rates}")


if __name__ == "__main__":
    main()
