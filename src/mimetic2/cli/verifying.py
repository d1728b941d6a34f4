"""Which embedder verifies and by which cut-off, from the options that `verify` and `captionless` share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mimetic2.cli.embedder_options import chosen

if TYPE_CHECKING:
    from mimetic2.domains import Cutoff
    from mimetic2.embedding import Embedder

Domain = Annotated[str | None, typer.Option(help="Domain, or its YAML file, that holds the cut-off.")]
CutoffFile = Annotated[Path | None, typer.Option(help="Cut-off that `calibrate` wrote, instead of the domain's.")]
EmbedderName = Annotated[str | None, typer.Option(help="Embedder (default: the cut-off's or the domain's).")]


def verifier(
    domain: str | None,
    cutoff: Path | None,
    embedder: str | None,
    weights: str | None,
    *,
    device: str | None,
    allow_download: bool,
) -> tuple[Embedder, Cutoff]:
    """The embedder and a cut-off that was measured on it.

    Raises `InputError` where neither a domain nor a cut-off is named, and for a cut-off of another embedder.
    """
    from mimetic2.counting.cutoffs import read_cutoff
    from mimetic2.counting.verification import cutoff_for
    from mimetic2.domains import load_domain
    from mimetic2.errors import InputError

    if domain is None and cutoff is None:
        problem = "neither --cutoff nor --domain: a cut-off is for one kind of concept"
        raise InputError(problem, accepted="--cutoff FILE of `calibrate`, or --domain with a domain's name or file")
    measured = read_cutoff(cutoff) if cutoff is not None else None
    about = load_domain(domain) if domain is not None else None
    name = embedder or (measured.embedder if measured is not None else about.embedder if about is not None else "")
    tool = chosen(name, weights, device=device, allow_download=allow_download)
    return tool, cutoff_for(tool, domain=about, cutoff=measured)
