"""What a run did, as far as it bears on how the paper would have done it; read from the study and the run's tables."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from mimetic2.concepts import read_concepts
from mimetic2.domains import TEXT_COSINE, load_domain, published_choice
from mimetic2.runs.choices import embedder_name, generating, prompts_of, sampling_of
from mimetic2.runs.places import CONCEPTS, COUNTS, GENERATION, PROMPT_SCORES, SCORES, SUMMARY, VERIFIED
from mimetic2.study import PAPER_DEFAULTS, Study
from mimetic2.tables import read_table

PAPER_MODELS = {f"sd-{version}" for version in ("1.1", "1.2", "1.3", "1.4", "1.5", "2.1")}
PAPER_SETTINGS = (50, 7.5)
PAPER_COMPUTING = {True: ("DPMSolverMultistepScheduler", "float16"), False: ("PNDMScheduler", "float32")}
"""Sampler and precision of the released code: for version 2.1, and for all others."""
PAPER_EMBEDDERS = {True: "arcface-onnx", False: "csd"}
"""The embedder here that describes as the paper's does: faces, and art."""


@dataclass(frozen=True)
class Facts:
    """See the fields; ``faces``: the domain is one of faces;

    ``filtered``: how the filter decided, empty without. Numbers of concepts unless said otherwise.
    """

    paper: bool
    faces: bool
    counted: bool
    fetched: bool
    training_data: str
    training_data_of_paper: bool
    rescaled: bool
    concepts: int
    with_aliases: int
    sampled_less: int
    sample: int
    without_images: int
    face_units: bool
    cutoff: str
    filtered: str
    model: str | None
    model_of_paper: bool
    prompts: int
    prompts_of_paper: bool
    prompt_bug: bool
    images: tuple[int, int]
    settings: str
    computing: str
    adaptive: bool
    unusable: dict[str, int]
    embedder: str
    embedder_of_paper: bool
    face_rule: str
    centred: bool
    readout: str
    references: int
    unscored: int
    penalty: float
    tied: int


def gather(study: Study, run: Path, tied: int) -> Facts:
    """The facts of a run whose scores are written; ``tied`` concepts share their count with others."""
    summary = json.loads((run / SUMMARY).read_text(encoding="utf-8"))
    identity, domain = summary["embedder"], load_domain(study.domain)
    faces = domain.exactly_one_face
    concepts = read_concepts(run / CONCEPTS)
    counted = study.captions is not None
    verified = read_table(run / VERIFIED) if counted else None
    scores = read_table(run / SCORES)
    prompts = read_table(run / PROMPT_SCORES)
    return Facts(
        paper=study.procedure == "paper",
        faces=faces,
        counted=counted,
        fetched=study.fetch is not None,
        training_data=_data(study) or "data that the study does not name",
        training_data_of_paper="laion" in _data(study).casefold(),
        rescaled=counted and study.model == "sd-2.1",
        concepts=len(concepts),
        with_aliases=sum(bool(concept.aliases) for concept in concepts),
        sampled_less=_sampled_less(run) if counted else 0,
        sample=study.sample,
        without_images=_missing(run) if counted else 0,
        face_units=verified is not None and "matches" in verified.columns,
        cutoff=_cutoff(study) if counted else "",
        filtered=_filtered(study),
        model=study.model,
        model_of_paper=study.model in PAPER_MODELS,
        prompts=prompts["prompt"].n_unique(),
        prompts_of_paper=study.model is not None and _of_paper(prompts_of(study), faces, study.prompt_bug),
        prompt_bug=study.prompt_bug,
        images=_images(prompts),
        settings=_settings(study) if study.model is not None else "",
        computing=_computing(study, run) if study.model is not None else "",
        adaptive=study.adaptive is not None,
        unusable=_unusable(run) if study.model is not None else {},
        embedder=f"{identity['name']} {identity['version']}",
        embedder_of_paper=embedder_name(study) == PAPER_EMBEDDERS[faces],
        face_rule=identity["options"].removeprefix("faces=") if "faces=" in identity["options"] else "",
        centred=identity["centred"],
        readout=study.readout,
        references=study.references,
        unscored=scores.filter(pl.col("score") == "").height,
        penalty=study.penalty,
        tied=tied,
    )


def _sampled_less(run: Path) -> int:
    """Concepts of which fewer rows were looked at than the paper would have downloaded."""
    counts = read_table(run / COUNTS)
    mentions, sampled = (counts[name].cast(pl.Int64) for name in ("mentions", "sampled"))
    return int((sampled < mentions.clip(upper_bound=PAPER_DEFAULTS["sample"])).sum())


def _missing(run: Path) -> int:
    return read_table(run / COUNTS).filter(pl.col("status") == "missing").height


def _cutoff(study: Study) -> str:
    if isinstance(study.cutoff, Path):
        return f"the cut-off of {study.cutoff.name}"
    name = embedder_name(study)
    if (published := published_choice(study.cutoff)) is not None:
        return f"the published cut-off '{published[0]}' for {name} with weights {published[1][:12]}…"
    values = [
        cutoff.value
        for cutoff in load_domain(study.domain).cutoffs
        if cutoff.embedder == name and cutoff.weights_sha256 is not None and cutoff.statistic != TEXT_COSINE
    ]
    return f"{', '.join(f'{value:g}' for value in values)} for {name}"


def _filtered(study: Study) -> str:
    """Empty without a filter; with the published cut-off on weights that the user vouches for, what the paper did."""
    asked = load_domain(study.domain).filter
    if study.filter is None or asked is None:
        return ""
    if (published := published_choice(study.filter.cutoff)) is not None:
        where = f"the published cut-off '{published[0]}', weights {published[1][:12]}… on the user's word"
    else:
        where = f"the cut-off of {study.filter.cutoff.name}" if isinstance(study.filter.cutoff, Path) else "its own"
    return f"the filter '{asked.text}' by {asked.embedder}, {where}"


def _of_paper(prompts: tuple[str, ...], faces: bool, bug: bool) -> bool:
    return prompts == load_domain("faces" if faces else "art-style").prompts_for(prompt_bug=bug)


def _settings(study: Study) -> str:
    """What is not as in the paper: steps and guidance (the study's, else the domain's or the preset's), and more."""
    from mimetic2.generation.presets import presets

    chosen, sampling, preset = generating(study), sampling_of(study), presets().get(study.model or "")
    steps = sampling.steps if sampling.steps is not None or preset is None else preset.steps
    guidance = sampling.guidance if sampling.guidance is not None or preset is None else preset.guidance
    said = f"{steps} steps, guidance {guidance:g}" if steps and guidance is not None else "the model's own settings"
    further = {
        "a negative prompt": sampling.negative_prompt,
        f"{chosen.size} pixels": chosen.size,
        "the safety checker": sampling.safety_checker,
        "a LoRA adapter": chosen.lora,
    }
    more = [words for words, is_so in further.items() if is_so]
    return ", ".join([*([said] if (steps, guidance) != PAPER_SETTINGS else []), *more])


def _data(study: Study) -> str:
    return (study.training_data.name if study.training_data else None) or ""


def _computing(study: Study, run: Path) -> str:
    """Sampler and precision where they are known and not the paper's."""
    made_with = json.loads((run / GENERATION).read_text(encoding="utf-8"))["made_with"]
    here = (made_with.get("sampler"), made_with.get("precision"))
    return "" if None in here or here == PAPER_COMPUTING[study.model == "sd-2.1"] else ", ".join(here)


def _images(prompts: pl.DataFrame) -> tuple[int, int]:
    """Fewest and most images of a concept and prompt, unusable ones included."""
    made: Any = prompts["n_generated"].cast(pl.Int64) + prompts["n_excluded"].cast(pl.Int64)
    return (int(made.min()), int(made.max())) if len(made) else (0, 0)


def _unusable(run: Path) -> dict[str, int]:
    table = read_table(run / "generate" / "images.csv", ["reason"])
    return dict(sorted(Counter(reason for reason in table["reason"] if reason).items()))
