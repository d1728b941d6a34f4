"""The options of `generate` by which first images decide how many more each concept gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mimetic2.concepts import Concept
    from mimetic2.planning.deciding import Deciding


def deciding(given: dict[str, Any], concepts: Sequence[Concept]) -> Deciding | None:
    """What decides after the first images, or None without ``--most``."""
    from mimetic2.domains import load_domain
    from mimetic2.embedding import get_embedder
    from mimetic2.errors import InputError
    from mimetic2.planning.deciding import Deciding

    names = ("budget", "reference", "counts", "embedder", "embedder_weights")
    if given["most"] is None:
        first = next((name for name in names if given[name] is not None), None)
        if first is not None:
            option = f"--{first.replace('_', '-')}"
            raise InputError(f"{option} belongs to --most, images per prompt at most", accepted=f"--most N {option} …")
        return None
    missing = [f"--{name}" for name in ("reference", "counts") if given[name] is None]
    if missing:
        raise InputError(f"--most needs {' and '.join(missing)}", accepted="both: the first images are scored")
    if not 2 <= given["images"] <= given["most"]:
        problem = f"--images {given['images']} and --most {given['most']}"
        raise InputError(problem, accepted="--images from 2 (how images of a concept differ) to --most")
    if given["embedder"] is None and given["domain"] is None:
        raise InputError("--most needs an embedder", accepted="--embedder NAME, or --domain, which has one")
    name = given["embedder"] or load_domain(given["domain"]).embedder
    return Deciding(
        folder=given["out"],
        concepts=[concept for concept in concepts if not concept.minor],
        counts=given["counts"],
        reference=given["reference"],
        embedder=get_embedder(name, given["embedder_weights"]),
        first=given["images"],
        most=given["most"],
        budget=given["budget"],
        seed=given["seed"],
    )
