"""How many connections the web server keeps open: each takes a file of the process, and chat needs some, too."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable, Collection
from typing import cast

from aiohttp import web

MOST, MOST_OF_ONE = 200, 40
"""In all, and from one address outside this network. Browsers open six; what comes through a proxy has its address."""
TEXT = b"Too many connections: try again in a moment.\n"
BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nRetry-After: 10\r\n"
    b"Connection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(TEXT), TEXT)
)


class Gate(asyncio.Protocol):
    """A new connection, which the server gets if there is room for it."""

    def __init__(self, server: web.Server) -> None:
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hand the connection over, or say that there are too many and close it."""
        opened = cast("asyncio.Transport", transport)
        others = [_address(each.transport) for each in self._server.connections]
        if has_room(_address(opened), others):
            handler = self._server()
            opened.set_protocol(handler)
            handler.connection_made(opened)
        else:
            opened.write(BUSY)
            opened.close()


def gates(server: web.Server) -> Callable[[], Gate]:
    """Return what asyncio calls for each new connection."""
    return lambda: Gate(server)


def has_room(address: str, others: Collection[str]) -> bool:
    """Return whether another connection may be open, from this address, beside those from the others."""
    if len(others) >= MOST:
        return False
    return _is_near(address) or sum(each == address for each in others) < MOST_OF_ONE


def _address(transport: asyncio.BaseTransport | None) -> str:
    peer = transport.get_extra_info("peername") if transport is not None else None
    return str(peer[0]) if peer else ""


def _is_near(address: str) -> bool:
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_private
    except ValueError:
        return True
