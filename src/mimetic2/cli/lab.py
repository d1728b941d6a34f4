"""`mimetic2 lab`: rebuild the embedded world, its training set and its model from nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the verbs ``lab build``, ``lab train`` and ``lab sheet``."""
    lab = typer.Typer(no_args_is_help=True, help="The embedded world of imaginary painters, rebuilt from nothing.")
    lab.command()(build)
    lab.command()(train)
    lab.command()(sheet)
    app.add_typer(lab, name="lab")


def build(
    out: Annotated[Path, typer.Option(help="Folder for training_set/, concepts.csv, counts.csv and reference/.")],
    references: Annotated[int, typer.Option(min=1, help="Reference images per painter.")] = 24,
) -> None:
    """Write the training set's shards, the concept list, the true counts and the reference images."""
    from mimetic2.lab import painters, write_concepts, write_counts, write_references, write_shards
    from mimetic2.progress import bar

    with bar("lab", 4, unit="parts") as progress:
        shards = write_shards(out / "training_set")
        progress.advance(1, f"{len(shards)} shards")
        write_concepts(out / "concepts.csv")
        progress.advance(1, "concepts.csv")
        write_counts(out / "counts.csv")
        progress.advance(1, "counts.csv")
        write_references(out / "reference", references)
        progress.advance(1, "reference")
    print(f"{len(painters())} painters, {len(shards)} shards and {references} references each in {out}")


def train(
    out: Annotated[Path, typer.Option(help="Folder for pipeline/ and, to continue after an interruption, work/.")],
    seed: Annotated[int, typer.Option(min=0, help="Seed of the denoiser; 0 is the shipped one.")] = 0,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads; another number changes the last digits.")] = 2,
    training_set: Annotated[
        Path | None, typer.Option(help="Folder of shards as `lab build` writes them; default: the shipped ones.")
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Denoiser steps; default: the recipe's.")] = None,
    tiny: Annotated[
        bool, typer.Option("--tiny", help="A model too small to paint, in seconds: to try this out.")
    ] = False,
) -> None:
    """Train the model from nothing. Run again to continue where an interruption stopped it."""
    from dataclasses import replace

    from mimetic2.lab import read_shards, shipped_shards
    from mimetic2.lab.recipe import TINY, Recipe
    from mimetic2.lab.requirements import need_diffusion
    from mimetic2.progress import bar

    need_diffusion("lab train")
    import torch

    from mimetic2.lab.training import train as train_pipeline

    torch.set_num_threads(threads)
    recipe = replace(TINY if tiny else Recipe(), seed=seed)
    if steps is not None:
        recipe = replace(recipe, denoiser=replace(recipe.denoiser, steps=steps))
    shards = sorted(training_set.glob("*.parquet")) if training_set is not None else shipped_shards()
    rows = read_shards(shards)
    rows = rows.head(256) if tiny else rows
    print(train_pipeline(rows, out, recipe, lambda text, total, unit, done: bar(text, total, unit=unit, already=done)))


def sheet(
    generated: Annotated[Path, typer.Option(help="Folder of images as `generate` writes them, prompts of the lab.")],
    out: Annotated[Path, typer.Option(help="PNG to write.")],
    rows: Annotated[
        int, typer.Option(min=2, help="Painters, at even ranks from the lowest count to the highest.")
    ] = 16,
) -> None:
    """Draw references beside generated images, painters by rising count."""
    from mimetic2.lab.pictures import contact_sheet, evenly_by_count, read_generated

    chosen = evenly_by_count(rows)
    contact_sheet(read_generated(generated, chosen), chosen, out)
    print(out)
