"""Why a link gave no image, in words that the funnel counts by."""

from __future__ import annotations


class Failure(Exception):  # noqa: N818 - an outcome that is counted, not an error of the program
    """The link gives no image; the text is the reason, one of few so that it can be counted."""


class Transient(Failure):
    """Another attempt may succeed. ``wait``: seconds that the server asked for, if it did."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


PRIVATE = "private or local address"
UNRESOLVED = "host not found"
REDIRECTS = "too many redirects"
SCHEME = "not a web link"
CREDENTIALS = "link with credentials"
LARGE = "too large"
SLOW = "too slow"
CONNECTION = "connection failed"
TRUNCATED = "connection broken off"
ENCODED = "compressed transfer"
NOT_IMAGE = "not an image"
ROBOTS = "robots.txt"
ROBOTS_UNKNOWN = "robots.txt unavailable"
NO_AI = "no-AI header"
BLOCKED = "blocked"
UNSAFE = "flagged unsafe"
NOT_LISTED = "not a listed concept"
