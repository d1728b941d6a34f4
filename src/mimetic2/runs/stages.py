"""The stages of a study, in order. Each only calls the room that does the work; files are their only connection."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from mimetic2.concepts import Concept, read_concepts
from mimetic2.domains import load_domain
from mimetic2.errors import InputError
from mimetic2.files import write_json
from mimetic2.runs.choices import embedder_name, embedder_options, generated_folder, prompts_of, warnings_of
from mimetic2.runs.stage import Outcome
from mimetic2.study import Study, caption_files
from mimetic2.tables import names, numbers, read_table, write_table

COUNTS, SCORES, THRESHOLD, REPORT = "counts.csv", "scores.csv", "threshold.json", "report.html"
CONCEPTS = "count/concepts.csv"
READOUTS: dict[str, tuple[str, ...]] = {
    "mean": (),
    "csls": ("scores are CSLS (mean cosine corrected for nearness to everybody), not the mean cosine",),
    "scaled": ("scores are scaled, 0 for anybody's images and 1 for real ones; they are not the mean cosine",),
}
"""What a score that is not the default makes every output say."""
MENTIONS, SAMPLE = "count/mentions.csv", "count/mentions.sample.parquet"
GENERATED, REFERENCE = "embed/generated.parquet", "embed/reference.parquet"


def count(study: Study, run: Path) -> Outcome:
    """The concept list, and either the given counts or the mentions in the captions."""
    concepts = _listed(study)
    kept = [concept for concept in concepts if not concept.minor]
    excluded = {"under age": len(concepts) - len(kept)} if len(kept) < len(concepts) else {}
    write_table(run / CONCEPTS, _concept_table(kept))
    if study.captions is None:
        frame, warnings = _given_counts(study, kept)
        write_table(run / COUNTS, frame)
        return Outcome(f"{frame.height} concepts with counts as given", warnings, excluded)
    from mimetic2.counting.counts import count_captions

    table = count_captions(study.captions, kept, out=run / MENTIONS, sample=study.sample, seed=study.seed)
    found = int(table["mentions"].sum())
    return Outcome(f"{found:,} mentions of {len(kept)} concepts in {len(caption_files(study))} files", (), excluded)


def _listed(study: Study) -> list[Concept]:
    if study.concepts is not None:
        return read_concepts(study.concepts)
    if study.counts is None:
        raise InputError("the study has neither 'concepts' nor 'counts'")
    return read_concepts(study.counts)


def _concept_table(concepts: Sequence[Concept]) -> pl.DataFrame:
    rows = [("|".join(concept.aliases), concept) for concept in concepts]
    return pl.DataFrame(
        [(c.name, aliases, c.group, c.control, c.notes) for aliases, c in rows],
        schema={
            "concept": pl.String,
            "aliases": pl.String,
            "group": pl.String,
            "control": pl.Boolean,
            "notes": pl.String,
        },
        orient="row",
    )


def _given_counts(study: Study, concepts: Sequence[Concept]) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """The rows of the user's table for the listed concepts, as they stand; rows of others are left out and said so."""
    path = study.counts
    if path is None:
        raise InputError("the study has no 'counts'")
    frame = read_table(path, ["concept", "count"])
    listed = {concept.name for concept in concepts}
    rows = names(frame, file=path)
    missing = _missing_allowed(frame)
    for column in ("count", "count_low", "count_high"):
        if column in frame.columns:
            numbers(frame, column, file=path, minimum=0, missing=missing or column != "count")
    others = [name for name in rows if name not in listed]
    without = sorted(listed - set(rows))
    if without:
        raise InputError(f"has no row for the concept '{without[0]}'", file=path, accepted="a count for every concept")
    keep = frame.with_columns(pl.Series("concept", rows)).filter(pl.col("concept").is_in(list(listed)))
    minors = {concept.name for concept in _listed(study) if concept.minor}
    unlisted = [name for name in others if name not in minors]
    warning = f"{len(unlisted)} rows of {path.name} name no listed concept and were left out"
    return keep, (warning,) if unlisted else ()


def _missing_allowed(frame: pl.DataFrame) -> bool:
    return "status" in frame.columns and "missing" in frame["status"].to_list()


def verify(study: Study, run: Path) -> Outcome:
    """Fetch the sampled rows' images, compare them with the references, and scale the mentions to counts."""
    from mimetic2.counting.effective import effective_counts
    from mimetic2.counting.fetching import source_of
    from mimetic2.counting.verification import verify_sample
    from mimetic2.embedding import get_embedder

    domain = load_domain(study.domain)
    embedder = get_embedder(embedder_name(study), study.embedder_weights)
    verified = verify_sample(
        read_table(run / SAMPLE),
        source_of(study.images_of_captions),
        embedder,
        study.reference,
        domain=domain,
        out=run / "verify" / "vectors",
    )
    write_table(run / "verify" / "verified.parquet", verified)
    mentions = read_table(run / MENTIONS)
    mentions = mentions.with_columns(pl.col("mentions").cast(pl.Int64))
    counts = effective_counts(mentions, verified, level=study.level, seed=study.seed)
    write_table(run / COUNTS, counts)
    statuses = Counter(counts["status"].to_list())
    excluded = {"no image could be fetched": statuses["missing"]} if statuses["missing"] else {}
    alive, shown = int(verified["alive"].sum()), int((verified["alive"] & verified["verified"]).sum())
    return Outcome(f"{verified.height:,} images sampled, {alive:,} alive, {shown:,} verified", (), excluded)


def generate(study: Study, run: Path) -> Outcome:
    """Images by the study's model."""
    from mimetic2.generation import Sampling, generate_images

    if study.model is None:
        raise InputError("the study has no 'model'")
    defaults = load_domain(study.domain).generation_defaults
    table = generate_images(
        study.model,
        read_concepts(run / CONCEPTS),
        prompts_of(study),
        run / "generate",
        images=study.images,
        seed=study.seed,
        batch_size=study.batch_size,
        sampling=Sampling(steps=defaults.steps, guidance=defaults.guidance),
    )
    lost = Counter(reason for reason in table["reason"].to_list() if reason)
    return Outcome(f"{table.height - lost.total():,} images of {table['concept'].n_unique()} concepts", (), dict(lost))


def embed(study: Study, run: Path) -> Outcome:
    """Vectors of the generated and of the reference images."""
    from mimetic2.embedding import embed_images, find_images, get_embedder

    embedder = get_embedder(embedder_name(study), study.embedder_weights, **embedder_options(study))
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

    counts = read_table(run / COUNTS)
    result = score_concepts(
        EmbeddingTable.load(run / GENERATED),
        EmbeddingTable.load(run / REFERENCE),
        counts=counts,
        concepts=read_concepts(run / CONCEPTS),
        references=study.references,
        seed=study.seed,
        exclude_unfit=study.exclude_unfit,
        readout=study.readout,
    )
    result.save_run(run)
    lost = Counter(reason for reason in result.table["excluded"].to_list() if reason)
    ranked = [value for value in result.table["identified"].to_list() if value is not None]
    summary = f"{result.table.height - lost.total()} concepts scored, {sum(ranked)} of {len(ranked)} identified"
    return Outcome(summary, READOUTS[study.readout], dict(lost))


def threshold(study: Study, run: Path) -> Outcome:
    """The verdict and its numbers."""
    from mimetic2.threshold import threshold_of

    result = threshold_of(
        run / SCORES, method=study.procedure, penalty=study.penalty, level=study.level, seed=study.seed
    )
    warnings = tuple(dict.fromkeys((*warnings_of(study), *result.warnings)))
    result = dataclasses.replace(result, warnings=warnings)
    write_json(run / THRESHOLD, result.to_dict())
    return Outcome(result.sentence, result.warnings, result.excluded)


def report(study: Study, run: Path) -> Outcome:
    """The page."""
    from mimetic2.report import write_report

    return Outcome(f"written to {write_report(run).name}")
