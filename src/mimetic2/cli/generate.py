"""`mimetic2 generate`: images of concepts from a text-to-image model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the verb ``generate``."""
    app.command()(generate)


def generate(
    model: Annotated[str, typer.Option(help="Preset, pipeline folder, .safetensors file, hub id, or lab.")],
    concepts: Annotated[Path, typer.Option(help="Table with a column concept.")],
    out: Annotated[Path, typer.Option(help="Folder for the images and images.csv.")],
    domain: Annotated[str | None, typer.Option(help="Domain whose prompts to use: a name or a YAML file.")] = None,
    prompts: Annotated[
        Path | None, typer.Option(help="Prompts with {concept}: one a line (.txt) or a list (.yaml).")
    ] = None,
    images: Annotated[int, typer.Option(min=1, help="Images per concept and prompt; the paper makes 200.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="The study's seed.")] = 0,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Images at a time; default: what fits.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Denoising steps; default: the model's.")] = None,
    guidance: Annotated[float | None, typer.Option(min=0, help="Guidance scale; default: the model's.")] = None,
    negative_prompt: Annotated[str | None, typer.Option(help="What the images should not show.")] = None,
    size: Annotated[int | None, typer.Option(min=8, help="Width and height in pixels; default: native.")] = None,
    prompt_bug: Annotated[
        bool, typer.Option("--prompt-bug", help="Send the malformed prompts of the paper's code.")
    ] = False,
    safety_checker: Annotated[
        bool, typer.Option("--safety-checker", help="Keep the model's safety checker; the paper has it off.")
    ] = False,
    restart: Annotated[bool, typer.Option("--restart", help="Discard the images that are in --out.")] = False,
    allow_download: Annotated[bool, typer.Option("--allow-download", help="May fetch the model.")] = False,
    pipeline_config: Annotated[
        Path | None, typer.Option(help="Configuration folder of a single .safetensors checkpoint.")
    ] = None,
) -> None:
    """Make images of each concept with each prompt. Run again to go on where an interruption stopped it."""
    from mimetic2.concepts import read_concepts
    from mimetic2.domains import load_domain, read_prompts
    from mimetic2.errors import InputError
    from mimetic2.generation import EXCLUDED, Sampling, generate_images

    if (domain is None) == (prompts is None):
        raise InputError("which prompts?", accepted="either --domain or --prompts")
    defaults = None
    if domain is not None:
        chosen = load_domain(domain)
        templates, defaults = chosen.prompts_for(prompt_bug=prompt_bug), chosen.generation_defaults
    elif prompts is not None:
        templates = read_prompts(prompts)
    table = generate_images(
        model,
        read_concepts(concepts),
        templates,
        out,
        images=images,
        seed=seed,
        batch_size=batch_size,
        sampling=Sampling(
            steps=steps if steps is not None or defaults is None else defaults.steps,
            guidance=guidance if guidance is not None or defaults is None else defaults.guidance,
            negative_prompt=negative_prompt,
            width=size,
            height=size,
            safety_checker=safety_checker,
        ),
        restart=restart,
        allow_download=allow_download,
        pipeline_config=pipeline_config,
    )
    excluded = table.filter(table["status"] == EXCLUDED).height
    print(
        f"{table.height - excluded} images in {out}" + (f", {excluded} excluded (see images.csv)" if excluded else "")
    )
