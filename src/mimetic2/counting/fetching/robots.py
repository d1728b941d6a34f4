"""What a host asks of robots: robots.txt (RFC 9309) and headers that reserve an image from machine learning."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit

TOKEN = "mimetic2"  # noqa: S105 - the product token of RFC 9309
NO_AI_DIRECTIVES = frozenset({"noai", "noimageai", "noindex", "noimageindex"})
"""The directives of X-Robots-Tag that img2dataset honours by default."""
LONGEST_DELAY = 60.0


@dataclass
class _Group:
    agents: list[str] = field(default_factory=list)
    rules: list[tuple[str, bool]] = field(default_factory=list)
    delay: float = 0.0


class Robots:
    """Rules for one host. Build with :meth:`parse`; ``Robots([])`` allows everything."""

    def __init__(self, groups: list[_Group], token: str = TOKEN) -> None:
        own = [group for group in groups if token in group.agents] or [g for g in groups if "*" in g.agents]
        self._rules = [rule for group in own for rule in group.rules]
        self.delay = min(LONGEST_DELAY, max((group.delay for group in own), default=0.0))

    @classmethod
    def parse(cls, text: str, token: str = TOKEN) -> Robots:
        """Groups of rules; lines that are not understood are ignored, as the RFC asks."""
        groups: list[_Group] = []
        naming = False
        for line in text.lstrip("\ufeff").splitlines():
            key, colon, value = line.split("#", 1)[0].partition(":")
            key, value = key.strip().lower(), value.strip()
            if not colon:
                continue
            if key == "user-agent":
                if not naming:
                    groups.append(_Group())
                groups[-1].agents.append(value.lower())
                naming = True
                continue
            if key in ("allow", "disallow", "crawl-delay"):
                naming = False
                if groups:
                    _add(groups[-1], key, value)
        return cls(groups, token)

    def allows(self, url: str) -> bool:
        """Whether the link may be fetched: the longest matching rule decides, ``allow`` before ``disallow``."""
        parts = urlsplit(url)
        path = _normal((parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
        best, allowed = -1, True
        for pattern, allow in self._rules:
            if len(pattern) >= best and _matches(pattern, path):
                allowed = allow if len(pattern) > best else allowed or allow
                best = len(pattern)
        return allowed


def _add(group: _Group, key: str, value: str) -> None:
    if key == "crawl-delay":
        if re.fullmatch(r"\d{1,6}(\.\d+)?", value):
            group.delay = max(group.delay, float(value))
    elif value:
        group.rules.append((_normal(value), key == "allow"))


def _normal(path: str) -> str:
    """One spelling of percent-encoding for patterns and paths."""
    return quote(unquote(path), safe="/*$?=&;:@!'(),+~-._")


def _matches(pattern: str, path: str) -> bool:
    """Prefix match, ``*`` for any characters, ``$`` for the end; greedy, without backtracking."""
    anchored = pattern.endswith("$")
    pieces = (pattern[:-1] if anchored else pattern).split("*")
    if not path.startswith(pieces[0]):
        return False
    place = len(pieces[0])
    for number, piece in enumerate(pieces[1:], 2):
        if anchored and number == len(pieces):
            return len(path) - len(piece) >= place and path.endswith(piece)
        found = path.find(piece, place)
        if found < 0:
            return False
        place = found + len(piece)
    return not anchored or place == len(path)


def forbids_ai(headers: Iterable[tuple[str, str]], token: str = TOKEN) -> bool:
    """Whether response headers reserve the content: X-Robots-Tag for all or for us, or tdm-reservation: 1."""
    for name, value in headers:
        key = name.lower()
        if key == "tdm-reservation" and value.strip() == "1":
            return True
        if key == "x-robots-tag" and _reserved(value, token):
            return True
    return False


def _reserved(value: str, token: str) -> bool:
    """``noai, noindex`` holds for everybody, ``otherbot: noai`` for others only, until the next agent is named."""
    concerned = True
    for part in value.lower().split(","):
        agent, colon, directive = part.partition(":")
        # "unavailable_after: <date>" and "max-…: n" are directives with a value, not agents.
        if colon and agent.strip() != "unavailable_after" and not agent.strip().startswith("max-"):
            concerned = agent.strip() in (token, "*")
            part = directive
        if concerned and part.strip() in NO_AI_DIRECTIVES:
            return True
    return False
