"""`mimetic2 ratings`: pairs for a human study, and the raters' agreement."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    ratings = typer.Typer(no_args_is_help=True)
    ratings.command("design")(design)
    ratings.command("agree")(agree)
    app.add_typer(ratings, name="ratings", help="Human study: draw pairs, measure agreement.")


def design(
    generated: Annotated[Path, typer.Option("--generated", help="Folder per concept of generated images.")],
    reference: Annotated[Path, typer.Option("--reference", help="Folder per concept of reference images.")],
    out: Annotated[Path, typer.Option("--out", help="Table of pairs to write.")],
    per_concept: Annotated[int, typer.Option(min=1, help="True pairs per concept.")] = 2,
    foils: Annotated[int, typer.Option(min=0, help="Pairs with another concept's reference, per concept.")] = 1,
    seed: Annotated[int, typer.Option(help="Seed of the draw.")] = 0,
) -> None:
    """Draw pairs of generated and reference images for raters, with foils among them."""
    import polars as pl

    from mimetic2.embedding import find_images
    from mimetic2.ratings.pairs import design_pairs
    from mimetic2.tables import write_table

    made, real = (find_images(folder).filter(pl.col("reason").is_null()) for folder in (generated, reference))
    pairs = design_pairs(made, real, per_concept=per_concept, foils=foils, seed=seed)
    write_table(out, pairs)
    print(f"{len(pairs)} pairs, {pairs['foil'].sum()} of them foils: {out}")


def agree(
    ratings: Annotated[Path, typer.Argument(help="Table with the columns pair, rater, rating.")],
    level: Annotated[str, typer.Option(help="nominal, ordinal or interval.")] = "ordinal",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Krippendorff's alpha of the ratings."""
    from typing import cast

    from mimetic2.ratings.agreement import Level, krippendorff_alpha, rating_matrix

    matrix = rating_matrix(ratings)
    alpha = krippendorff_alpha(matrix, cast(Level, level))
    if as_json:
        print(json.dumps({"alpha": alpha, "level": level, "raters": matrix.shape[0], "pairs": matrix.shape[1]}))
    else:
        value = "not defined (no pair was rated twice, or all ratings are equal)" if alpha is None else f"{alpha:.3f}"
        print(f"Krippendorff's alpha ({level}): {value}; {matrix.shape[0]} raters, {matrix.shape[1]} pairs")
