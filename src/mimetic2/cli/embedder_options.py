"""The options about embedders that several verbs share, and the embedder that they choose."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mimetic2.embedding import Embedder

Name = Annotated[str, typer.Option(help="Embedder: one that `mimetic2 doctor` lists.")]
Weights = Annotated[
    str | None,
    typer.Option(help="Your own weights: a file or a folder; for clip, siglip and dinov2 also a hub id."),
]
Faces = Annotated[
    str | None, typer.Option(help="Of several faces in an image, the 'largest' counts, or only images with 'one' do.")
]
Device = Annotated[str | None, typer.Option(help="cpu, cuda, cuda:N or mps; default: a GPU if there is one.")]
AllowDownload = Annotated[
    bool, typer.Option("--allow-download", help="Fetch the embedder's weights from the hub if they are not here.")
]
Cache = Annotated[
    Path | None, typer.Option(help="Folder of vectors made before; those added to it are for their owner only.")
]


def chosen(
    name: str,
    weights: str | None,
    *,
    faces: str | None = None,
    device: str | None = None,
    allow_download: bool = False,
) -> Embedder:
    """The embedder; options that were not given are left to it, those it does not have are refused."""
    from mimetic2.embedding import get_embedder

    given = {"faces": faces, "device": device, "allow_download": allow_download or None}
    return get_embedder(name, weights, **{key: value for key, value in given.items() if value is not None})
