"""`mimetic2 score`: folders of generated and reference images to scores.csv."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mimetic2.cli.embedder_options import AllowDownload, Cache, Device, Faces, Name, Weights, chosen


def register(app: typer.Typer) -> None:
    """Add the verb ``score``."""
    app.command()(score)


def score(
    generated: Annotated[Path, typer.Option(help="Folder of generated images, or what `embed` wrote of it.")],
    reference: Annotated[Path, typer.Option(help="Folder of reference images, or what `embed` wrote of it.")],
    embedder: Name,
    out: Annotated[Path, typer.Option(help="Table to write: .csv, .parquet or .jsonl.")],
    counts: Annotated[Path | None, typer.Option(help="Table with columns concept, count.")] = None,
    concepts: Annotated[Path | None, typer.Option(help="Concept list with groups and controls.")] = None,
    training: Annotated[Path | None, typer.Option(help="Folder of training images, to find copies of them.")] = None,
    references: Annotated[int, typer.Option(min=3, help="At most so many references per concept.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draw of references.")] = 0,
    exclude_unfit: Annotated[bool, typer.Option(help="Leave out concepts the embedder does not separate.")] = False,
    readout: Annotated[str, typer.Option(help="mean (cosine); or csls, or scaled: between null and ceiling.")] = "mean",
    weights: Weights = None,
    faces: Faces = None,
    device: Device = None,
    allow_download: AllowDownload = False,
    cache: Cache = None,
    json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Score how well each concept is imitated."""
    from json import dumps

    from mimetic2.files import keep_inputs
    from mimetic2.scoring.folders import score as score_folders
    from mimetic2.scoring.result import tables_beside
    from mimetic2.tables import check_ending

    check_ending(out)
    keep_inputs([out, *tables_beside(out)], [generated, reference, counts, concepts])
    result = score_folders(
        generated,
        reference,
        chosen(embedder, weights, faces=faces, device=device, allow_download=allow_download),
        counts=counts,
        concepts=concepts,
        training=training,
        cache=cache,
        references=references,
        seed=seed,
        exclude_unfit=exclude_unfit,
        readout=readout,
    )
    result.save(out)
    summary = result.to_dict()
    if json:
        print(dumps(summary, ensure_ascii=False))
        return
    for kind, path, reason in result.excluded.select("kind", "path", "reason").iter_rows():
        print(f"left out: {kind} image {path or 'without a file'}: {reason}")
    copies = summary["memorised"]["picture"]
    if copies:
        print(f"{copies} generated images nearly equal a real one: {out.stem}.near_duplicates.csv")
    if counts is None:
        print("no --counts: the scores stand alone, and `threshold` needs a count for each")
    print(f"{summary['n_scored']} of {summary['n_concepts']} concepts scored in {out}")
