"""Links and what hosts answer, by themselves: which are links at all, which are one, what a status means."""

from __future__ import annotations

import email.utils
import time
from urllib.parse import urljoin, urlsplit, urlunsplit

from mimetic2.counting.fetching import failures
from mimetic2.counting.fetching.failures import Failure, Transient

LONGEST_WAIT = 120.0
_RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})


def canonical(url: str) -> str:
    """One spelling of a link: scheme and host in lower case, no default port, no fragment, a path."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        return url.strip()
    host = (parts.hostname or "").rstrip(".")
    shown = f"[{host}]" if ":" in host else host
    if port is not None and port != {"http": 80, "https": 443}.get(parts.scheme):
        shown += f":{port}"
    return urlunsplit((parts.scheme, shown, parts.path or "/", parts.query, ""))


def joined(url: str, target: str) -> str:
    """The link that a redirect from ``url`` leads to; raises `Failure` for what is none."""
    try:
        return urljoin(url, target)
    except ValueError as error:
        raise Failure(failures.SCHEME) from error


def host_of(url: str) -> str:
    """The host of a link in lower case, '' if it has none."""
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def check_link(url: str) -> None:
    """Raise `Failure` unless ``url`` is an http(s) link with a host and without credentials."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise Failure(failures.SCHEME) from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Failure(failures.SCHEME)
    if parts.username is not None or parts.password is not None:
        raise Failure(failures.CREDENTIALS)


def check_status(status: int, retry_after: str | None) -> None:
    """Raise unless 200: `Transient` for what another attempt may cure, after as long as the server asks for."""
    if status == 200:
        return
    reason = f"HTTP {status}"
    if status not in _RETRIED:
        raise Failure(reason)
    wait = seconds_of(retry_after)
    if wait is not None and wait > LONGEST_WAIT:
        raise Failure(reason)
    raise Transient(reason, wait)


def seconds_of(retry_after: str | None) -> float | None:
    """Retry-After in seconds, given as a number or as a date; None if there is none."""
    if not retry_after:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return None
