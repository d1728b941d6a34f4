"""The reference images that a verification compares with: their vectors, and which of them are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from mimetic2.embedding import Embedder, EmbeddingTable, embed_images, find_images
from mimetic2.embedding.base import Vectors, identity_of
from mimetic2.embedding.finding import match_folders
from mimetic2.errors import InputError
from mimetic2.files import concept_of_folder
from mimetic2.progress import log


def reference_table(
    reference: Path | EmbeddingTable, concepts: Sequence[str], embedder: Embedder, out: Path | None
) -> EmbeddingTable:
    """The references' vectors: those given, or those of a folder of images per concept, cached in ``out``.

    Concepts are spelled as in ``concepts``. Raises `InputError` for vectors of another embedder and for a concept
    without a usable reference.
    """
    if isinstance(reference, EmbeddingTable):
        table = reference
        if table.identity != identity_of(embedder):
            raise InputError(f"the references' vectors are of {table.identity.name}, not of this {embedder.name}")
    else:
        # All concepts' references, also of those without a sampled row: the centre of the pool depends on them.
        table = embed_images(find_images(reference), embedder, out, label="embed references")
        table = _renamed(table, reference, concepts)
    usable = set(table.frame.filter(pl.col("reason").is_null())["concept"])
    for concept in concepts:
        if concept not in usable:
            where = reference if isinstance(reference, Path) else None
            raise InputError(f"no usable reference image of '{concept}'", file=where, accepted="a folder per concept")
    return table


def _renamed(table: EmbeddingTable, folder: Path, concepts: Sequence[str]) -> EmbeddingTable:
    """The table with concepts spelled as in the sample where their folder is spelled a little differently."""
    folders = sorted(entry.name for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    owners = {concept_of_folder(name): concept for name, concept in match_folders(folder, folders, concepts).items()}
    frame = table.frame.with_columns(pl.col("concept").replace(owners))
    return EmbeddingTable(table.identity, frame, table.vectors, table.licence)


def usable_references(reference: EmbeddingTable, concept: str) -> pl.Series:
    """Rows of the table with a concept's different references that have a vector, by digest."""
    own = reference.frame.with_row_index("row").filter((pl.col("concept") == concept) & pl.col("reason").is_null())
    return own.unique("sha256", keep="first", maintain_order=True).sort("sha256")["row"]


def draw_references(reference: EmbeddingTable, concept: str, number: int | None) -> Vectors:
    """``number`` of a concept's references, those of smallest digest; all where None or where there are fewer."""
    rows = usable_references(reference, concept)
    wanted = number or len(rows)
    if len(rows) < wanted:
        log(f"'{concept}' has {len(rows)} references, its cut-off was measured with {wanted}: expect other error rates")
    drawn: Vectors = reference.vectors[rows[:wanted].to_numpy()]
    return drawn
