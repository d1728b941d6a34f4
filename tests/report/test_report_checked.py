"""What stands beside the verdict on the page: every kind of row, missing parts, and no name with pseudonyms."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import names, threshold_of
from mimetic2.report import write_report
from mimetic2.report.assumptions import DOUBTFUL, NOT_TESTABLE, PASS, assumptions
from mimetic2.report.checked import among_twenty, bounds, controls, groups, sensitivity
from mimetic2.report.contents import Contents, Row
from mimetic2.report.labels import Labels
from mimetic2.report.vocabulary import vocabulary

LABELS = Labels(names(20))
CHECKED: dict[str, Any] = {
    "sensitivity": [
        {"name": "weighted images", "outcome": "not testable", "verdict": None, "threshold": None, "interval": None,
         "note": "the table has no column"},
        {"name": "equal weights", "outcome": "changed", "verdict": "undecided", "threshold": 1234,
         "interval": [900, 2000], "note": "verdict undecided instead of step"},
    ],
    "bounds": {"level": 0.95, "threshold_at_least": 121, "threshold_at_most": None, "imitated_from": 180,
               "not_imitated_up_to": 60},
    "groups": {
        "groups": [
            {"group": "Weavers", "n_concepts": 6, "verdict": None, "threshold": None, "interval": None,
             "pooled_threshold": 140, "pooled_interval": [70, 300], "borrowed": 0.62, "offset": -0.02,
             "needs": {"concepts": 14, "counts": [60, 400]}},
            {"group": "Painters", "n_concepts": 60, "verdict": "step", "threshold": 130, "interval": [100, 160],
             "pooled_threshold": 131, "pooled_interval": [101, 158], "borrowed": 0.01, "offset": 0.01, "needs": None},
        ],
        "same_curve_p": 0.21, "same_place_p": None, "spread": 0.1, "note": "no difference is shown",
    },
    "controls": {
        "note": "the images of 6 invented names fit 2 concepts best", "p_default": 5e-6,
        "default_concepts": [{"concept": "Ada Ashford", "n_controls": 5, "count": 0.0, "group": "Weavers",
                              "identified": True}],
    },
    "assumptions": [
        {"name": "monotone", "assumed": "The expected score never falls.", "outcome": "pass", "finding": "It rises."},
        {"name": "no single concept decides", "assumed": "No single concept decides.", "outcome": "doubtful",
         "finding": "Without Ada Ashford the verdict is gradual."},
        {"name": "no confounding", "assumed": "Nothing else explains it.", "outcome": "not testable",
         "finding": "No covariates."},
    ],
    "association": {"spearman": 0.81, "p": 0.001},
}  # fmt: skip


def test_rows_that_cannot_be_tested_come_last_and_numbers_are_written() -> None:
    changed, untested = sensitivity(CHECKED)
    assert (changed["outcome"], changed["threshold"], changed["interval"]) == (
        "another answer", "1,234", "900 to 2,000",
    )  # fmt: skip
    assert (untested["outcome"], untested["style"], untested["threshold"]) == ("not testable", "not-testable", "")


def test_bounds_are_sentences_with_their_level() -> None:
    said = bounds(CHECKED)
    assert len(said) == 3
    milder = "lies above the null band (a milder demand than onset)"
    assert f"From 180 images on the expected score {milder} (one-sided, 95\u202f%)." in said
    assert not any("at most" in text for text in said)


def test_a_group_says_what_it_borrows_and_needs() -> None:
    found = groups(CHECKED, LABELS)
    assert found is not None
    thin, large = found["rows"]
    assert (thin["own"], thin["borrowed"]) == ("too thin", "62\u202f%")
    assert thin["needs"] == "about 14 more, spread over 60 to 400 images"
    assert (large["own"], large["needs"]) == ("step: 130 (100 to 160)", "")
    assert found["tests"] == [("one curve for all", "0.210")]


def test_controls_name_the_default() -> None:
    found = controls(CHECKED, LABELS)
    assert found is not None
    assert found["p"] == "below 0.001"
    assert found["defaults"][0]["identified"] == "yes"


@pytest.mark.parametrize("document", [{}, {"bounds": None, "groups": None, "controls": None, "identification": None}])
def test_documents_without_these_parts_have_none(document: dict[str, Any]) -> None:
    assert sensitivity(document) == []
    assert bounds(document) == []
    assert groups(document, LABELS) is None
    assert controls(document, LABELS) is None
    assert among_twenty(document) == ""


def test_rank_one_among_twenty_is_a_sentence() -> None:
    twenty = {"rate": 0.5, "n50": 180, "n50_bounds": [90, None]}
    text = among_twenty({"identification": {"among_20": twenty}})
    assert "probability 50\u202f%" in text
    assert "half do so at 180 images (90 or more), in a fit of its own" in text
    assert among_twenty({"identification": {"among_20": twenty | {"n50": None}}}).endswith("(chance 5\u202f%).")


def test_assumptions_are_those_of_the_analysis_then_those_of_the_run(tmp_path: Path) -> None:
    contents = Contents(tmp_path, threshold_of("step", **CHECKED), [], {"training_data": {"relation": "proxy"}})
    rows = [Row("a", count=0, score=0.1, null_score=0.0), Row("b", excluded="control without references")]
    found = assumptions(contents, rows, vocabulary(contents), LABELS)
    order = [item.outcome for item in found]
    assert order == sorted(order, key=[DOUBTFUL, PASS, NOT_TESTABLE].index)
    texts = {item.text: item for item in found}
    assert texts["The expected score never falls."].mark == "checked"
    assert texts["The counts are of the data that the model was trained on."].outcome == DOUBTFUL
    assert texts["What is missing is missing for reasons unrelated to the score."].outcome == PASS
    paper = Contents(tmp_path, threshold_of(None, method="paper"), [])
    found = assumptions(paper, [], vocabulary(paper), LABELS)
    assert any("procedure examines no assumption" in item.finding for item in found)


def test_the_page_shows_all_parts_and_no_names_with_pseudonyms(make_run: Callable[..., Path]) -> None:
    run = make_run(**CHECKED)
    text = write_report(run).read_text(encoding="utf-8")
    for part in ("Would other choices change it?", "rank correlation of 0.81", ">Groups<", "Weavers", ">Controls<",
                 "Ada Ashford", "one-sided", "not testable", "doubtful"):  # fmt: skip
        assert part in text
    masked = write_report(run, pseudonyms=True, out=run / "masked.html").read_text(encoding="utf-8")
    assert "Ada Ashford" not in masked
    assert "invented names" in masked
