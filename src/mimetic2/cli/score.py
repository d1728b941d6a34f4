"""`mimetic2 score`: folders of generated and reference images to scores.csv."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mimetic2.cli.embedder_options import AllowDownload, Device, Faces, Name, Weights, chosen

if TYPE_CHECKING:
    from mimetic2.embedding import Embedder, EmbeddingTable


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
    references: Annotated[int, typer.Option(min=3, help="At most so many references per concept.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draw of references.")] = 0,
    exclude_unfit: Annotated[bool, typer.Option(help="Leave out concepts the embedder does not separate.")] = False,
    readout: Annotated[str, typer.Option(help="mean (cosine); or csls, or scaled: between null and ceiling.")] = "mean",
    weights: Weights = None,
    faces: Faces = None,
    device: Device = None,
    allow_download: AllowDownload = False,
    cache: Annotated[Path | None, typer.Option(help="Folder of vectors made before (owner only).")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Score how well each concept is imitated."""
    from json import dumps

    from mimetic2.concepts import read_concepts
    from mimetic2.scoring import score_concepts
    from mimetic2.tables import read_table

    table = read_table(counts, ("concept", "count")) if counts is not None else None
    listed = read_concepts(concepts) if concepts is not None else None
    names = [concept.name for concept in listed] if listed is not None else None
    if names is None and table is not None:
        names = [str(name).strip() for name in table["concept"]]
    tool = chosen(embedder, weights, faces=faces, device=device, allow_download=allow_download)
    sides = [_vectors(folder, names, tool, cache) for folder in (generated, reference)]
    result = score_concepts(
        *sides,
        counts=table,
        references=references,
        seed=seed,
        exclude_unfit=exclude_unfit,
        readout=readout,
        concepts=listed,
    )
    result.save(out)
    summary = result.to_dict()
    if json:
        print(dumps(summary, ensure_ascii=False))
        return
    for kind, path, reason in result.excluded.select("kind", "path", "reason").iter_rows():
        print(f"left out: {kind} image {path or 'without a file'}: {reason}")
    print(f"{summary['n_scored']} of {summary['n_concepts']} concepts scored in {out}")


def _vectors(source: Path, names: list[str] | None, tool: Embedder, cache: Path | None) -> EmbeddingTable:
    from mimetic2.embedding import EmbeddingTable, embed_images, find_images
    from mimetic2.embedding.base import identity_of
    from mimetic2.errors import InputError

    if source.suffix != ".parquet":
        return embed_images(find_images(source, names), tool, cache, label=f"embed {source.name}")
    table = EmbeddingTable.load(source)
    if table.identity != identity_of(tool):
        raise InputError(f"holds vectors of {table.identity}, not of {tool.name} as it is here", file=source)
    return table
