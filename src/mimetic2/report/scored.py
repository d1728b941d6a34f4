"""What the page says about the scoring: prompts, fitness of the embedder, copies, departures from the paper."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mimetic2.errors import InputError
from mimetic2.report.contents import Contents
from mimetic2.report.labels import Labels
from mimetic2.report.numerals import count, decimal
from mimetic2.tables import booleans, numbers, read_table

SUMMARY, DEVIATIONS = "score/summary.json", "threshold/deviations.json"
EFFECTS, FITNESS = "score/prompt_effects.csv", "score/fitness.csv"
KINDS = {"reference": "reference images", "training": "verified training images of the sample"}
STAGES = {"count": "Counting", "generate": "Generating", "score": "Scoring", "threshold": "Threshold"}


@dataclass(frozen=True)
class Effect:
    """A prompt, how far it lifts scores above the mean over prompts, with interval."""

    prompt: str
    effect: str
    ends: str


@dataclass(frozen=True)
class Fitness:
    """How well the embedder tells the concepts' real references apart."""

    concepts: int
    not_separated: int
    unknown: int
    rank1: float | None
    gap: float | None


@dataclass(frozen=True)
class Copies:
    """Generated images that nearly equal a real one; ``against`` says what they were compared with, in words."""

    generated: int
    against: str
    picture: int
    vector: int
    concepts: int
    training: bool


@dataclass(frozen=True)
class Departures:
    """A stage and, for each point, its number, what the paper does, what was done here."""

    stage: str
    points: list[tuple[str, str, str]]


def scored_values(contents: Contents, labels: Labels) -> dict[str, Any]:
    """The values of the template `scoring.html.j2`; empty parts where the run has no such file."""
    return {
        "effects": _effects(contents, labels),
        "fitness": _fitness(contents.run / FITNESS),
        "copies": _copies(contents.run / SUMMARY),
        "departures": _departures(contents.run / DEVIATIONS, labels),
        "procedure": contents.threshold.get("method") or "robust",
    }


def _effects(contents: Contents, labels: Labels) -> list[Effect]:
    path = contents.run / EFFECTS
    if not path.is_file():
        return []
    frame = read_table(path, ["prompt", "effect", "effect_low", "effect_high"])
    columns = [numbers(frame, name, file=path) for name in ("effect", "effect_low", "effect_high")]
    texts = _prompt_texts(contents)
    return [
        Effect(labels.mask(texts.get(prompt, prompt)), _signed(value), f"{_signed(low)} to {_signed(high)}")
        for prompt, value, low, high in zip(frame["prompt"].to_list(), *columns, strict=True)
    ]


def _signed(value: float | None) -> str:
    return decimal(value) if value is None or value < 0 else f"+{decimal(value)}"


def _prompt_texts(contents: Contents) -> dict[str, str]:
    """What the numbered folders of prompts stand for, where the run made the images itself."""
    if not contents.study.get("model"):
        return {}
    from mimetic2.domains import load_domain, read_prompts

    given = contents.study.get("prompts")
    if given and len(given) == 1 and (contents.run / given[0]).is_file():
        given = read_prompts(contents.run / given[0])
    if not given:
        domain = load_domain(contents.study["domain"])
        given = domain.prompts_for(prompt_bug=bool(contents.study.get("prompt_bug")))
    return {str(number): text.replace("{concept}", "…") for number, text in enumerate(given)}


def _fitness(path: Path) -> Fitness | None:
    if not path.is_file():
        return None
    frame = read_table(path, ["gap", "rank1", "not_separated"])
    gaps, ranks = (
        [value for value in numbers(frame, name, file=path, missing=True) if value is not None]
        for name in ("gap", "rank1")
    )
    flagged = booleans(frame, "not_separated", file=path)
    return Fitness(
        concepts=frame.height,
        not_separated=sum(bool(flag) for flag in flagged),
        unknown=frame.height - len(gaps),
        rank1=sum(ranks) / len(ranks) if ranks else None,
        gap=sorted(gaps)[len(gaps) // 2] if gaps else None,
    )


def _copies(path: Path) -> Copies | None:
    summary = _read(path)
    found = summary.get("memorised") if isinstance(summary, dict) else None
    if not isinstance(found, dict):
        return None
    real = found["real"]
    against = " and ".join(f"{count(number)} {KINDS.get(kind, kind)}" for kind, number in real.items())
    numbers_of = {key: int(found[key]) for key in ("generated", "picture", "vector", "concepts")}
    return Copies(**numbers_of, against=against, training="training" in real)


def _departures(path: Path, labels: Labels) -> list[Departures]:
    found = _read(path)
    by_stage: dict[str, list[tuple[str, str, str]]] = {}
    for each in found if isinstance(found, list) else ():
        point = (str(each["number"]), str(each["paper"]), labels.mask(str(each["here"])))
        by_stage.setdefault(str(each["stage"]), []).append(point)
    return [Departures(STAGES.get(stage, stage), points) for stage, points in by_stage.items()]


def _read(path: Path) -> Any:
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"is not JSON ({error})", file=path) from error
