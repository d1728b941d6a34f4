"""`mimetic2 embed`: images to a table of vectors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mimetic2.cli.embedder_options import AllowDownload, Cache, Device, Faces, Name, Weights, chosen


def register(app: typer.Typer) -> None:
    """Add the verb ``embed``."""
    app.command()(embed)


def embed(
    images: Annotated[Path, typer.Option(help="Folder with a folder of images per concept.")],
    embedder: Name,
    out: Annotated[Path, typer.Option(help="Parquet file to write.")],
    concepts: Annotated[Path | None, typer.Option(help="Concept list; default: every folder is a concept.")] = None,
    weights: Weights = None,
    faces: Faces = None,
    device: Device = None,
    allow_download: AllowDownload = False,
    cache: Cache = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Turn images into vectors. Images that cannot be read or have no face are listed with the reason."""
    from json import dumps

    from mimetic2.concepts import read_concepts
    from mimetic2.embedding import EmbeddingTable, embed_images, find_images
    from mimetic2.files import keep_inputs

    EmbeddingTable.check_ending(out)
    keep_inputs([out], [images, concepts])
    files = find_images(images, read_concepts(concepts) if concepts is not None else None)
    tool = chosen(embedder, weights, faces=faces, device=device, allow_download=allow_download)
    table = embed_images(files, tool, cache)
    table.save(out)
    failed = table.frame.filter(~table.usable)
    if as_json:
        lost = failed.select("path", "reason").to_dicts()
        print(dumps({"file": str(out), "images": table.frame.height, "without_a_vector": lost}, ensure_ascii=False))
        return
    for kind, path in zip(failed["reason"], failed["path"], strict=True):
        print(f"{path or 'no file'}: {kind}")
    print(f"{table.frame.height - failed.height} vectors of {table.frame.height} images in {out}")
