"""The report's text: what it says for every verdict, with parts missing, and with names nobody should trust."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from conftest import HOSTILE, names, threshold_of
from mimetic2.cli.main import run as command
from mimetic2.errors import InputError
from mimetic2.report import write_report
from mimetic2.report.labels import KEY_FILE
from mimetic2.report.wording import FIXED_SENTENCE, NO_NUMBER_SENTENCE

Make = Callable[..., Path]
FORBIDDEN = re.compile(r"\b(complies|compliant|infringes|infringement|safe|legal|proof)\b", re.IGNORECASE)


class Page(HTMLParser):
    """Elements with their attributes, and the text that a reader sees or hears."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.parts: list[str] = []
        self.hidden = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))
        self.hidden += tag in ("script", "style")
        self.parts += [f" {value} " for key, value in attributes if key in ("alt", "title", "aria-label") and value]

    def handle_endtag(self, tag: str) -> None:
        self.hidden -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.parts.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.parts).split())


def page_of(path: Path) -> Page:
    return Page(path.read_text(encoding="utf-8"))


def test_a_bound_on_unnamed_images_enters_the_assumptions(make_run: Make) -> None:
    run = make_run(names(3))
    text = "Training images that show a painter without naming it do not matter."
    assert f"{text} Only captions that name a listed concept were counted." in page_of(write_report(run)).text
    listed = names(3)
    (run / "captionless.csv").write_text(
        "concept,inspected,upper\n"
        + "".join(f"{name},900,{upper}\n" for name, upper in zip(listed, (9999, 0, 0), strict=True))
    )
    shown = page_of(write_report(run)).text
    assert f"{text} 900 random images of the data bound them, each with 95" in shown
    assert "for 1 of 3 painters there may be more of them than were counted." in shown


def test_what_was_lost_between_captions_and_counts_is_said(make_run: Make) -> None:
    run = make_run()
    (run / "verify").mkdir()
    said = {"dead": {"HTTP 404": 41, "<b>timeout</b>": 2}, "unjudged": {"no face found": 3}}
    (run / "verify" / "funnel.json").write_text(json.dumps(said))
    page = page_of(write_report(run))
    assert "From captions to counts" in page.text
    for text in ("Sampled but not alive", "41 HTTP 404", "2 <b>timeout</b>", "3 no face found"):
        assert text in page.text, text
    assert "12 painters with the count 0: no caption names them" in page.text
    (run / "verify" / "funnel.json").write_text("[]")
    with pytest.raises(InputError, match="is not a JSON object"):
        write_report(run)


@pytest.mark.parametrize("verdict", ["step", "gradual", "none", "undecided"])
def test_says_sentence_first_and_the_fixed_sentence(make_run: Make, verdict: str) -> None:
    page = page_of(write_report(make_run(verdict=verdict)))
    sentence = threshold_of(verdict)["sentence"]
    assert sentence in page.text
    assert (FIXED_SENTENCE in page.text) == (verdict == "step")
    assert (NO_NUMBER_SENTENCE in page.text) == (verdict != "step")
    assert page.text.index(sentence) < page.text.index("Paper’s rule118")
    assert ("not named" in page.text) == (verdict != "step")


@pytest.mark.parametrize("verdict", ["step", "gradual", "none", "undecided"])
@pytest.mark.parametrize("domain", ["lab", "faces", "art-style"])
def test_no_word_that_judges_a_concept(make_run: Make, verdict: str, domain: str) -> None:
    text = page_of(write_report(make_run(verdict=verdict, domain=domain))).text
    assert FORBIDDEN.findall(text.replace(FIXED_SENTENCE, "")) == []


def test_asks_nothing_of_the_network_and_keeps_its_own_policy(make_run: Make) -> None:
    text = write_report(make_run(images=True)).read_text(encoding="utf-8")
    page = Page(text)
    policy = next(a["content"] for t, a in page.elements if t == "meta" and a.get("http-equiv")) or ""
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    for tag in ("script", "style"):
        (inside,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        assert f"sha256-{base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()}" in policy
    for tag, attributes in page.elements:
        assert "style" not in attributes
        assert not any(key.startswith("on") for key in attributes)
        assert (attributes.get("src") or "data:").startswith("data:image/webp;base64,") or tag != "img"
        assert (attributes.get("href") or "#").startswith("#")
        assert tag not in ("link", "iframe", "object", "base")


def test_hostile_names_stay_text(make_run: Make) -> None:
    path = write_report(make_run(HOSTILE + names(30), images=True))
    text, page = path.read_text(encoding="utf-8"), page_of(path)
    tags = [tag for tag, _ in page.elements]
    assert tags.count("script") == 1
    assert all((attributes.get("src") or "").startswith("data:") for tag, attributes in page.elements if tag == "img")
    assert "<script>alert(1)</script>" in html.unescape(text)
    assert "<script>alert(1)" not in text
    assert "{{ 7 * 7 }}" in page.text
    assert "\u202e" not in text
    assert "\x07" not in text
    assert "<bdi>שלמה המלך</bdi>" in text


def test_images_by_default_and_by_choice(make_run: Make, tmp_path: Path) -> None:
    lab = make_run(images=True, folder="lab-run")
    assert sum(tag == "img" for tag, _ in page_of(write_report(lab)).elements) == 10 * (3 + 5)
    assert sum(tag == "img" for tag, _ in page_of(write_report(lab, images="generated")).elements) == 10 * 5
    none = page_of(write_report(lab, images="none"))
    assert sum(tag == "img" for tag, _ in none.elements) == 0
    assert "--images all" in none.text
    shutil.rmtree(tmp_path / "reference")
    faces = make_run(images=True, domain="faces", folder="faces-run")
    assert sum(tag == "img" for tag, _ in page_of(write_report(faces)).elements) == 0
    assert sum(tag == "img" for tag, _ in page_of(write_report(faces, images="all")).elements) > 0
    with pytest.raises(InputError, match="all, generated, none"):
        write_report(lab, images="some")


def test_contact_sheet_rises_with_the_count(make_run: Make) -> None:
    text = write_report(make_run(images=True)).read_text(encoding="utf-8")
    counts = [int(cell.replace(",", "")) for cell in re.findall(r'class="who"><b>([^<]+)</b>', text)]
    assert counts == sorted(counts)
    assert counts[0] == 0
    assert counts[-1] > 1000


def test_pseudonyms_leave_no_name_anywhere(make_run: Make, tmp_path: Path) -> None:
    listed = names(60)
    run = make_run(
        listed, images=True, sentence=f"A rise, carried by {listed[5]}.",
        warnings=[f"{listed[3].upper()} has few images", f"see {listed[4].replace(' ', '_')}/0.png"],
    )  # fmt: skip
    named = write_report(run).read_bytes()
    written = write_report(run, pseudonyms=True)
    assert written.name == "report-pseudonyms.html"
    assert (run / "report.html").read_bytes() == named
    first = written.read_text(encoding="utf-8")
    for name in listed:
        for spelling in (name, name.replace(" ", "_"), name.replace(" ", "-")):
            assert spelling.casefold() not in html.unescape(first).casefold()
    assert "C001" in first
    assert write_report(run, pseudonyms=True, out=tmp_path / "again.html").read_text(encoding="utf-8") == first
    assert (run / KEY_FILE).stat().st_mode & 0o777 == 0o600
    (run / KEY_FILE).unlink()
    assert write_report(run, pseudonyms=True).read_text(encoding="utf-8") != first


def test_aliases_become_codes_and_lost_images_are_counted(make_run: Make) -> None:
    run = make_run(warnings=["Dame Ada is rare"])
    (run / "count").mkdir()
    (run / "count" / "concepts.csv").write_text("concept,aliases,group,control\nAda Ashford,Dame Ada|A. A.,old,true\n")
    page = page_of(write_report(run, pseudonyms=True))
    assert "Dame Ada" not in page.text
    assert "3 generated image: unreadable" in page.text
    assert "control" in page.text


def test_threshold_alone_is_enough(tmp_path: Path) -> None:
    (tmp_path / "threshold.json").write_text(json.dumps(threshold_of("step")))
    page = page_of(write_report(tmp_path))
    assert "no manifest" in page.text
    with pytest.raises(InputError, match="no --pseudonyms"):
        write_report(tmp_path, pseudonyms=True)


@pytest.mark.parametrize(
    "absent",
    [
        ["scores.csv"], ["counts.csv"], ["scores.csv", "counts.csv"], ["study.yaml"], ["manifest.json"],
        ["scores.csv", "counts.csv", "study.yaml", "manifest.json"],
    ],
)  # fmt: skip
def test_parts_may_be_missing(make_run: Make, absent: list[str]) -> None:
    run = make_run()
    for name in absent:
        (run / name).unlink()
    assert threshold_of("step")["sentence"] in page_of(write_report(run)).text


@pytest.mark.parametrize("key", sorted(set(threshold_of("step")) - {"verdict"}))
@pytest.mark.parametrize("how", ["null", "absent"])
def test_any_key_of_the_threshold_may_be_missing(make_run: Make, key: str, how: str) -> None:
    run = make_run()
    document = threshold_of("step")
    document.pop(key)
    (run / "threshold.json").write_text(json.dumps(document | ({key: None} if how == "null" else {})))
    assert (NO_NUMBER_SENTENCE if key == "threshold" else FIXED_SENTENCE) in page_of(write_report(run)).text


def test_paper_mode(make_run: Make) -> None:
    nulls: dict[str, Any] = dict.fromkeys(["decisive", "interval", "shapes", "onset", "curve", "identification"])
    run = make_run(verdict=None, method="paper", threshold=118, **nulls)
    text = page_of(write_report(run)).text
    assert "Paper’s procedure" in text
    assert "paper’s procedure only" in text
    assert "not asked for" in text
    assert "finds no break" not in text
    assert "118" in text


def test_stays_small_for_many_concepts(make_run: Make) -> None:
    many = [f"Person {number}" for number in range(9000)]
    path = write_report(make_run(many))
    assert path.stat().st_size < 3_000_000
    assert "2,500 of 9,000" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("threshold.json", "{", "is not JSON"), ("threshold.json", "[]", "is not a JSON object"),
        ("threshold.json", "{}", "has no 'verdict'"), ("manifest.json", "{", "is not JSON"),
        ("study.yaml", "a: [", "is not YAML"), ("study.yaml", "- a", "is not a mapping"),
        ("scores.csv", "concept,score\na,x\n", "column 'score': is not a number"),
        ("counts.csv", "name\na\n", "concept"),
    ],
)  # fmt: skip
def test_malformed_files_are_named(make_run: Make, name: str, content: str, told: str) -> None:
    run = make_run()
    (run / name).write_text(content)
    with pytest.raises(InputError, match=re.escape(told)) as caught:
        write_report(run)
    assert name in str(caught.value)


def test_command(make_run: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = make_run()
    assert command(["report", str(run)]) == 0
    assert capsys.readouterr().out == f"{run / 'report.html'}\n"
    assert command(["report", str(run), "--out", str(tmp_path / "x.html"), "--pseudonyms", "--images", "none"]) == 0
    assert (tmp_path / "x.html").exists()
    assert command(["report", str(tmp_path / "nowhere")]) == 2
    assert "no such folder" in capsys.readouterr().err
