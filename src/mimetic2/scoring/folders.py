"""From folders of images, or vectors made of them before, to scores: what the command `score` does."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mimetic2.errors import InputError
from mimetic2.scoring.result import ScoreResult
from mimetic2.scoring.score import score_concepts

if TYPE_CHECKING:
    import polars as pl

    from mimetic2.embedding import Embedder, EmbeddingTable


def score(
    generated: str | Path,
    reference: str | Path,
    embedder: str | Embedder,
    *,
    counts: str | Path | None = None,
    concepts: str | Path | None = None,
    training: str | Path | None = None,
    cache: str | Path | None = None,
    **options: Any,
) -> ScoreResult:
    """Score how well each concept is imitated: the table of scores.csv, and the tables beside it.

    ``generated`` and ``reference`` are folders with a folder of images per concept, or Parquet files that `embed`
    wrote; ``embedder`` is a name or what :func:`get_embedder` gives; ``counts`` and ``concepts`` are tables as in a
    study; ``training`` is a folder of training images, in which copies are looked for; ``cache`` is a folder of vectors
    made before. Without ``counts`` and ``concepts`` the concepts are those of the folders, spelled as the references'
    are. ``options`` go to :func:`score_concepts`.

    Raises :class:`InputError` for missing folders, ambiguous names, malformed tables, and vectors of another embedder
    or another way of decoding than the one asked for.
    """
    from mimetic2.concepts import read_concepts
    from mimetic2.countstable import read_counts
    from mimetic2.embedding import EmbeddingTable, embed_images, get_embedder

    table = read_counts(counts) if counts is not None else None
    listed = read_concepts(concepts) if concepts is not None else None
    names = [concept.name for concept in listed] if listed is not None else None
    if names is None and table is not None:
        names = table["concept"].to_list()
    sources = [Path(source) for source in (reference, generated, *([training] if training is not None else []))]
    load = functools.cache(EmbeddingTable.load)  # a file that is asked for its names is read once all the same
    if names is None:
        names = _names_there(sources, load)
    tool = get_embedder(embedder) if isinstance(embedder, str) else embedder
    found = [_found(source, names, tool, load) for source in sources]  # all of them before the first image is opened
    folder = Path(cache) if cache is not None else None
    vectors = [
        each if isinstance(each, EmbeddingTable) else embed_images(each, tool, folder, label=f"embed {source.name}")
        for source, each in zip(sources, found, strict=True)
    ]
    real, made, *seen = vectors
    return score_concepts(made, real, counts=table, concepts=listed, training=seen[0] if seen else None, **options)


def _names_there(sources: Sequence[Path], load: Callable[[Path], EmbeddingTable]) -> list[str]:
    """The concepts that have a folder or vectors in any of the sources, each as the first source spells it."""
    from mimetic2.embedding.finding import concepts_of_folders, match_folders
    from mimetic2.files import folder_name

    names: list[str] = []
    for source in sources:
        if source.suffix == ".parquet":
            found = load(source).frame["concept"].unique(maintain_order=True).to_list()
        else:
            found = list(concepts_of_folders(source).values())
        folders = {folder_name(name): name for name in found}
        known = match_folders(source, list(folders), names)
        names += [name for folder, name in folders.items() if folder not in known]
    return names


def _found(
    source: Path, names: list[str], tool: Embedder, load: Callable[[Path], EmbeddingTable]
) -> EmbeddingTable | pl.DataFrame:
    """The vectors that a file holds, or the images that a folder does."""
    from mimetic2.embedding import find_images
    from mimetic2.embedding.base import identity_of

    if source.suffix != ".parquet":
        return find_images(source, names)
    table = load(source)
    if table.identity != identity_of(tool):
        raise InputError(f"holds vectors of {table.identity}; asked for is {identity_of(tool)}", file=source)
    return _only(table, names, source)


def _only(table: EmbeddingTable, names: list[str], source: Path) -> EmbeddingTable:
    """The rows of the concepts ``names``, by the rules for folders: others would count as rivals and in the pool."""
    from mimetic2.embedding import EmbeddingTable
    from mimetic2.embedding.finding import match_folders
    from mimetic2.files import concept_of_folder, folder_name

    folders = [folder_name(name) for name in table.frame["concept"].unique(maintain_order=True)]
    owners = {concept_of_folder(folder): name for folder, name in match_folders(source, folders, names).items()}
    kept = table.frame["concept"].is_in(list(owners))
    frame = table.frame.filter(kept).with_columns(table.frame["concept"].filter(kept).replace(owners))
    return EmbeddingTable(table.identity, frame, table.vectors[kept.to_numpy()], table.licence)
