"""The stages from captions to counts: count, fetch, verify. Each only calls the room that does the work."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from mimetic2.concepts import Concept, folded_alike, read_concepts
from mimetic2.countstable import COVARIATE, DECIMALS, check_covariates, read_counts
from mimetic2.domains import load_domain
from mimetic2.errors import InputError
from mimetic2.files import write_json
from mimetic2.runs.choices import counts_faces, embedder_of, listed, study_cutoff, study_filter
from mimetic2.runs.places import CONCEPTS, COUNTS, FETCHED, FUNNEL, MENTIONS, SAMPLE, TRAINING, VERIFIED
from mimetic2.runs.stage import Outcome
from mimetic2.study import Study
from mimetic2.tables import ENDINGS, read_table, write_table


def count(study: Study, run: Path) -> Outcome:
    """The concept list, and either the given counts or the mentions in the captions."""
    concepts = listed(study)
    kept = [concept for concept in concepts if not concept.minor]
    excluded = {"under age": len(concepts) - len(kept)} if len(kept) < len(concepts) else {}
    write_table(run / CONCEPTS, _concept_table(kept))
    if study.captions is None:
        frame, warnings = _given_counts(study, concepts)
        write_table(run / COUNTS, _with_covariates(study, frame), decimals=DECIMALS)
        return Outcome(f"{frame.height} concepts with counts as given", warnings, excluded)
    from mimetic2.counting.counts import count_captions, summary_path

    table = count_captions(
        study.captions,
        _searched(study, kept),
        out=run / MENTIONS,
        sample=study.sample,
        seed=study.seed,
        text_column=study.text_column,
        url_column=study.url_column,
        allow_missing=study.allow_missing,
        engine=study.engine,
        address=study.address,
        workers=study.workers,
    )
    if (wider := _with_covariates(study, table)).width > table.width:
        write_table(run / MENTIONS, wider)
    said = json.loads(summary_path(run / MENTIONS).read_text(encoding="utf-8"))
    missing = (
        f"{len(said['missing'])} of {said['shards']} caption files could not be read "
        f"({said['missing_share']:.2%} of the rows); counts are of the rest, upper ends allow for them"
    )
    warnings = (missing,) if said["missing"] else ()
    warnings += tuple(f"{' and '.join(alike)} are one name to captions" for alike in folded_alike(kept))
    summary = f"{said['mentions']:,} mentions of {table.height} concepts in {said['shards']} files"
    return Outcome(summary, warnings, excluded)


def _searched(study: Study, concepts: Sequence[Concept]) -> Sequence[Concept]:
    """The paper's main result searches for full names alone."""
    return [replace(concept, aliases=()) for concept in concepts] if study.procedure == "paper" else concepts


def _with_covariates(study: Study, counts: pl.DataFrame) -> pl.DataFrame:
    """Counts with the concept list's columns ``covariate_…``: scores.csv carries them to the threshold."""
    if study.concepts is None or study.concepts.suffix not in ENDINGS:
        return counts
    listed = read_table(study.concepts)
    columns = [name for name in listed.columns if name.startswith(COVARIATE) and name not in counts.columns]
    if not columns or "concept" not in listed.columns:
        return counts
    check_covariates(listed, file=study.concepts)
    listed = listed.with_columns(pl.col("concept").str.strip_chars()).select("concept", *columns)
    return counts.join(listed, on="concept", how="left", maintain_order="left")


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
    """The user's rows of the listed concepts that are no minors, as they stand; rows of the unlisted are told."""
    path = study.counts
    if path is None:
        raise InputError("the study has no 'counts'")
    frame = read_counts(path, paper=study.procedure == "paper")
    wanted, rows = {concept.name for concept in concepts if not concept.minor}, frame["concept"].to_list()
    without = sorted(wanted - set(rows))
    if without:
        raise InputError(f"has no row for the concept '{without[0]}'", file=path, accepted="a count for every concept")
    keep = frame.filter(pl.col("concept").is_in(list(wanted)))
    known = {concept.name for concept in concepts}
    unlisted = [name for name in rows if name not in known]
    warning = f"{len(unlisted)} rows of {path.name} name no listed concept and were left out"
    return keep, (warning,) if unlisted else ()


def fetch(study: Study, run: Path) -> Outcome:
    """The sampled images, politely, into the run; what failed stays failed when the study is run again."""
    from mimetic2.counting.fetching import Blocklist, fetch_sample
    from mimetic2.counting.fetching.client import limits_of

    asked = study.fetch
    if asked is None:
        raise InputError("the study has no 'fetch'")
    limits = limits_of(**asked.model_dump(exclude={"block", "unsafe_above"}))
    fetched = fetch_sample(
        read_table(run / SAMPLE),
        run / FETCHED,
        concepts=[concept.name for concept in read_concepts(run / CONCEPTS)],
        block=Blocklist.read(asked.block) if asked.block is not None else None,
        unsafe_above=asked.unsafe_above,
        limits=limits,
    )
    failed = {reason: number for reason, number in fetched.funnel.items() if reason not in ("links", "fetched")}
    return Outcome(f"{fetched.alive:,} of {fetched.funnel['links']:,} links fetched", (), failed)


def verify(study: Study, run: Path) -> Outcome:
    """Compare the sampled rows' images with the references, and scale the mentions to counts."""
    from mimetic2.counting.correction import rates_of
    from mimetic2.counting.duplicates import with_duplicates
    from mimetic2.counting.effective import effective_counts
    from mimetic2.counting.fetching.selection import UNSAFE_ABOVE, refused_links
    from mimetic2.counting.funnel import funnel_of
    from mimetic2.counting.looking import SeesEveryFace
    from mimetic2.counting.mentions import read_mentions
    from mimetic2.counting.paper import paper_counts
    from mimetic2.counting.sources import Refusing, source_of
    from mimetic2.counting.verification import cutoff_for, verify_images

    sample = read_table(run / SAMPLE)
    folder = _images(study, run, sample)
    embedder = embedder_of(study)
    kind = study_filter(study)
    cutoff = cutoff_for(embedder, domain=load_domain(study.domain), cutoff=study_cutoff(study), kind=kind)
    rates = rates_of(cutoff, filtered=kind is not None) if study.correct else None
    faces = study.procedure == "paper" and counts_faces(study) and isinstance(embedder, SeesEveryFace)
    vectors = (run / TRAINING).parent
    unsafe_above = study.fetch.unsafe_above if study.fetch is not None else UNSAFE_ABOVE
    source = Refusing(source_of(folder), refused_links(sample, unsafe_above=unsafe_above))
    found = verify_images(
        sample, source, embedder, study.reference, cutoff=cutoff, kind=kind, out=vectors, every_face=faces
    )
    found.training.save(run / TRAINING)
    verified, mentions = found.table, read_mentions(run / MENTIONS)
    if study.procedure == "paper":
        counts = paper_counts(mentions, verified, faces=faces)
    else:
        counts = effective_counts(mentions, verified, level=study.level, rates=rates, seed=study.seed)
    counts = with_duplicates(counts, verified, mentions)
    write_table(run / VERIFIED, verified)
    write_json(run / FUNNEL, funnel_of(counts, verified))
    write_table(run / COUNTS, counts)
    statuses = Counter(counts["status"].to_list())
    excluded = {"no image could be fetched": statuses["missing"]} if statuses["missing"] else {}
    alive, shown = int(verified["alive"].sum()), int((verified["alive"] & verified["verified"]).sum())
    return Outcome(f"{verified.height:,} images sampled, {alive:,} alive, {shown:,} verified", (), excluded)


def _images(study: Study, run: Path, sample: pl.DataFrame) -> Path | None:
    """The folder of fetched images; None for links of the lab."""
    from mimetic2.counting.sources import LAB_LINK

    if study.fetch is not None:
        return run / FETCHED
    if study.images_of_captions is None and not sample["url"].str.starts_with(LAB_LINK).all():
        problem = "the captions' links lead to the web, and the study does not say where their images are"
        raise InputError(problem, accepted="'fetch: true' to fetch them, or 'images_of_captions: FOLDER'")
    return study.images_of_captions
