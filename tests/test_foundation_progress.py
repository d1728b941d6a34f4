"""Progress goes to standard error, in plain lines where that is no terminal."""

from __future__ import annotations

import sys

import pytest

from mimetic2 import progress
from mimetic2.progress import bar, log


def test_log_writes_markup_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    log("[bold]x[/bold]")
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "[bold]x[/bold]\n")


def test_plain_lines_at_the_end_and_not_for_every_piece(capsys: pytest.CaptureFixture[str]) -> None:
    with bar("embed", 1000, unit="images") as shown:
        for _ in range(1000):
            shown.advance(note="2 failed")
    said = capsys.readouterr()
    assert said.out == ""
    lines = said.err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("embed: 1,000/1,000, ")
    assert lines[0].endswith("s left 2 failed")


def test_a_line_now_and_then(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with bar("fetch", 10, unit="links") as shown:
        for _ in range(4):
            now[0] += 8
            shown.advance()
    assert capsys.readouterr().err.splitlines() == [
        "fetch: 2/10, 0.1 links/s, 64 s left",
        "fetch: 4/10, 0.1 links/s, 48 s left",
    ]


def test_the_end_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    with bar("embed", 2) as shown:
        shown.advance(2)
        shown.advance(0)
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_work_of_an_earlier_run_counts_as_done_but_not_for_the_rate() -> None:
    with bar("generate", 10, already=9) as shown:
        assert shown.done == 9
        assert shown.rate == 0
        shown.advance()
        assert shown.done == 10


def test_a_terminal_gets_a_bar(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with bar("[embed]", 3, unit="images") as shown:
        shown.advance(3, "fine")
    said = capsys.readouterr()
    assert said.out == ""
    assert "[embed]" in said.err
    assert "3/3" in said.err
