"""Connections only to public addresses.

A link, or a redirect, may name a host inside the user's own network. The check stands where the connection is made:
the name is resolved once, every address that it resolves to is checked, and the connection goes to the checked
address itself, so that a name that resolves differently a moment later (DNS rebinding) changes nothing. TLS still
verifies the host's name.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import anyio
import httpcore2
import httpx2

from mimetic2.counting.fetching.failures import PRIVATE, UNRESOLVED, Failure, Transient

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], Awaitable[list[str]]]

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def is_public(text: str, *, allow_loopback: bool = False) -> bool:
    """Whether an address may be connected to: globally routable, no multicast, whatever it is wrapped in."""
    address: Address = ipaddress.ip_address(text.split("%")[0])
    if allow_loopback and address.is_loopback:
        return True
    if isinstance(address, ipaddress.IPv6Address):
        inner = _wrapped(address)
        if inner is not None:
            return is_public(str(inner))
    return address.is_global and not address.is_multicast


def _wrapped(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that a mapped, 6to4, Teredo or NAT64 address leads to."""
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)


async def resolve(host: str, port: int) -> list[str]:
    """All addresses of a host, in the order that the system prefers."""
    found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Resolves, checks and connects; the only way from here to the network."""

    def __init__(self, *, allow_loopback: bool = False, resolver: Resolver = resolve) -> None:
        self._inner = httpcore2.AnyIOBackend()
        self._allow_loopback, self._resolve = allow_loopback, resolver

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> Any:
        """Connect to the first address of ``host``; `Failure` if any of its addresses is not public."""
        try:
            with anyio.fail_after(timeout):
                addresses = await self._resolve(host, port)
        except OSError as error:
            raise Transient(UNRESOLVED) from error
        if not addresses or not all(is_public(each, allow_loopback=self._allow_loopback) for each in addresses):
            raise Failure(PRIVATE)
        for address in addresses[:-1]:
            try:
                return await self._connect(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return await self._connect(addresses[-1], port, timeout, local_address, socket_options)

    async def _connect(self, address: str, port: int, timeout: float | None, local: str | None, options: Any) -> Any:
        return await self._inner.connect_tcp(address, port, timeout, local, options)

    async def connect_unix_socket(self, *arguments: Any, **options: Any) -> Any:
        """Never: no link leads to a socket file."""
        raise Failure(PRIVATE)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await anyio.sleep(seconds)


class GuardedTransport(httpx2.AsyncHTTPTransport):  # type: ignore[misc]
    """httpx2's transport over connections that `GuardedBackend` makes; no proxies, no environment."""

    def __init__(self, *, allow_loopback: bool = False, resolver: Resolver = resolve, connections: int = 100) -> None:
        super().__init__(trust_env=False)
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=5.0,
            network_backend=GuardedBackend(allow_loopback=allow_loopback, resolver=resolver),
        )
