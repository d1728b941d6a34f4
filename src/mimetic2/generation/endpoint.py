"""One image asked of an endpoint in OpenAI's style: the request, and another attempt where that may help.

``POST URL/images/generations`` with ``{"model", "prompt", "n": 1, "size", …}`` (OpenAI's API reference, "Create image";
many servers speak the same). The key comes from an environment variable, goes into one header and nowhere else: not
into messages, logs or tables. Redirects are not followed, so that it goes to the named host only.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx2

from mimetic2.counting.fetching.addresses import GuardedTransport
from mimetic2.counting.fetching.failures import Failure, Transient
from mimetic2.counting.fetching.hosts import Hosts
from mimetic2.errors import InputError, Interrupted
from mimetic2.generation.answers import Again, Answer, content_of, explain, image_of
from mimetic2.generation.api import Api
from mimetic2.progress import log

_LONGEST_WAIT = 300.0
_BODY_BYTES = 100_000_000


class Endpoint:
    """Use as an asynchronous context manager; ``size`` (width, height) in pixels, None for the model's own."""

    def __init__(self, url: str, api: Api, size: tuple[int, int] | None) -> None:
        self.url, self.api, self._size = url, api, size
        self._key = os.environ.get(api.key_variable, "").strip()
        headers = {"authorization": f"Bearer {self._key}"} if self._key else {}
        self._http = self._client(private=api.allow_private, headers=headers)
        # Addresses in answers are links like any other: no key, public hosts only, or the endpoint's own.
        self._links, self._own_links = self._client(private=False), self._client(private=api.allow_private)
        self._turns = Hosts(api.parallel)
        self._not_before = 0.0

    def _client(self, *, private: bool, headers: Mapping[str, str] | None = None) -> Any:
        transport = httpx2.AsyncHTTPTransport(trust_env=False) if private else GuardedTransport()
        return httpx2.AsyncClient(
            transport=transport, trust_env=False, headers=headers, timeout=httpx2.Timeout(self.api.timeout)
        )

    async def __aenter__(self) -> Endpoint:
        return self

    async def __aexit__(self, *exception: object) -> None:
        for client in (self._http, self._links, self._own_links):
            await client.aclose()

    async def ask(self, prompt: str) -> Answer:
        """The image of a prompt, in up to ``attempts`` attempts.

        Raises :class:`Interrupted` when the provider cannot or does not want to answer now, :class:`InputError` or
        :class:`MissingRequirement` when no image of this study can succeed.
        """
        charged = 0
        for attempt in range(1, self.api.attempts + 1):
            try:
                answer = await self._once(prompt)
            except Again as problem:
                charged += problem.charged
                if attempt == self.api.attempts or (problem.wait or 0) > _LONGEST_WAIT:
                    asked = f"; it asks to wait {problem.wait:.0f} s" if problem.wait else ""
                    text = f"{self.url}: {problem} after {attempt} attempts{asked}: run the same command again later"
                    raise Interrupted(text) from problem
                self._hold(problem, attempt)
            else:
                return answer.after(charged)
        raise AssertionError("the last attempt returns or raises")

    def _hold(self, problem: Again, attempt: int) -> None:
        """Let no request start before what the server asked for, or a pause that doubles, has passed."""
        pause = self.api.backoff * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)  # noqa: S311 - no secret
        pause = max(pause, problem.wait or 0.0)
        self._not_before = max(self._not_before, time.monotonic() + pause)
        log(f"{self.url}: {problem}; going on in {pause:.1f} s")

    async def _once(self, prompt: str) -> Answer:
        body: dict[str, Any] = {"model": self.api.model, "prompt": prompt, "n": 1, **self.api.options}
        if self._size is not None:
            body["size"] = f"{self._size[0]}x{self._size[1]}"
        spacing = 60 / self.api.per_minute if self.api.per_minute else 0.0
        async with self._turns.turn("", spacing):
            while (pause := self._not_before - time.monotonic()) > 0:
                await asyncio.sleep(pause)
            place = f"{self.url}/images/generations"
            try:
                status, headers, content = await _exchange(self._http, "POST", place, json=body)
            except Failure as failure:
                raise InputError(f"{self.url}: {failure}", accepted="--api-allow-private for one's own") from failure
        if status != 200:
            return explain(self.url, self.api, status, headers.get("retry-after"), content, self._key)
        answer = content_of(content)
        data = await self._download(answer.link) if answer.link else answer.data
        return image_of(self.url, answer, data, self._size)

    async def _download(self, url: str) -> bytes:
        own = urlsplit(url)[:2] == urlsplit(self.url)[:2]
        try:
            status, _, content = await _exchange(self._own_links if own else self._links, "GET", url)
        except Failure as failure:
            raise InputError(f"{self.url}: its answer points to a {failure}, which is not fetched") from failure
        if status != 200:
            raise Again(f"HTTP {status} for an image's address", charged=True)
        return content


async def _exchange(client: Any, method: str, url: str, **more: Any) -> tuple[int, Mapping[str, str], bytes]:
    """Status, headers and body of one exchange; raises `Again` where the connection fails."""
    try:
        async with client.stream(method, url, **more) as response:
            parts, size = [], 0
            async for part in response.aiter_bytes():
                size += len(part)
                if size > _BODY_BYTES:
                    raise InputError(f"{url}: the answer is larger than {_BODY_BYTES:,} bytes")
                parts.append(part)
            return response.status_code, response.headers, b"".join(parts)
    except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, Transient) as error:
        raise Again("no connection") from error
    except httpx2.HTTPError as error:
        raise Again("the connection broke off", charged=True) from error
    except (httpx2.InvalidURL, UnicodeError) as error:
        raise InputError(f"'{url[:100]}' is not an address") from error
