"""Deviations follow from the facts of a run: each fact that differs from the paper's adds its point, none otherwise."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from mimetic2.runs.deviations import RULES, deviation_warning, deviations_of
from mimetic2.runs.facts import Facts

AS_THE_PAPER = Facts(
    paper=True, faces=True, counted=True, fetched=True, training_data="LAION2B-en", training_data_of_paper=True,
    rescaled=False, computing="", concepts=400, with_aliases=0, sampled_less=0, sample=100_000,
    without_images=3, face_units=True, cutoff="0.457 for arcface-onnx", filtered="", model="sd-1.1",
    model_of_paper=True, prompts=5,
    prompts_of_paper=True, prompt_bug=False, images=(200, 200), settings="", adaptive=False, unusable={},
    embedder="arcface-onnx 1", embedder_of_paper=True, face_rule="one", centred=False, readout="mean", references=10,
    unscored=0, penalty=0.9, tied=0,
)  # fmt: skip
ALWAYS = {
    ("count", "one attempt a link, 30 seconds; drops files under 1 000 bytes, of one pixel or that do not decode"),
    ("count", "phrase search whose idea of a word is the index's"),
    ("count", "cut-offs from mean similarities of whole reference sets, used on the best similarity"),
    ("generate", "seeds count up from 0, skip one a batch, and are the same for all concepts"),
    ("generate", "two of five face prompts are malformed in the released code"),
    ("score", "references from a web search, selected and vetted by hand"),
    ("threshold", "three people left out after looking at the results"),
}


def points(**changes: Any) -> set[tuple[str, str]]:
    return {(each.stage, each.paper) for each in deviations_of(replace(AS_THE_PAPER, **changes))}


def test_a_run_that_did_all_it_can_as_the_paper_keeps_what_nobody_can_repeat() -> None:
    assert points() == ALWAYS


@pytest.mark.parametrize(
    ("changes", "stage", "here"),
    [
        ({"sampled_less": 12, "sample": 500}, "count", "at most 500 rows, fewer for 12 of 400"),
        ({"concepts": 15}, "count", "15 concepts, as the study lists them"),
        ({"training_data": "the lab", "training_data_of_paper": False}, "count", "the lab"),
        ({"rescaled": True}, "count", "the captions that the study names are counted and verified themselves"),
        ({"computing": "DDIMScheduler, float16"}, "generate", "DDIMScheduler, float16"),
        ({"fetched": False}, "count", "images from a folder or archive"),
        ({"face_units": False}, "count", "images with a match are counted, each once"),
        ({"faces": False}, "count", "every readable image passes as a work of art"),
        ({"filtered": "the filter 'art' by clip"}, "count", "the filter 'art' by clip"),
        ({"model": "lab", "model_of_paper": False}, "generate", "the model lab"),
        ({"settings": "6 steps, guidance 2.5"}, "generate", "6 steps, guidance 2.5"),
        ({"images": (10, 10)}, "generate", "10 images for each of 5 prompts"),
        ({"images": (1, 1)}, "generate", "1 image for each of 5 prompts"),
        ({"images": (5, 5), "prompts": 1}, "generate", "5 images for a single prompt"),
        ({"images": (150, 200)}, "generate", "150 to 200 images for each of 5 prompts"),
        ({"prompts": 1, "prompts_of_paper": False}, "generate", "other prompts, 1 of them"),
        ({"unusable": {"blank": 7}}, "generate", "left out: 7 (blank)"),
        ({"prompt_bug": True}, "generate", "the malformed ones of its released code, as `prompt_bug` asks"),
        ({"embedder": "dlib-face 1", "embedder_of_paper": False}, "score", "dlib-face 1"),
        ({"face_rule": "largest"}, "score", "face rule of the embedder: largest"),
        ({"centred": True}, "score", "vectors centred on the mean of the references"),
        ({"counted": False}, "score", "references for all concepts"),
        ({"penalty": 0.5}, "threshold", "penalty 0.5"),
        ({"tied": 19}, "threshold", "19 concepts with tied counts keep their order"),
    ],
)
def test_each_fact_adds_its_own_point(changes: dict[str, Any], stage: str, here: str) -> None:
    before = {(each.paper, each.here) for each in deviations_of(AS_THE_PAPER)}
    added = [each for each in deviations_of(replace(AS_THE_PAPER, **changes)) if (each.paper, each.here) not in before]
    assert any(each.stage == stage and each.here.startswith(here) for each in added)


def test_given_counts_have_nothing_to_say_about_searching() -> None:
    count = [each for each in deviations_of(replace(AS_THE_PAPER, counted=False)) if each.stage == "count"]
    assert len(count) == 1


def test_given_images_have_nothing_to_say_about_seeds() -> None:
    changed = deviations_of(replace(AS_THE_PAPER, model=None, model_of_paper=False, prompts_of_paper=False))
    generate = [each for each in changed if each.stage == "generate"]
    assert [each.here for each in generate] == [
        "images were given; model, prompts, seeds and settings are not known here"
    ]


def test_the_robust_procedure_departs_by_design() -> None:
    found = deviations_of(replace(AS_THE_PAPER, paper=False, face_rule="largest", with_aliases=4, face_units=False))
    numbers = {each.number for each in found} - {""}
    expected = {"D1", "D2", "D3", "D4", "D5", "D7", "D8", "D9", "D10", "D11", "D12", "D14", "D16", "D20", "D21", "D23"}
    assert numbers == expected


def test_no_text_has_an_unfilled_field_and_every_number_is_one_of_25() -> None:
    for paper in (True, False):
        for faces in (True, False):
            for counted in (True, False):
                facts = replace(AS_THE_PAPER, paper=paper, faces=faces, counted=counted, tied=3, sampled_less=1)
                for each in deviations_of(facts):
                    assert "{" not in each.here
                    assert each.number in {"", *(f"D{n}" for n in range(1, 26))}
                    assert each.stage in RULES


def test_no_rule_uses_a_word_that_judges_a_concept() -> None:
    texts = " ".join(
        f"{each.paper} {each.here}"
        for paper in (True, False)
        for each in deviations_of(replace(AS_THE_PAPER, paper=paper))
    )
    assert not re.search(r"\b(complies|compliant|infringes|infringement|safe|legal|proof)\b", texts, re.IGNORECASE)


def test_the_warning_counts_by_stage() -> None:
    found = deviations_of(AS_THE_PAPER)
    assert deviation_warning(found).startswith(
        "procedure paper: this run departs from the paper's in 7 points (3 in count"
    )
