"""What the page says about prompts, fitness, copies and departures, from files written by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mimetic2.errors import InputError
from mimetic2.report import write_report

MEMORISED = {"generated": 1440, "real": {"reference": 1400, "training": 900}, "picture": 3, "vector": 1, "concepts": 2}
DEPARTURES = [
    {"number": "D5", "stage": "score", "paper": "the ten that fit best", "here": "all pairs"},
    {"number": "", "stage": "generate", "paper": "200 images", "here": "2 <b>images</b> for Ada Ashford"},
]


@pytest.fixture
def run(make_run: Callable[..., Path]) -> Path:
    folder = make_run()
    (folder / "score").mkdir()
    (folder / "threshold").mkdir()
    (folder / "score" / "summary.json").write_text(json.dumps({"memorised": MEMORISED}))
    (folder / "threshold" / "deviations.json").write_text(json.dumps(DEPARTURES))
    effects = "prompt,n_concepts,effect,effect_low,effect_high\n0,9,0.020000,0.010000,0.030000\n1,9,-0.02,-0.03,-0.01\n"
    (folder / "score" / "prompt_effects.csv").write_text(effects)
    fitness = "concept,gap,rank1,not_separated\na,0.3,1,false\nb,-0.1,0.2,true\nc,0.2,0.9,false\nd,,,false\n"
    (folder / "score" / "fitness.csv").write_text(fitness)
    return folder


def page(run: Path, **choices: bool) -> str:
    return " ".join(write_report(run, **choices).read_text().split())


def test_every_part_is_said(run: Path) -> None:
    text = page(run)
    assert "a painting of a house by …" in text
    assert "+0.020" in text
    assert "\u22120.030 to \u22120.010" in text
    assert "1 of 4 painters are surely not separated" in text
    assert "in 70 % of cases" in text
    assert "1 could not be checked" in text
    assert "1,440 generated images were compared with 1,400 reference images and 900 verified training" in text
    assert "3 nearly equal a real picture</strong>, of 2 painters" in text
    assert "1 more is nearer to a real one" in text
    assert "departs from the paper’s on purpose" in text
    assert "the ten that fit best" in text
    assert "<b>images</b>" not in text


def test_names_in_departures_are_masked_with_pseudonyms(run: Path) -> None:
    assert "for Ada Ashford" in page(run)
    assert "for Ada Ashford" not in page(run, pseudonyms=True)


def test_nothing_copied_and_no_training_images(run: Path) -> None:
    none = {**MEMORISED, "real": {"reference": 9}, "picture": 0, "vector": 0, "concepts": 0}
    (run / "score" / "summary.json").write_text(json.dumps({"memorised": none}))
    text = page(run)
    assert "None nearly equals a real picture." in text
    assert "references stand in for them" in text


def test_a_run_without_these_files_has_none_of_these_sections(make_run: Callable[..., Path]) -> None:
    text = page(make_run())
    assert not any(f'id="{name}"' in text for name in ("scoring", "memorised", "departures"))


def test_a_file_that_is_no_json_is_named(run: Path) -> None:
    (run / "threshold" / "deviations.json").write_text("{")
    with pytest.raises(InputError, match=r"deviations\.json: is not JSON"):
        write_report(run)
