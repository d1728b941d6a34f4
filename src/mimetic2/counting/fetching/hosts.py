"""Taking turns at a host: few requests at once, and the pause between them that its robots.txt asks for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class _Host:
    places: asyncio.Semaphore
    next_start: float = 0.0
    order: asyncio.Lock = field(default_factory=asyncio.Lock)


class Hosts:
    """At most ``per_host`` requests at once for each host."""

    def __init__(self, per_host: int) -> None:
        self._per_host = per_host
        self._hosts: dict[str, _Host] = {}

    @asynccontextmanager
    async def turn(self, host: str, delay: float = 0.0) -> AsyncIterator[None]:
        """Wait for a place, and until ``delay`` seconds after the last start of a request to this host."""
        own = self._hosts.setdefault(host, _Host(asyncio.Semaphore(self._per_host)))
        async with own.places:
            async with own.order:
                pause = own.next_start - time.monotonic()
                if pause > 0:
                    await asyncio.sleep(pause)
                own.next_start = time.monotonic() + delay
            yield
