"""The stages after the counts, in order. Each only calls the room that does the work; files alone connect them."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mimetic2.concepts import Concept, read_concepts
from mimetic2.errors import InputError
from mimetic2.files import write_json
from mimetic2.planning.deciding import Deciding, per_prompt
from mimetic2.runs.choices import (
    counts_faces,
    embedder_of,
    generated_folder,
    generating,
    prompts_of,
    sampling_of,
    scoring_of,
)
from mimetic2.runs.deviations import deviation_warning, find_deviations
from mimetic2.runs.places import (
    CONCEPTS,
    COUNTS,
    DEVIATIONS,
    GENERATED,
    REFERENCE,
    SCORES,
    THRESHOLD,
    TRAINING,
)
from mimetic2.runs.stage import Outcome
from mimetic2.study import Adaptive, Study
from mimetic2.tables import read_table

if TYPE_CHECKING:
    from mimetic2.embedding import EmbeddingTable

READOUTS: dict[str, tuple[str, ...]] = {
    "mean": (),
    "csls": ("scores are CSLS (mean cosine corrected for nearness to everybody), not the mean cosine",),
    "scaled": ("scores are scaled, 0 for anybody's images and 1 for real ones; they are not the mean cosine",),
}
"""What a score that is not the default makes every output say."""


def generate(study: Study, run: Path) -> Outcome:
    """Images by the study's model."""
    from mimetic2.generation import generate_images
    from mimetic2.generation.images import recorded_warnings
    from mimetic2.generation.presets import UNKNOWN_TRAINING

    if study.model is None:
        raise InputError("the study has no 'model'")
    concepts = read_concepts(run / CONCEPTS)
    table = generate_images(
        study.model,
        concepts,
        prompts_of(study),
        run / "generate",
        images=study.images,
        seed=study.seed,
        batch_size=study.batch_size,
        sampling=sampling_of(study),
        then=None if study.adaptive is None else _deciding(study, study.adaptive, concepts, run),
        only=True,
        allow_download=study.allow_download,
        **generating(study).arguments(),
    )
    lost = Counter(reason for reason in table["reason"].to_list() if reason)
    said = recorded_warnings(run / "generate")
    said = [warning for warning in said if warning != UNKNOWN_TRAINING]  # the study knows, or warns for itself
    summary = f"{table.height - lost.total():,} images of {table['concept'].n_unique()} concepts"
    if study.adaptive is not None:
        summary += f", {per_prompt(table)} a prompt"
    return Outcome(summary, tuple(said), dict(lost))


def _deciding(study: Study, adaptive: Adaptive, concepts: Sequence[Concept], run: Path) -> Deciding:
    """Vectors go to the cache of the embedding stage, which finds them there."""
    cache = run / "embed" / ".cache"
    cache.parent.mkdir(mode=0o700, exist_ok=True)
    return Deciding(
        folder=run / "generate",
        concepts=concepts,
        counts=run / COUNTS,
        reference=study.reference,
        embedder=embedder_of(study),
        first=study.images,
        most=adaptive.most,
        budget=adaptive.budget,
        cache=cache,
        **scoring_of(study),
    )


def embed(study: Study, run: Path) -> Outcome:
    """Vectors of the generated and of the reference images."""
    from mimetic2.embedding import embed_images, find_images

    embedder = embedder_of(study)
    concepts = [concept.name for concept in read_concepts(run / CONCEPTS)]
    (run / "embed").chmod(0o700)
    lost: Counter[str] = Counter()
    sizes = []
    for root, target in ((study.reference, REFERENCE), (generated_folder(study, run), GENERATED)):
        table = embed_images(
            find_images(root, concepts), embedder, run / "embed" / ".cache", label=f"embed {root.name}"
        )
        table.save(run / target)
        sizes.append(int(table.usable.sum()))
        kind = Path(target).stem
        lost.update(f"{kind} image: {reason}" for reason in table.frame["reason"].to_list() if reason)
    left_out = sum(lost.values())
    summary = f"{sizes[0]:,} reference and {sizes[1]:,} generated images, {left_out:,} without a vector"
    return Outcome(summary, (), dict(lost))


def score(study: Study, run: Path) -> Outcome:
    """How far each concept's generated images resemble its references, and what anybody's would."""
    from mimetic2.embedding import EmbeddingTable
    from mimetic2.scoring import score_concepts

    if study.procedure == "paper":
        return _paper_score(study, run)
    result = score_concepts(
        EmbeddingTable.load(run / GENERATED),
        EmbeddingTable.load(run / REFERENCE),
        counts=read_table(run / COUNTS),
        concepts=read_concepts(run / CONCEPTS),
        training=_training(run),
        **scoring_of(study),
    )
    result.save_run(run)
    lost = Counter(reason for reason in result.table["excluded"].to_list() if reason)
    ranked = [value for value in result.table["identified"].to_list() if value is not None]
    summary = f"{result.table.height - lost.total()} concepts scored, {sum(ranked)} of {len(ranked)} identified"
    return Outcome(summary, (*READOUTS[study.readout], *_copies(result.memorised)), dict(lost))


def _training(run: Path) -> EmbeddingTable | None:
    """Vectors of the verified training images, where captions were counted."""
    from mimetic2.embedding import EmbeddingTable

    return EmbeddingTable.load(run / TRAINING) if (run / TRAINING).is_file() else None


def _paper_score(study: Study, run: Path) -> Outcome:
    from mimetic2.embedding import EmbeddingTable
    from mimetic2.scoring.paper import ART, FACES, paper_scores

    result = paper_scores(
        EmbeddingTable.load(run / GENERATED),
        EmbeddingTable.load(run / REFERENCE),
        _training(run),
        rules=FACES if counts_faces(study) else ART,
        counts=read_table(run / COUNTS),
        concepts=read_concepts(run / CONCEPTS),
    )
    result.save_run(run)
    lost = Counter(reason for reason in result.table["excluded"].to_list() if reason)
    kinds = ", ".join(f"{number} with {kind} images" for kind, number in result.to_dict()["compared_with"].items())
    summary = f"{result.table.height - lost.total()} concepts scored: {kinds or 'none'}"
    return Outcome(summary, _copies(result.memorised), dict(lost))


def _copies(memorised: Mapping[str, Any]) -> tuple[str, ...]:
    """What generated images that nearly equal a real one make every output say."""
    number = memorised["picture"]
    text = f"{number} generated images nearly equal a real one: copies, which score high without imitating"
    return (text,) if number else ()


def threshold(study: Study, run: Path) -> Outcome:
    """The verdict and its numbers."""
    from mimetic2.threshold import threshold_of

    result = threshold_of(
        run / SCORES, method=study.procedure, penalty=study.penalty, level=study.level, seed=study.seed
    )
    deviations = find_deviations(study, run, result.paper)
    write_json(run / DEVIATIONS, [dataclasses.asdict(each) for each in deviations])
    said = (deviation_warning(deviations),) if study.procedure == "paper" else ()
    warnings = tuple(dict.fromkeys((*study.warnings, *said, *result.warnings)))
    result = dataclasses.replace(result, warnings=warnings)
    write_json(run / THRESHOLD, result.to_dict())
    return Outcome(result.sentence, result.warnings, result.excluded)


def report(study: Study, run: Path) -> Outcome:
    """The page."""
    from mimetic2.report import write_report

    return Outcome(f"written to {write_report(run).name}")
