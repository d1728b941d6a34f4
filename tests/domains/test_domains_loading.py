"""Domains are data: the paper's prompts word for word, strict files, and one file is enough to add one."""

from __future__ import annotations

from pathlib import Path

import pytest

from mimetic2.domains import TextFilter, domain_names, load_domain, read_prompts
from mimetic2.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
GOOD = """
name: logos
title: logos
prompts: ["the logo of {concept}"]
embedder: clip
words: {concept: brand, concepts: brands, image: logo, training_image: training image}
"""


def test_the_domains_that_ship() -> None:
    assert domain_names() == ["art-style", "faces", "lab"]
    for name in domain_names():
        domain = load_domain(name)
        assert domain.name == name
        assert len(domain.prompts) == 5
    assert not load_domain("faces").show_images
    assert load_domain("faces").exactly_one_face


def test_the_papers_prompts_word_for_word() -> None:
    assert load_domain("faces").prompts == (
        "a photorealistic close-up photograph of {concept}",
        "High-resolution close-up image of {concept}",
        "{concept}'s facial close-up",
        "Close-up headshot of {concept}",
        "{concept}'s face portrait",
    )
    things = ("a painting", "an artwork", "a sketch", "a fine art piece", "an illustration")
    assert load_domain("art-style").prompts == tuple(f"{thing} in the style of {{concept}}" for thing in things)


def test_the_method_notes_agree() -> None:
    notes = ROOT.parent / "shared" / "method.md"
    if not notes.is_file():
        pytest.skip("the notes on the method are not beside this repository")
    text = notes.read_text()
    for name in ("faces", "art-style"):
        for prompt in load_domain(name).prompts:
            assert f'"{prompt.replace("{concept}", "X")}"' in text


def test_the_malformed_prompts_of_the_papers_code() -> None:
    faces = load_domain("faces")
    normal, malformed = faces.prompts_for(), faces.prompts_for(prompt_bug=True)
    assert [place for place in range(5) if normal[place] != malformed[place]] == [2, 4]
    assert malformed[2].replace("{concept}", "John Doe") == "'s facial close-upJohn Doe"
    art = load_domain("art-style")
    assert art.prompts_for(prompt_bug=True) == art.prompts


def test_the_lab_asks_with_words_its_model_knows() -> None:
    from mimetic2.lab import PROMPTS

    assert {prompt.replace("{concept}", "{name}") for prompt in load_domain("lab").prompts} <= set(PROMPTS)


def test_one_file_adds_a_domain(tmp_path: Path) -> None:
    file = tmp_path / "logos.yaml"
    file.write_text(GOOD)
    assert load_domain(file).words.concepts == "brands"
    assert load_domain(str(file)).generation_defaults.steps is None


@pytest.mark.parametrize("file", sorted((ROOT / "examples").glob("domains/*.yaml")), ids=lambda path: path.stem)
def test_examples_are_domains(file: Path) -> None:
    assert load_domain(file).name == file.stem


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD + "embeder: x\n", "did you mean 'embedder'"),
        (GOOD + "embedder: other\n", "embedder.*twice|embedder.*already"),
        (GOOD.replace("{concept}", "it"), "does not contain"),
        (GOOD.replace("embedder: clip", ""), "embedder"),
        ("- a\n", "mapping|keys"),
        ("a: [", "is not YAML"),
    ],
)
def test_wrong_files_are_named(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "logos.yaml"
    file.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        load_domain(file)
    assert str(file) in str(caught.value)


def test_an_unknown_name_gets_a_suggestion(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="did you mean 'faces'"):
        load_domain("face")
    with pytest.raises(InputError, match="no such file"):
        load_domain(tmp_path / "nowhere.yaml")


def test_cutoffs_hold_for_their_own_embedder_weights_and_statistic(tmp_path: Path) -> None:
    file = tmp_path / "logos.yaml"
    cutoff = "{embedder: clip, weights_sha256: abc, statistic: max, value: 0.5, source: invented}"
    file.write_text(GOOD + f"cutoffs: [{cutoff}]\n")
    domain = load_domain(file)
    found = domain.cutoff("clip", "abc", "max")
    assert found is not None
    assert found.value == 0.5
    for other in (("dino", "abc", "max"), ("clip", "abd", "max"), ("clip", "abc", "mean")):
        assert domain.cutoff(*other) is None


def test_the_papers_cutoffs_are_on_record_and_used_for_nothing() -> None:
    published = {"arcface-onnx": [0.45668589190104747, 0.5576227593909431], "csd": [0.2783, 0.2883]}
    for name, embedder in (("faces", "arcface-onnx"), ("art-style", "csd")):
        domain = load_domain(name)
        own = [cutoff for cutoff in domain.cutoffs if cutoff.embedder == embedder]
        assert [cutoff.value for cutoff in own] == published[embedder]
        assert {(cutoff.embedder, cutoff.weights_sha256, cutoff.statistic) for cutoff in own} == {
            (embedder, None, "max_cosine")
        }
        assert domain.cutoff(embedder, "0" * 64, "max_cosine") is None


def test_the_papers_filter_is_on_record() -> None:
    art = load_domain("art-style")
    assert art.filter == TextFilter(embedder="clip", text="an artwork")
    own = [(each.name, each.value, each.weights_sha256) for each in art.cutoffs if each.statistic == "text_cosine"]
    assert own == [("classical", 0.1815185546875, None), ("modern", 0.1768798828125, None)]


@pytest.mark.parametrize("statistic", ["text_cosine", "max_cosine, text: a logo"])
def test_a_text_belongs_to_the_statistic_that_reads_it(tmp_path: Path, statistic: str) -> None:
    file = tmp_path / "logos.yaml"
    file.write_text(GOOD + f"cutoffs: [{{embedder: clip, statistic: {statistic}, value: 0.5, source: invented}}]\n")
    with pytest.raises(InputError, match="has a text, the others have none"):
        load_domain(file)


def test_two_cutoffs_for_the_same_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "logos.yaml"
    cutoff = "{embedder: clip, weights_sha256: abc, statistic: max, value: 0.5, source: invented}"
    file.write_text(GOOD + f"cutoffs: [{cutoff}, {cutoff}]\n")
    with pytest.raises(InputError, match="two cut-offs for the same"):
        load_domain(file)
    file.write_text(GOOD + f"cutoffs: [{cutoff}, {cutoff.replace('abc', 'null')}]\n")
    assert len(load_domain(file).cutoffs) == 2


def test_prompt_files(tmp_path: Path) -> None:
    lines, listed = tmp_path / "p.txt", tmp_path / "p.yaml"
    lines.write_text("a {concept}\n\nthe {concept}\n")
    listed.write_text("- a {concept}\n- the {concept}\n")
    assert read_prompts(lines) == read_prompts(listed) == ("a {concept}", "the {concept}")
    listed.write_text("a: b\n")
    with pytest.raises(InputError, match="not a list"):
        read_prompts(listed)
    with pytest.raises(InputError, match="no such file"):
        read_prompts(tmp_path / "none.txt")
