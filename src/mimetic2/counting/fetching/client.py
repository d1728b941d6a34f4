"""One link to its bytes: polite, bounded in time and size, every hop checked."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx2
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt

from mimetic2.counting.fetching import failures
from mimetic2.counting.fetching.addresses import GuardedTransport, Resolver, resolve
from mimetic2.counting.fetching.content import Content, inspect
from mimetic2.counting.fetching.failures import Failure, Transient
from mimetic2.counting.fetching.hosts import Hosts
from mimetic2.counting.fetching.links import canonical, check_link, check_status, host_of, joined
from mimetic2.counting.fetching.robots import Robots, forbids_ai

T = TypeVar("T")

USER_AGENT = "mimetic2 (research on image datasets; honours robots.txt and X-Robots-Tag)"
DECODED_AT_ONCE = 4
"""A picture of the most pixels allowed takes some 400 MB while it is decoded."""
ROBOTS_BYTES = 500_000
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is asked of hosts and of this machine. Times in seconds, sizes in bytes.

    ``timeout`` is for one request from connecting to the last byte of its body; ``backoff`` the first wait between
    attempts, doubled each time. ``allow_loopback`` is for tests and servers of one's own.
    """

    concurrency: int = 32
    per_host: int = 2
    timeout: float = 30.0
    max_bytes: int = 20_000_000
    attempts: int = 3
    backoff: float = 1.0
    max_redirects: int = 5
    user_agent: str = USER_AGENT
    allow_loopback: bool = False


def limits_of(*, max_megabytes: float, user_agent: str | None, **others: Any) -> Limits:
    """Limits as commands and studies name them: files in megabytes (10⁶ bytes), None for the usual user agent."""
    return Limits(max_bytes=round(max_megabytes * 1e6), user_agent=user_agent or USER_AGENT, **others)


class Client:
    """Use as an asynchronous context manager. ``blocked``: canonical links that no redirect may lead to either."""

    def __init__(self, limits: Limits, *, blocked: frozenset[str] = frozenset(), resolver: Resolver = resolve) -> None:
        self.limits, self._blocked = limits, blocked
        transport = GuardedTransport(
            allow_loopback=limits.allow_loopback, resolver=resolver, connections=4 * limits.concurrency
        )
        self._http = httpx2.AsyncClient(
            transport=transport,
            trust_env=False,
            follow_redirects=False,
            timeout=httpx2.Timeout(limits.timeout),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            # Uncompressed bodies only: bytes are kept as they came, and no transfer can unpack to more than it is.
            headers={"user-agent": limits.user_agent, "accept": "image/*", "accept-encoding": "identity"},
        )
        self._hosts = Hosts(limits.per_host)
        self._places = asyncio.Semaphore(limits.concurrency)
        self._decoding = asyncio.Semaphore(DECODED_AT_ONCE)
        self._robots: dict[str, asyncio.Task[Robots]] = {}

    async def __aenter__(self) -> Client:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._robots.values():
            task.cancel()
        await asyncio.gather(*self._robots.values(), return_exceptions=True)
        await self._http.__aexit__(kind, error, trace)

    async def get(self, url: str) -> tuple[bytes, Content]:
        """The bytes behind ``url`` and what image they are; raises `Failure` with the reason after the last attempt."""
        found: tuple[bytes, Content] = await self._retrying()(
            self._follow, url, self.limits.max_bytes, lambda data: (data, inspect(data)), robots=True
        )
        return found

    def _retrying(self) -> AsyncRetrying:
        return AsyncRetrying(
            stop=stop_after_attempt(self.limits.attempts),
            wait=self._wait,
            retry=retry_if_exception_type(Transient),
            reraise=True,
        )

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome is not None else None
        backoff: float = self.limits.backoff * 2 ** (state.attempt_number - 1) * random.uniform(0.5, 1.5)  # noqa: S311
        asked: float = error.wait if isinstance(error, Transient) and error.wait is not None else 0.0
        return max(backoff, asked)

    async def _follow(self, url: str, max_bytes: int, use: Callable[[bytes], T], *, robots: bool) -> T:
        """Follow redirects by hand: each target is a new link with all checks of a link.

        ``use`` turns the body into the result, in a thread and before another request may start, so that at most
        ``concurrency`` bodies are in memory.
        """
        for _ in range(self.limits.max_redirects + 1):
            check_link(url)
            if canonical(url) in self._blocked:
                raise Failure(failures.BLOCKED)
            if robots and not (await self._rules(url)).allows(url):
                raise Failure(failures.ROBOTS)
            async with self._hosts.turn(host_of(url), self._delay(url)), self._places:
                body, target = await self._hop(url, max_bytes, robots)
                if target is None:
                    async with self._decoding:
                        return await asyncio.to_thread(use, body)
            url = joined(url, target)
        raise Failure(failures.REDIRECTS)

    async def _hop(self, url: str, max_bytes: int, respect: bool) -> tuple[bytes, str | None]:
        """(body, None) or (b"", target of a redirect)."""
        try:
            # The clock starts with the request: waiting for a turn at a polite pace is nobody's slowness.
            async with asyncio.timeout(self.limits.timeout), self._http.stream("GET", url) as response:
                if respect and forbids_ai(response.headers.multi_items()):
                    raise Failure(failures.NO_AI)
                if response.status_code in _REDIRECTS and "location" in response.headers:
                    return b"", response.headers["location"]
                check_status(response.status_code, response.headers.get("retry-after"))
                if response.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
                    raise Failure(failures.ENCODED)
                return await _body(response, max_bytes), None
        except (httpx2.InvalidURL, httpx2.UnsupportedProtocol, UnicodeError, ValueError) as error:
            raise Failure(failures.SCHEME) from error
        except (httpx2.TimeoutException, TimeoutError) as error:
            raise Transient(failures.SLOW) from error
        except httpx2.ConnectError as error:
            raise Transient(failures.CONNECTION) from error
        except httpx2.HTTPError as error:
            raise Transient(failures.TRUNCATED) from error

    async def _rules(self, url: str) -> Robots:
        """The host's robots.txt, read once; whoever asks second waits for whoever asked first."""
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self._robots:
            self._robots[origin] = asyncio.create_task(self._read_rules(f"{origin}/robots.txt"))
        return await asyncio.shield(self._robots[origin])

    async def _read_rules(self, url: str) -> Robots:
        """RFC 9309: no file means no rules; a host that cannot answer may not be asked for anything else.

        A host that cannot even be reached is given up for all its links at once, after as many attempts as a link has.
        """
        try:
            rules: Robots = await self._retrying()(self._follow, url, ROBOTS_BYTES, _parsed, robots=False)
            return rules
        except Transient as error:
            unreachable = str(error) in (failures.UNRESOLVED, failures.CONNECTION)
            raise Failure(str(error) if unreachable else failures.ROBOTS_UNKNOWN) from error
        except Failure as error:
            if str(error).startswith("HTTP 4") or str(error) == failures.REDIRECTS:
                return Robots([])
            raise

    def _delay(self, url: str) -> float:
        parts = urlsplit(url)
        task = self._robots.get(f"{parts.scheme}://{parts.netloc}")
        known = task is not None and task.done() and not task.cancelled() and task.exception() is None
        return task.result().delay if known and task is not None else 0.0


def _parsed(body: bytes) -> Robots:
    return Robots.parse(body.decode("utf-8", "replace"))


async def _body(response: Any, max_bytes: int) -> bytes:
    length = response.headers.get("content-length", "")
    if length.isdigit() and int(length) > max_bytes:
        raise Failure(failures.LARGE)
    parts, size = [], 0
    async for part in response.aiter_raw():
        size += len(part)
        if size > max_bytes:
            raise Failure(failures.LARGE)
        parts.append(part)
    return b"".join(parts)
