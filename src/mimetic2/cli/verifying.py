"""Which embedder verifies and by which cut-off, from the options that `verify` and `captionless` share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from mimetic2.cli.embedder_options import chosen

if TYPE_CHECKING:
    from mimetic2.counting.filtering import Filter
    from mimetic2.domains import Cutoff
    from mimetic2.embedding import Embedder

Domain = Annotated[str | None, typer.Option(help="Domain, or its YAML file, that holds the cut-off.")]
CutoffFile = Annotated[
    str | None,
    typer.Option(
        help="Cut-off that `calibrate` wrote, or NAME@SHA256 (a published one of the domain, for your weights)."
    ),
]
EmbedderName = Annotated[str | None, typer.Option(help="Embedder (default: the cut-off's or the domain's).")]
FilterWeights = Annotated[
    str | None, typer.Option(help="Ask the domain's filter first, with these weights: a folder or a hub id.")
]
FilterCutoff = Annotated[
    str | None, typer.Option(help="The filter's cut-off: a file of `calibrate --filter`, or NAME@SHA256.")
]


class Verifier(NamedTuple):
    """What verifies: an embedder, its cut-off, the filter before it, and what the output has to say about these."""

    embedder: Embedder
    cutoff: Cutoff
    kind: Filter | None
    warnings: list[str]


def verifier(
    domain: str | None,
    cutoff: str | None,
    embedder: str | None,
    weights: str | None,
    *,
    device: str | None,
    allow_download: bool,
    filter_weights: str | None = None,
    filter_cutoff: str | None = None,
) -> Verifier:
    """The embedder and a cut-off that was measured on it.

    Raises `InputError` where neither a domain nor a cut-off is named, and for a cut-off of another embedder.
    """
    from mimetic2.counting.cutoffs import choose_cutoff
    from mimetic2.counting.verification import cutoff_for
    from mimetic2.domains import load_domain, vouched
    from mimetic2.errors import InputError
    from mimetic2.progress import log

    if domain is None and cutoff is None:
        problem = "neither --cutoff nor --domain: a cut-off is for one kind of concept"
        raise InputError(problem, accepted="--cutoff FILE of `calibrate`, or --domain with a domain's name or file")
    about = load_domain(domain) if domain is not None else None
    measured = choose_cutoff(cutoff, about) if cutoff is not None else None
    name = embedder or (measured.embedder if measured is not None else about.embedder if about is not None else "")
    tool = chosen(name, weights, device=device, allow_download=allow_download)
    kind = named_filter(domain, filter_weights, filter_cutoff, device=device, allow_download=allow_download)
    warnings = [*vouched(cutoff, "the cut-off"), *vouched(filter_cutoff, "the filter's cut-off")]
    for text in warnings:
        log(text)
    return Verifier(tool, cutoff_for(tool, domain=about, cutoff=measured, kind=kind), kind, warnings)


def named_filter(
    domain: str | None, weights: str | None, cutoff: str | None, *, device: str | None, allow_download: bool
) -> Filter | None:
    """The domain's filter with the weights and the cut-off named; None where neither is."""
    from mimetic2.counting.cutoffs import choose_cutoff
    from mimetic2.counting.filtering import asked_filter, filter_of
    from mimetic2.domains import load_domain
    from mimetic2.errors import InputError

    if weights is None and cutoff is None:
        return None
    if domain is None:
        raise InputError("a filter belongs to a domain", accepted="--domain with a domain's name or file")
    about = load_domain(domain)
    tool = chosen(asked_filter(about).embedder, weights, device=device, allow_download=allow_download)
    return filter_of(about, tool, choose_cutoff(cutoff, about, text=True) if cutoff is not None else None)
