"""`mimetic2 generate`: images of concepts from a text-to-image model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mimetic2.cli.more_images import deciding

if TYPE_CHECKING:
    import polars as pl

    from mimetic2.generation import Generating, Sampling

_LOCAL, _API = "A local model: how it computes", "A model behind an API"
_MORE = "More images where they narrow the threshold's interval (adaptive, see docs/planning)"


def register(app: typer.Typer) -> None:
    """Add the verb ``generate``."""
    app.command()(generate)


def generate(
    model: Annotated[str, typer.Option(help="Preset, pipeline folder, .safetensors file, hub id, https://…, or lab.")],
    concepts: Annotated[Path, typer.Option(help="Table with a column concept.")],
    out: Annotated[Path, typer.Option(help="Folder for the images and images.csv.")],
    domain: Annotated[
        str | None, typer.Option(help="Domain whose prompts to use: a name or a YAML file; for the model lab: lab.")
    ] = None,
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
    lora: Annotated[
        list[str] | None, typer.Option(help="LoRA adapter to add: FILE.safetensors or FILE.safetensors:SCALE.")
    ] = None,
    restart: Annotated[bool, typer.Option("--restart", help="Discard the images that are in --out.")] = False,
    allow_download: Annotated[bool, typer.Option("--allow-download", help="May fetch the model.")] = False,
    pipeline_config: Annotated[
        Path | None, typer.Option(help="Configuration folder of a single .safetensors checkpoint.")
    ] = None,
    most: Annotated[
        int | None,
        typer.Option(min=2, help="Per prompt: --images are made first, then up to so many.", rich_help_panel=_MORE),
    ] = None,
    budget: Annotated[
        int | None, typer.Option(min=1, help="Images of all concepts, at most.", rich_help_panel=_MORE)
    ] = None,
    reference: Annotated[
        Path | None, typer.Option(help="Folder of reference images, by which to score.", rich_help_panel=_MORE)
    ] = None,
    counts: Annotated[
        Path | None, typer.Option(help="Table with columns concept, count.", rich_help_panel=_MORE)
    ] = None,
    embedder: Annotated[
        str | None, typer.Option(help="As of `score`; default: the domain's.", rich_help_panel=_MORE)
    ] = None,
    embedder_weights: Annotated[
        str | None, typer.Option(help="Your own weights of it: a file or a folder.", rich_help_panel=_MORE)
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:NUMBER or mps.", rich_help_panel=_LOCAL)] = "auto",
    dtype: Annotated[
        str | None, typer.Option(help="float32, float16 or bfloat16; default: by device.", rich_help_panel=_LOCAL)
    ] = None,
    channels_last: Annotated[bool, typer.Option(help="Memory layout of images.", rich_help_panel=_LOCAL)] = True,
    attention: Annotated[
        str | None, typer.Option(help="Attention backend of diffusers; default: torch's.", rich_help_panel=_LOCAL)
    ] = None,
    compile_: Annotated[bool, typer.Option("--compile", help="Compile the model.", rich_help_panel=_LOCAL)] = False,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; default: one a GPU.", rich_help_panel=_LOCAL)
    ] = None,
    engine: Annotated[str, typer.Option(help="Where workers run: local or ray.", rich_help_panel=_LOCAL)] = "local",
    address: Annotated[str | None, typer.Option(help="The Ray cluster's.", rich_help_panel=_LOCAL)] = None,
    api_model: Annotated[str | None, typer.Option(help="The provider's name of it.", rich_help_panel=_API)] = None,
    api_key_variable: Annotated[
        str | None, typer.Option(help="Environment variable with the key.", rich_help_panel=_API)
    ] = None,
    api_option: Annotated[
        list[str] | None, typer.Option(help="Further NAME=VALUE of the request.", rich_help_panel=_API)
    ] = None,
    api_per_minute: Annotated[float | None, typer.Option(help="Requests a minute.", rich_help_panel=_API)] = None,
    api_parallel: Annotated[int | None, typer.Option(help="Requests at once; default 4.", rich_help_panel=_API)] = None,
    api_price: Annotated[float | None, typer.Option(help="What an image costs.", rich_help_panel=_API)] = None,
    api_max_cost: Annotated[float | None, typer.Option(help="Most to spend on --out.", rich_help_panel=_API)] = None,
    api_allow_private: Annotated[
        bool, typer.Option("--api-allow-private", help="The endpoint may be private or local.", rich_help_panel=_API)
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Make images of each concept with each prompt. Run again to go on where an interruption stopped it."""
    given = locals()
    from mimetic2.concepts import read_concepts
    from mimetic2.generation import generate_images
    from mimetic2.planning.deciding import ALLOCATION, per_prompt

    chosen = _chosen(given)
    if model == "lab" and prompts is None:
        domain = domain or "lab"  # it was trained on these prompts' words and no others
    templates, sampling = _prompts(domain, prompts, chosen, prompt_bug=prompt_bug)
    listed = read_concepts(concepts)
    same = {name: given[name] for name in ("images", "seed", "batch_size", "restart", "allow_download")}
    then = deciding(given | {"domain": domain}, listed)
    table = generate_images(model, listed, templates, out, sampling=sampling, then=then, **same, **chosen.arguments())
    if then is not None and not as_json:
        print(f"{per_prompt(table)} images per prompt, as in {out / ALLOCATION}")
    _tell(table, out, as_json=as_json)


def _chosen(given: dict[str, Any]) -> Generating:
    """The options as the section ``generate:`` of a study has them."""
    from pydantic import ValidationError

    from mimetic2.errors import InputError
    from mimetic2.generation import Generating
    from mimetic2.generation.api import is_address
    from mimetic2.validating import accepted_by

    api = {name.removeprefix("api_"): value for name, value in given.items() if name.startswith("api_") and value}
    if "option" in api:
        api["options"] = dict(_option(text) for text in api.pop("option"))
    if api and not is_address(given["model"]):
        option = "--api-" + next(iter(api)).replace("_", "-")
        problem = f"{option} has no effect on '{given['model']}', which is not behind an API"
        raise InputError(problem, accepted="no --api-… options, or --model https://HOST/v1 with --api-model NAME")
    if api and "model" not in api:
        raise InputError("the endpoint's model has no name", accepted="--api-model NAME, as the provider calls it")
    fields = {name: given[name] for name in Generating.model_fields if given.get(name) is not None}
    fields |= {"compile": given["compile_"], **({"api": api} if api else {})}
    try:
        return Generating.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        option = "--" + "-".join(str(part) for part in first["loc"]).replace("_", "-")
        raise InputError(f"{option} is wrong ({first['input']!r})", accepted=accepted_by(first)) from None


def _option(text: str) -> tuple[str, Any]:
    """``NAME=VALUE``; a value that is a number or true or false in JSON is sent as one."""
    import json

    from mimetic2.errors import InputError

    name, sign, value = text.partition("=")
    if not name or not sign:
        raise InputError(f"'{text}' is no option of a request", accepted="--api-option NAME=VALUE")
    try:
        parsed = json.loads(value)
    except ValueError:
        return name, value
    return name, parsed if isinstance(parsed, bool | int | float) else value


def _prompts(
    domain: str | None, prompts: Path | None, chosen: Generating, *, prompt_bug: bool
) -> tuple[tuple[str, ...], Sampling]:
    """The prompts, and how to sample, with the domain's defaults."""
    from mimetic2.domains import domain_names, load_domain, read_prompts
    from mimetic2.errors import InputError
    from mimetic2.generation.prompts import check_templates

    if domain is not None and prompts is None:
        of = load_domain(domain)
        defaults = of.generation_defaults
        return of.prompts_for(prompt_bug=prompt_bug), chosen.sampling(**defaults.model_dump())
    if prompts is not None and domain is None:
        return tuple(check_templates(read_prompts(prompts), file=str(prompts))), chosen.sampling()
    both = "--domain and --prompts both name prompts" if prompts is not None else "no prompts were named"
    names = ", ".join(domain_names())
    raise InputError(both, accepted=f"either --domain ({names} or a domain's YAML file) or --prompts FILE")


def _tell(table: pl.DataFrame, out: Path, *, as_json: bool) -> None:
    from json import dumps

    from mimetic2.generation import EXCLUDED
    from mimetic2.generation.images import recorded_warnings

    excluded = table.filter(table["status"] == EXCLUDED).height
    warnings = recorded_warnings(out)
    if as_json:
        said = {"folder": str(out), "images": table.height - excluded, "excluded": excluded, "warnings": warnings}
        print(dumps(said, ensure_ascii=False))
        return
    lost = f", {excluded} excluded (see images.csv)" if excluded else ""
    print(f"{table.height - excluded} images in {out}{lost}")
    for warning in warnings:
        print(f"warning: {warning}")
