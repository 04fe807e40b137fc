"""The pool of connections to Twitch, which trusts the network only for seconds.

A NAT, a firewall or a VPN can forget a connection without a word to either end. So idle connections are kept for a
short time, the kernel probes them, and a request that may be repeated goes out once more on a new connection when a
used one stays silent.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from contextvars import ContextVar
from typing import Any
from weakref import WeakSet

import aiohttp
from aiohttp.client_middlewares import ClientHandlerType
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

KEEP_IDLE_SECONDS = 15.0
"""Well below the time after which home routers and carriers forget an idle connection."""
DNS_SECONDS = 10
REUSED_SECONDS = 3.0
"""How long a connection that was used before may stay silent after a request that can be repeated: long enough that a
slow answer is waited for, because a request that Twitch has after all may come to effect late."""
REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE"})
PROBES = {
    "TCP_KEEPIDLE": 10,  # seconds of quiet before the first probe
    "TCP_KEEPALIVE": 10,  # the same, as macOS calls it
    "TCP_KEEPINTVL": 2,
    "TCP_KEEPCNT": 2,
    "TCP_USER_TIMEOUT": 10_000,  # milliseconds that sent data may stay unacknowledged
}

_limit: ContextVar[asyncio.Timeout | None] = ContextVar("limit of a request on a used connection", default=None)


class Pool(aiohttp.TCPConnector):
    """A connector that notices silent connections; its `resend` is the innermost middleware of the session."""

    def __init__(self, *, limit: int, limit_per_host: int = 0) -> None:
        # (pyright does not know the last part of an address)
        super().__init__(  # pyright: ignore[reportUnknownMemberType]
            limit=limit,
            limit_per_host=limit_per_host,
            keepalive_timeout=KEEP_IDLE_SECONDS,
            ttl_dns_cache=DNS_SECONDS,
            socket_factory=probed_socket,
        )
        self._used: WeakSet[ResponseHandler] = WeakSet()

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's signature
    ) -> Connection:
        connection = await super().connect(req, traces, timeout)
        protocol, limit = connection.protocol, _limit.get()
        if protocol is not None:
            if limit is not None:
                used = protocol in self._used
                limit.reschedule(asyncio.get_running_loop().time() + REUSED_SECONDS if used else None)
            self._used.add(protocol)
        return connection

    def forget(self) -> None:
        """Close every idle connection and look up every name anew: the network is not what it was."""
        for idle in self._conns.values():
            for protocol, _ in idle:
                protocol.close()
        self._conns.clear()
        self.clear_dns_cache()

    async def resend(self, request: aiohttp.ClientRequest, handler: ClientHandlerType) -> aiohttp.ClientResponse:
        """Send a request; once more, on a new connection, if it may be repeated and a used one stays silent."""
        limit = asyncio.timeout(None)
        try:
            if request.method not in REPEATABLE:
                return await handler(request)
            async with limit:
                before = _limit.set(limit)
                try:
                    return await handler(request)
                finally:
                    _limit.reset(before)
        except TimeoutError:
            self.forget()
            if not limit.expired():
                raise
        except aiohttp.ClientConnectionError:
            self.forget()  # aiohttp repeats what may be repeated, and must not take a connection of the same age
            raise
        return await handler(request)


def probed_socket(address: tuple[Any, ...]) -> socket.socket:
    """Return a socket whose connection the kernel probes while it is idle."""
    made = socket.socket(*address[:3])
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in PROBES.items():
        option: Any = getattr(socket, name, None)
        if option is not None:
            with contextlib.suppress(OSError):  # each system knows some of them
                made.setsockopt(socket.IPPROTO_TCP, option, value)
    return made
