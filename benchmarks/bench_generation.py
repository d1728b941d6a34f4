"""Images per second of the stage against a plain diffusers loop at its best batch size, on the lab's model, in one run.

The plain loop paints the same prompts with one generator and batches across concepts, keeping images in memory; the
stage, with its own batch size, also seeds each image, checks it, writes it as PNG and records it. The two take turns,
so that a busy machine is busy for both. CPU seconds stand beside, for machines that are never idle.

    python benchmarks/bench_generation.py [--images 400] [--repeats 3]
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch

from mimetic2.concepts import Concept
from mimetic2.domains import load_domain
from mimetic2.generation import Execution, generate_with
from mimetic2.generation.loading import load_pipeline
from mimetic2.generation.models import resolve_model
from mimetic2.generation.pipeline import LocalModel, PipelineBackend
from mimetic2.lab import GUIDANCE_SCALE, INFERENCE_STEPS, painters

PLAIN_BATCHES = (10, 25, 50, 100)


def plain_loop(pipeline: Any, prompts: list[str], batch: int) -> None:
    """Paint the prompts with diffusers alone."""
    generator = torch.Generator().manual_seed(0)
    options = {"num_inference_steps": INFERENCE_STEPS, "guidance_scale": GUIDANCE_SCALE, "output_type": "np"}
    for start in range(0, len(prompts), batch):
        pipeline(prompts[start : start + batch], generator=generator, **options)


def stage(backend: PipelineBackend, concepts: list[Concept], prompts: tuple[str, ...], images: int) -> None:
    """Paint them with the stage, with everything it writes."""
    with tempfile.TemporaryDirectory() as out:
        generate_with(backend, concepts, prompts, Path(out), images=images)


def clock(work: Callable[[], None]) -> tuple[float, float]:
    """Wall and CPU seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def main() -> None:
    """Print, for few and for many images a concept, images per second and CPU milliseconds an image."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=400)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    templates = load_domain("lab").prompts
    source = resolve_model("lab")
    plain = load_pipeline(source, safety_checker=False, dtype=torch.float32)
    plain.set_progress_bar_config(disable=True)
    backends = {
        "ours": PipelineBackend(LocalModel(source)),
        "ours, --compile": PipelineBackend(LocalModel(source, execution=Execution(compile=True))),
    }
    names = [painter.name for painter in painters()]
    for backend, images in itertools.product(backends.values(), (2, 10)):
        stage(backend, [Concept(names[0])], templates, images)
    plain_loop(plain, [templates[0].format(concept=names[0])] * 10, 10)
    print(f"{torch.get_num_threads()} threads, best of {arguments.repeats}: images/s (CPU ms an image)")
    for per_prompt in (2, 10):
        concepts = [Concept(name) for name in names[: max(1, arguments.images // (len(templates) * per_prompt))]]
        prompts = [t.format(concept=c.name) for c in concepts for t in templates for _ in range(per_prompt)]
        candidates: dict[str, Callable[[], None]] = {
            f"plain, batch {batch}": partial(plain_loop, plain, prompts, batch) for batch in PLAIN_BATCHES
        }
        candidates |= {
            name: partial(stage, backend, concepts, templates, per_prompt) for name, backend in backends.items()
        }
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in candidates}
        for _ in range(arguments.repeats):
            for name, work in candidates.items():
                taken[name].append(clock(work))
        print(f"{len(templates) * per_prompt} images a concept")
        for name, runs in taken.items():
            wall, cpu = (min(column) for column in zip(*runs, strict=True))
            print(f"  {name:<16} {len(prompts) / wall:6.1f}/s  ({1000 * cpu / len(prompts):.1f} ms)")


if __name__ == "__main__":
    main()
