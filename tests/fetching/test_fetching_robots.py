"""robots.txt by the examples of RFC 9309 and against a regular expression; headers that reserve content."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimetic2.counting.fetching.robots import LONGEST_DELAY, Robots, _matches, forbids_ai


@pytest.mark.parametrize(
    ("text", "path", "allowed"),
    [
        ("", "/a", True),
        ("User-agent: *\nDisallow:", "/a", True),
        ("User-agent: *\nDisallow: /", "/a", False),
        ("User-agent: otherbot\nDisallow: /", "/a", True),
        ("User-agent: otherbot\nUser-agent: mimetic2\nDisallow: /", "/a", False),
        ("User-agent: *\nDisallow: /\nUser-agent: mimetic2\nAllow: /", "/a", True),
        ("User-agent: *\nDisallow: /a\nAllow: /a/b", "/a/b/c", True),
        ("User-agent: *\nAllow: /a\nDisallow: /a", "/a", True),
        ("User-agent: *\nDisallow: /*.gif$", "/x/y.gif", False),
        ("User-agent: *\nDisallow: /*.gif$", "/x/y.gif?z", True),
        ("User-agent: *\nDisallow: /a%2Fb # all of it", "/a/b", False),
        ("User-agent: *\nDisallow: /ä", "/%C3%A4", False),
        ("user-agent:*\ndisallow:/q?x", "/q?x=1", False),
        ("nonsense\nDisallow: /a\nUser-agent: *\nSitemap: /s\nDisallow: /b", "/a", True),
    ],
)
def test_rules(text: str, path: str, allowed: bool) -> None:
    assert Robots.parse(text).allows(f"https://example.org{path}") is allowed


def test_delays_are_read_and_bounded() -> None:
    assert Robots.parse("User-agent: *\nCrawl-delay: 2.5").delay == 2.5
    assert Robots.parse("User-agent: *\nCrawl-delay: 86400").delay == LONGEST_DELAY
    assert Robots.parse("User-agent: *\nCrawl-delay: soon").delay == 0


@given(st.text("/ab*$", max_size=8), st.text("/ab", max_size=10))
def test_patterns_match_as_their_regular_expression(pattern: str, path: str) -> None:
    anchored = pattern.endswith("$")
    body = ".*".join(re.escape(piece) for piece in (pattern[:-1] if anchored else pattern).split("*"))
    expected = re.compile(body + (r"\Z" if anchored else ""), re.DOTALL).match(path) is not None
    assert _matches(pattern, path) is expected


_NOISE = st.text(st.characters(exclude_characters=":"), max_size=60)


@given(_NOISE, _NOISE, _NOISE, st.text("/abcé?*%", max_size=12))
def test_lines_that_are_no_rules_change_nothing(before: str, between: str, after: str, path: str) -> None:
    lines = ("User-agent: *", "Disallow: /a", "Allow: /a/b")
    noisy = "\n".join([before, lines[0], between, lines[1], between, lines[2], after])
    url = f"https://example.org/{path}"
    assert Robots.parse(noisy).allows(url) is Robots.parse("\n".join(lines)).allows(url)


@given(st.text(max_size=200), st.text(max_size=20))
def test_text_that_disallows_nothing_allows_everything(text: str, path: str) -> None:
    free = re.sub("(?i)disallow", "", text)
    assert Robots.parse(free).allows(f"https://example.org/{path}") is True


@pytest.mark.parametrize(
    ("name", "value", "forbidden"),
    [
        ("X-Robots-Tag", "noai", True),
        ("x-robots-tag", "noarchive, NoImageAI", True),
        ("X-Robots-Tag", "noindex", True),
        ("X-Robots-Tag", "nofollow, max-image-preview: large", False),
        ("X-Robots-Tag", "otherbot: noai", False),
        ("X-Robots-Tag", "otherbot: nofollow, noai", False),
        ("X-Robots-Tag", "mimetic2: noai", True),
        ("X-Robots-Tag", "unavailable_after: 1 Jan 2030, noai", True),
        ("TDM-Reservation", "1", True),
        ("TDM-Reservation", "0", False),
        ("X-Other", "noai", False),
    ],
)
def test_headers(name: str, value: str, forbidden: bool) -> None:
    assert forbids_ai([("Content-Type", "image/png"), (name, value)]) is forbidden
