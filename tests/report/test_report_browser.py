"""The page in chromium: no violation of accessibility, no error, policy kept, and its script does what it says."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import HOSTILE, names
from mimetic2.report import write_comparison, write_report

Make = Callable[..., Path]
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
WIDTHS = {"desktop": (1280, 900), "phone": (390, 844)}

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if not Path(CHROMIUM).exists():
        if os.environ.get("CI") == "true":
            pytest.fail("chromium is not installed, and CI=true wants the browser tests to run")
        pytest.skip("chromium is not installed (Debian: apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield launched
        launched.close()


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Any]]:
    """Open a file; the test fails for any console message, page error or request that leaves the file."""
    contexts, complaints = [], []

    def open_page(path: Path, width: str = "desktop", scheme: str = "light") -> Any:
        context = browser.new_context(
            viewport=dict(zip(("width", "height"), WIDTHS[width], strict=True)), color_scheme=scheme
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: complaints.append(request.url) if request.url.startswith("http") else None)
        page.goto(path.resolve().as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_violation(
    make_run: Make, tmp_path: Path, visit: Callable[..., Any], width: str, scheme: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    run = make_run(HOSTILE + names(60), images=True, folder="one")
    other = make_run(verdict="undecided", domain="faces", folder="two")
    pages = [write_report(run), write_report(other), write_comparison([run, other], tmp_path / "c.html")]
    for path in pages:
        page = visit(path, width, scheme)
        page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
        found = Axe().run(page).response["violations"]
        serious = [(item["id"], item["nodes"][0]["html"][:200]) for item in found if item["impact"] != "minor"]
        assert serious == []
        assert page.evaluate("document.documentElement.scrollWidth") <= WIDTHS[width][0]


def test_hover_and_keys_name_the_concept(make_run: Make, visit: Callable[..., Any]) -> None:
    page = visit(write_report(make_run()))
    chart = page.locator("#scores [data-chart]")
    point = chart.locator("svg.wide .points circle").nth(60)
    point.scroll_into_view_if_needed()
    point.hover(force=True)
    assert "training image" in chart.locator(".tip").inner_text()
    chart.focus()
    page.keyboard.press("Home")
    first = chart.locator(".tip").inner_text()
    page.keyboard.press("ArrowRight")
    second = chart.locator(".tip").inner_text()
    assert first != second
    assert "".join(chart.locator("[data-live]").inner_text().split()) == "".join(second.split())
    page.keyboard.press("Escape")
    assert not chart.locator(".tip").is_visible()


def test_table_searches_and_sorts(make_run: Make, visit: Callable[..., Any]) -> None:
    page = visit(write_report(make_run()))
    page.get_by_label("Search").fill("KELLER")
    shown = page.locator("#concepts tbody tr:visible")
    assert shown.count() == 12
    assert page.locator("[data-found]").inner_text() == "12 of 144"
    page.get_by_label("Search").fill("")
    heading = page.get_by_role("columnheader", name="Score")
    for order, reverse in (("ascending", False), ("descending", True)):
        heading.get_by_role("button").press("Enter")
        assert heading.get_attribute("aria-sort") == order
        cells = page.locator("#concepts tbody td:nth-child(3)").evaluate_all("all => all.map((cell) => cell.dataset.v)")
        values = [float(cell) for cell in cells if cell]
        assert values == sorted(values, reverse=reverse)
        assert cells[-2:] == ["", ""]


def test_answers_for_a_typed_count(make_run: Make, visit: Callable[..., Any]) -> None:
    page = visit(write_report(make_run()))
    answer = page.locator("[data-answer]")
    page.get_by_label("At your count").fill("150")
    assert answer.inner_text().startswith("Expected score 0.3")
    assert "probability" in answer.inner_text()
    page.get_by_label("At your count").fill("99999")
    assert answer.inner_text() == "No statement: the observed counts go from 0 to 2000."


def test_policy_blocks_what_the_page_did_not_bring(make_run: Make, tmp_path: Path, browser: Any) -> None:
    text = write_report(make_run()).read_text(encoding="utf-8")
    attacked = tmp_path / "attacked.html"
    attacked.write_text(text.replace("</main>", "<script>document.title = 'taken'</script></main>"), encoding="utf-8")
    page = browser.new_page()
    page.goto(attacked.as_uri())
    assert page.title() != "taken"
    page.close()
