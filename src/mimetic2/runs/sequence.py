"""The sequence of stages: what of a study each depends on, which files it reads, which results it leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mimetic2.generation.prompts import ALIAS
from mimetic2.runs.choices import (
    counts_faces,
    embedder_files,
    embedder_name,
    embedder_options,
    generated_folder,
    generating,
    model_files,
    prompts_of,
    remote_captions,
    sampling_of,
    scoring_of,
    verifying_files,
    verifying_options,
)
from mimetic2.runs.counting import count, fetch, verify
from mimetic2.runs.places import (
    CONCEPTS,
    COUNTS,
    DEVIATIONS,
    DOMAIN,
    FETCHED,
    FUNNEL,
    GENERATED,
    MENTIONS,
    PROMPT_SCORES,
    REFERENCE,
    REPORT,
    SAMPLE,
    SCORES,
    SUMMARY,
    THRESHOLD,
    TRAINING,
    UNNAMED,
)
from mimetic2.runs.stage import Stage
from mimetic2.runs.stages import embed, generate, report, score, threshold
from mimetic2.study import DOMAIN_FILES, Study, caption_files


def _optional(**paths: Path | None) -> dict[str, Path | Sequence[Path]]:
    return {name: path for name, path in paths.items() if path is not None}


def _embedding_options(study: Study) -> dict[str, Any]:
    return {"embedder": embedder_name(study), **embedder_options(study)}


def _generate_options(study: Study) -> dict[str, Any]:
    sampling = sampling_of(study)
    chosen = {key: getattr(study, key) for key in ("model", "images", "seed", "batch_size")}
    chosen |= {"prompts": prompts_of(study), **generating(study).identity()}
    chosen |= {"steps": sampling.steps, "guidance": sampling.guidance}
    if study.adaptive is not None:  # what the first images' scores depend on
        chosen |= {"adaptive": study.adaptive.model_dump()} | _deciding_options(study)
    return chosen


def _deciding_options(study: Study) -> dict[str, Any]:
    return _embedding_options(study) | _score_options(study)


def _score_options(study: Study) -> dict[str, Any]:
    return scoring_of(study) | {"procedure": study.procedure, "faces": counts_faces(study)}


def _generate_inputs(study: Study, run: Path) -> dict[str, Path | Sequence[Path]]:
    files: dict[str, Path | Sequence[Path]] = {CONCEPTS: run / CONCEPTS, **model_files(study)}
    return files | (_deciding_files(study, run) if study.adaptive is not None else {})


def _deciding_files(study: Study, run: Path) -> dict[str, Path | Sequence[Path]]:
    return {COUNTS: run / COUNTS, **_optional(reference=study.reference), **embedder_files(study)}


def _images_stay(study: Study, before: Mapping[str, Any], need: Mapping[str, Any]) -> bool:
    """Whether each image would be made as it was: only which concepts there are, or how many images, has changed.

    Where prompts use aliases, the concepts' table may have changed what they say.
    """
    if any(ALIAS in prompt for prompt in prompts_of(study)):
        return False
    which = {"adaptive", *_deciding_options(study)} - {"seed"}
    files = {CONCEPTS, *_deciding_files(study, Path())}

    def made_from(state: Mapping[str, Any]) -> list[dict[str, Any]]:
        kinds = ((state.get("options"), which), (state.get("inputs"), files))
        return [{name: value for name, value in dict(given or {}).items() if name not in no} for given, no in kinds]

    return made_from(before) == made_from(need)


def _score_inputs(study: Study, run: Path) -> dict[str, Path | Sequence[Path]]:
    places = (CONCEPTS, COUNTS, GENERATED, REFERENCE, *((TRAINING,) if study.captions is not None else ()))
    return {path: run / path for path in places}


def _domain_options(study: Study) -> dict[str, Any]:
    return _embedding_options(study) | {
        **verifying_options(study),
        "procedure": study.procedure,
        **{key: getattr(study, key) for key in ("level", "seed", "correct")},
    }


def _images_of_captions(study: Study, run: Path) -> dict[str, Path | Sequence[Path]]:
    """The user's folder; of what was fetched here the tables alone, since they name images by digest."""
    if study.fetch is not None:
        return {"images": sorted((run / FETCHED).glob("*.parquet"))}
    return _optional(images=study.images_of_captions)


# counts.csv belongs to one stage only: to `count` where counts are given, to `verify` where captions are counted.
STAGES = (
    Stage(
        "count",
        count,
        options=lambda study: {},
        inputs=lambda study, run: _optional(counts=study.counts, concepts=study.concepts),
        results=(COUNTS,),
        wanted=lambda study: study.captions is None,
    ),
    Stage(
        "count",
        count,
        options=lambda study: {
            **{key: getattr(study, key) for key in ("sample", "seed", "text_column", "url_column", "allow_missing")},
            "aliases": study.procedure != "paper",
            "remote": remote_captions(study),
        },
        inputs=lambda study, run: {**_optional(concepts=study.concepts), "captions": caption_files(study)},
        wanted=lambda study: study.captions is not None,
        resumes=True,
    ),
    Stage(
        "fetch",
        fetch,
        options=lambda study: {"unsafe_above": study.fetch.unsafe_above if study.fetch is not None else None},
        inputs=lambda study, run: {
            **{path: run / path for path in (CONCEPTS, SAMPLE)},
            **_optional(block=study.fetch.block if study.fetch is not None else None),
        },
        wanted=lambda study: study.fetch is not None,
        resumes=True,
    ),
    Stage(
        "verify",
        verify,
        options=_domain_options,
        inputs=lambda study, run: {
            MENTIONS: run / MENTIONS,
            SAMPLE: run / SAMPLE,
            **_optional(reference=study.reference),
            **verifying_files(study),
            **_images_of_captions(study, run),
        },
        results=(COUNTS,),
        wanted=lambda study: study.captions is not None,
        resumes=True,
        revision=2,
    ),
    Stage(
        "generate",
        generate,
        options=_generate_options,
        inputs=_generate_inputs,
        wanted=lambda study: study.model is not None,
        resumes=True,
        keeps=_images_stay,
    ),
    Stage(
        "embed",
        embed,
        options=_embedding_options,
        inputs=lambda study, run: {
            CONCEPTS: run / CONCEPTS,
            "generated": generated_folder(study, run),
            **_optional(reference=study.reference),
            **embedder_files(study),
        },
        revision=2,
    ),
    Stage(
        "score",
        score,
        options=_score_options,
        inputs=_score_inputs,
        results=(SCORES,),
        revision=4,
    ),
    Stage(
        "threshold",
        threshold,
        options=lambda study: {
            **{key: getattr(study, key) for key in ("procedure", "penalty", "level", "seed")},
            "warnings": study.warnings,
        },
        inputs=lambda study, run: {path: run / path for path in (SCORES, COUNTS, SUMMARY, PROMPT_SCORES)},
        results=(THRESHOLD,),
        revision=2,
    ),
    Stage(
        "report",
        report,
        options=lambda study: {},
        inputs=lambda study, run: {
            **{path: run / path for path in ("study.yaml", COUNTS, SCORES, THRESHOLD, SUMMARY, DEVIATIONS)},
            **({FUNNEL: run / FUNNEL} if study.captions is not None else {}),
            **({DOMAIN: run / DOMAIN} if study.domain.endswith(DOMAIN_FILES) else {}),
            **_optional(unnamed=run / UNNAMED if (run / UNNAMED).is_file() else None),
        },
        results=(REPORT,),
    ),
)
