"""Auditing: the limit, the exposure, the rows chosen, the recount, and the command with its page."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimetic2 import find_threshold
from mimetic2.audit.auditing import audit
from mimetic2.audit.criterion import limit_of
from mimetic2.audit.dropping import rows_to_drop
from mimetic2.audit.exposure import exposure
from mimetic2.cli.main import run as command
from mimetic2.concepts import Concept, words
from mimetic2.counting import mentioning_rows, recount
from mimetic2.errors import InputError

FORBIDDEN = re.compile(r"\b(complies|compliant|infringes|infringement|safe|legal|proof)\b", re.IGNORECASE)
FULL = {
    "onset": {"count": 85, "interval": [53, 114]},
    "threshold": 120,
    "interval": [73, 175],
    "identification": {"n50": 179, "n50_interval": None},
}


def test_the_limit_is_the_lower_end_of_the_first_measure_the_run_has() -> None:
    assert limit_of(FULL).count == 53
    assert limit_of({**FULL, "onset": None}).count == 73
    assert limit_of(FULL, "n50").count == 179
    assert limit_of(FULL, "200").count == 200


@pytest.mark.parametrize(("document", "criterion"), [({}, None), ({}, "onset"), (FULL, "0"), (FULL, "many")])
def test_no_limit_is_an_error_that_says_what_is_accepted(document: dict[str, object], criterion: str | None) -> None:
    with pytest.raises(InputError, match=r"COUNT|number of images"):
        limit_of(document, criterion)


def test_exposure_applies_the_verified_share_and_else_knows_only_the_mentions() -> None:
    verified = pl.DataFrame(
        {
            "concept": ["half", "unseen"],
            "mentions": ["100", "50"],
            "count": ["50", ""],
            "count_low": ["40", "0"],
            "count_high": ["61", "50"],
            "alive": ["20", "0"],
        }
    )
    table = exposure({"half": 200, "unseen": 50, "new": 9}, verified, {"curve": None}, 81)
    assert table.select("count", "count_low", "count_high", "basis", "status").rows() == [
        (100, 80, 122, "verified", "possibly over"),
        (50, 0, 50, "mentions", "under"),
        (9, 0, 9, "mentions", "under"),
    ]


@given(
    st.lists(st.sets(st.sampled_from("abcd"), min_size=1), max_size=60),
    st.dictionaries(st.sampled_from("abc"), st.integers(0, 12)),
)
def test_dropping_keeps_the_limits_and_drops_no_row_in_vain(rows: list[set[str]], keep: dict[str, int]) -> None:
    lines = [("f", i, f"u{i}", "", name) for i, names in enumerate(rows) for name in sorted(names)]
    mentions = pl.DataFrame(lines, schema=["file", "row", "url", "caption", "concept"], orient="row")
    dropped = set(rows_to_drop(mentions.cast({"row": pl.Int64}), keep)["row"]) if lines else set()
    left = Counter(name for i, names in enumerate(rows) if i not in dropped for name in names)
    assert all(left[name] <= limit for name, limit in keep.items())
    # Putting any dropped row back would break a limit.
    assert all(any(name in keep and left[name] + 1 > keep[name] for name in rows[i]) for i in dropped)


@pytest.fixture
def captions(tmp_path: Path) -> Path:
    """Two files: 40 rows name Ada Brook, half of them with Bo Cy; five name Bo Cy alone; others nobody."""
    both = ["a portrait of ADA BROOK with Bo Cy", "Ada Brook, oil on canvas"] * 20
    texts = [*both, *["bo cy's boat"] * 5, *["a boat"] * 15]
    for part in range(2):
        frame = pl.DataFrame({"url": [f"https://x/{part}/{i}" for i in range(30)], "caption": texts[part::2]})
        frame.write_csv(tmp_path / f"part-{part}.csv")
    return tmp_path


def test_rows_are_those_that_a_plain_search_finds(captions: Path, tmp_path: Path) -> None:
    concepts = [Concept("Ada Brook"), Concept("Bo Cy")]
    found = mentioning_rows([str(captions / "*.csv")], concepts, folder=tmp_path / "shards", workers=1)
    expected = []
    for part in range(2):
        path = captions / f"part-{part}.csv"
        for i, text in enumerate(pl.read_csv(path)["caption"]):
            padded = f" {' '.join(words(text))} "
            expected += [(str(path), i, c.name) for c in concepts if f" {c.name.lower()} " in padded]
    assert found.select("file", "row", "concept").rows() == expected
    again = mentioning_rows([str(captions / "*.csv")], concepts, folder=tmp_path / "shards", workers=1)
    assert again.equals(found)
    after = recount([str(captions / "*.csv")], concepts, found.filter(pl.col("concept") == "Ada Brook"), workers=1)
    assert after.rows() == [("Ada Brook", 0), ("Bo Cy", 5)]


def test_a_file_that_cannot_be_read_ends_the_search(captions: Path, tmp_path: Path) -> None:
    (captions / "part-2.parquet").write_bytes(b"PAR1 and nothing after")
    with pytest.raises(InputError, match=r"part-2\.parquet: cannot be read"):
        mentioning_rows([str(captions / "part-*")], [Concept("Ada Brook")], folder=tmp_path / "shards", workers=1)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run whose onset lies at some tens of images."""
    counts = [0, 0, 1, 2, 4, 8, 15, 30, 60, 120, 250, 500, 1000, 2000, 4000]
    scores = [0.02, 0.01, 0.03, 0.02, 0.01, 0.02, 0.03, 0.02, 0.01, 0.61, 0.60, 0.62, 0.61, 0.60, 0.62]
    folder = tmp_path / "run"
    folder.mkdir()
    document = find_threshold(counts, scores, null_score=[0.02] * 15).to_dict()
    (folder / "threshold.json").write_text(json.dumps({**document, "warnings": ["counted in a proxy"]}))
    return folder


def test_an_audit_lists_rows_and_counts_again(run: Path, captions: Path, tmp_path: Path) -> None:
    (tmp_path / "protect.csv").write_text("concept,minor\nAda Brook,true\nBo Cy,\nNobody,\n")
    found = audit(
        run, [str(captions / "part-*")], tmp_path / "protect.csv", tmp_path / "out", criterion="30", workers=1
    )
    rows = {row["concept"]: row for row in found.table.iter_rows(named=True)}
    assert rows["Ada Brook"]["status"] == "possibly over"
    assert (rows["Ada Brook"]["mentions"], rows["Ada Brook"]["mentions_after"]) == (40, 29)
    assert rows["Bo Cy"]["mentions"] == 25
    assert rows["Nobody"]["mentions"] == rows["Nobody"]["mentions_after"] == 0
    assert len(found.dropped) == 11 == rows["Ada Brook"]["rows_to_drop"]
    assert found.warnings == ("counted in a proxy",)


def test_the_command_writes_a_page_and_its_gate_exits_with_4(
    run: Path, captions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "protect.csv").write_text("concept\nAda Brook\n<b>Bo Cy\n")
    line = ["audit", str(run), "--captions", str(captions / "part-*"), "--protect", str(tmp_path / "protect.csv")]
    line += ["--out", str(tmp_path / "out"), "--workers", "1"]
    assert command([*line, "--criterion", "1000", "--fail-above"]) == 0
    assert "rows to drop: 0" in capsys.readouterr().out
    assert command([*line, "--criterion", "30", "--fail-above", "--json"]) == 4
    said = capsys.readouterr()
    assert json.loads(said.out)["possibly_over"] == 1
    assert said.err.strip().splitlines()[-1] == "mimetic2: 1 protected concepts are or may be over 30 images"
    page = (tmp_path / "out" / "audit.html").read_text(encoding="utf-8")
    assert "<b>Bo" not in page
    text = re.sub(r"<style>.*?</style>|<script>.*?</script>|<[^>]+>", " ", page, flags=re.DOTALL)
    assert "Counted in a proxy" in text
    assert not FORBIDDEN.search(text.replace("It is not legal advice.", "").replace("infringes a right", ""))


def test_a_run_without_any_measure_asks_for_a_count(
    captions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = find_threshold([0, 1, 2, 4, 8, 16, 32, 64], [0.5] * 8).to_dict()
    (tmp_path / "threshold.json").write_text(json.dumps(document))
    (tmp_path / "protect.csv").write_text("concept\nAda Brook\n")
    line = ["audit", str(tmp_path / "threshold.json"), "--captions", str(captions / "part-*")]
    assert command([*line, "--protect", str(tmp_path / "protect.csv"), "--out", str(tmp_path / "out")]) == 2
    assert "--criterion COUNT" in capsys.readouterr().err
