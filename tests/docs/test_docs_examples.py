"""The documentation's examples: Python sessions run and print what they say; commands exist, with their options."""

from __future__ import annotations

import doctest
import re
import shlex
from pathlib import Path

import pytest
import typer.main

import mimetic2
from mimetic2.cli.main import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(kind: str) -> list[tuple[str, str]]:
    """(page, text) of all fenced blocks of a kind."""
    found = []
    for page in PAGES:
        matches = BLOCK.finditer(page.read_text(encoding="utf-8"))
        found += [(str(page.relative_to(ROOT)), match.group(2)) for match in matches if match.group(1) == kind]
    return found


def commands() -> list[tuple[str, str]]:
    """(page, command line) of every `$ mimetic2 …` in a console block, continuation lines joined."""
    found = []
    for page, text in blocks("console"):
        lines = text.replace("\\\n", " ").splitlines()
        found += [(page, line[2:]) for line in lines if line.startswith("$ mimetic2")]
    return found


def test_sessions_print_what_they_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    by_page: dict[str, list[str]] = {}
    for page, text in blocks("pycon"):
        by_page.setdefault(page, []).append(text)
    for page, texts in by_page.items():
        test = doctest.DocTestParser().get_doctest("\n".join(texts), {}, page, page, 0)
        report: list[str] = []
        runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
        result = runner.run(test, out=report.append)
        assert result.failed == 0, "".join(report)


@pytest.mark.parametrize(("page", "line"), commands())
def test_commands_exist_with_their_options(page: str, line: str) -> None:
    words = shlex.split(line.split("|")[0].split(" > ")[0], comments=True)[1:]
    command = typer.main.get_command(app)
    while words and hasattr(command, "commands") and not words[0].startswith("-"):
        assert words[0] in command.commands, f"{page}: no verb {words[0]!r}"
        command = command.commands[words.pop(0)]
    options = {name for parameter in command.params for name in [*parameter.opts, *parameter.secondary_opts]}
    for word in words:
        if word.startswith("--"):
            assert word.split("=")[0] in options | {"--help"}, f"{page}: {line}"


def test_every_page_is_in_the_table_of_contents() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    for page in sorted((ROOT / "docs").rglob("*.md")):
        name = str(page.relative_to(ROOT / "docs").with_suffix(""))
        if name in ("validation/table", "validation/estimates"):
            continue  # written by `mimetic2 validate`, included in the page on validation
        assert name == "index" or re.search(rf"^{re.escape(name)}$", index, re.MULTILINE), f"{name} is in no toctree"


def test_the_api_page_documents_every_public_name_and_no_other() -> None:
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    documented = re.findall(r"^\.\. auto\w+:: mimetic2\.(\w+)$", text, re.MULTILINE)
    assert sorted(documented) == [name for name in mimetic2.__all__ if name != "__version__"]
