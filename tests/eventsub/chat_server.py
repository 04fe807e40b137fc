"""ChatServer: a WebSocket server that plays Twitch's side, well or badly, and counts its connections."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Literal

import aiohttp
import orjson
from aiohttp import WSMsgType, web

Manner = Literal["reads", "ponders", "sleeps", "chatters"]
"""How a socket behaves after its welcome: `reads` is what a client can expect. `ponders` reads, but never answers a
close. `sleeps` does not even read. `chatters` goes on sending and never answers a close."""


ESTABLISHED = 1
"""The state of an open connection in Linux's `tcp_info`."""


def envelope(kind: str, payload: Any, **metadata: str) -> str:
    head = {"message_id": f"id of a {kind}", "message_type": kind, **metadata}
    return orjson.dumps({"metadata": head, "payload": payload}).decode()


class ChatServer:
    """Welcomes everyone; `manners` holds the manner of the next sockets, the last of them for all that follow."""

    def __init__(self) -> None:
        self.manners: list[Manner] = ["reads"]
        self.keepalive = 10.0
        self.handshake: Callable[[web.Request], Awaitable[web.StreamResponse | None]] | None = None
        """Answers in the place of the handshake, if it returns something."""
        self.sockets: list[web.WebSocketResponse] = []
        self.paths: list[str] = []
        """What was asked for in the handshakes."""
        self.url = ""
        self._transports: list[asyncio.Transport] = []
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def open(self) -> int:
        """How many TCP connections are open, seen from here."""
        return sum(_is_open(transport) for transport in self._transports)

    async def send(self, text: str, number: int = -1) -> None:
        """Send a frame over one of the sockets, in the order in which they came."""
        await self.sockets[number].send_str(text)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.paths.append(request.path_qs)
        transport = request.transport
        assert transport is not None
        self._transports.append(transport)
        if self.handshake is not None and (instead := await self.handshake(request)) is not None:
            return instead
        manner = self.manners.pop(0) if len(self.manners) > 1 else self.manners[0]
        ws = web.WebSocketResponse(autoclose=manner == "reads", timeout=0.1)
        await ws.prepare(request)
        self.sockets.append(ws)
        session = {"id": f"session {len(self.sockets)}", "keepalive_timeout_seconds": self.keepalive}
        await ws.send_str(envelope("session_welcome", {"session": session}))
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await self._behave(ws, transport, manner)
        return ws

    async def _behave(self, ws: web.WebSocketResponse, transport: asyncio.Transport, manner: Manner) -> None:
        if manner == "sleeps":
            transport.pause_reading()
            await asyncio.sleep(3600)
        while manner == "chatters":
            await ws.send_str(envelope("session_party", {}))
            await asyncio.sleep(0.01)
        while (await ws.receive()).type is not WSMsgType.CLOSED:
            if ws.closed:
                return
            await asyncio.sleep(0)


def _is_open(transport: asyncio.Transport) -> bool:
    """Whether neither side has closed a connection. The system knows it of a server, too, that does not read."""
    if transport.is_closing():
        return False
    connection: socket.socket = transport.get_extra_info("socket")
    return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == ESTABLISHED


@asynccontextmanager
async def serving(context: ssl.SSLContext | None = None, *, host: str = "127.0.0.1") -> AsyncGenerator[ChatServer]:
    """Run a server on a port of its own."""
    server = ChatServer()
    app = web.Application()
    app.router.add_get("/{path:.*}", server.serve)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, host, 0, ssl_context=context)
    await site.start()
    port = runner.addresses[0][1]
    server.url = f"ws://{host}:{port}/ws" if context is None else f"wss://localhost:{port}/ws"
    try:
        yield server
    finally:
        for transport in server._transports:  # pyright: ignore[reportPrivateUsage]
            transport.abort()
        await runner.cleanup()


class Connections:
    """The TCP connections of a client, counted at its own end."""

    def __init__(self) -> None:
        self._sockets: list[socket.socket] = []

    def make(self, address: Any) -> socket.socket:
        family, kind, proto, *_ = address
        made = socket.socket(family, kind, proto)
        made.setblocking(False)
        self._sockets.append(made)
        return made

    @property
    def open(self) -> int:
        """How many have not been closed here."""
        return sum(each.fileno() != -1 for each in self._sockets)

    def session(self, context: ssl.SSLContext | bool = True) -> aiohttp.ClientSession:
        """A client session that connects through here."""
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, ssl=context, socket_factory=self.make))
