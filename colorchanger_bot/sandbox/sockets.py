"""One WebSocket connection of EventSub: what is sent, what comes back, and how it ends."""

from __future__ import annotations

import asyncio
import math
import time
from enum import StrEnum

from aiohttp import WSMsgType, web

from .network import is_open

# Close codes, the reason in the close frame, and what then becomes of the subscriptions
# (EventSub over WebSocket, "Close message"; Get EventSub Subscriptions, "status").
CLOSINGS = {
    4000: (b"internal server error", "websocket_internal_error"),
    4001: (b"client sent inbound traffic", "websocket_received_inbound_traffic"),
    4002: (b"client failed ping-pong", "websocket_failed_ping_pong"),
    4003: (b"connection unused", "websocket_connection_unused"),
    4004: (b"client reconnect grace time expired", "websocket_failed_to_reconnect"),
    4005: (b"network timeout", "websocket_network_timeout"),
    4006: (b"network error", "websocket_network_error"),
    4007: (b"invalid reconnect attempt", "websocket_disconnected"),
}
NO_CLOSING = (b"", "websocket_disconnected")
_BEHIND = 64 * 1024  # unsent bytes from which on a client counts as slow
_UNLIMITED = 1 << 30  # unsent bytes from which on asyncio would let one slow client hold up the others
_CLOSE_WAIT = 1.0  # seconds for the other side to answer a close frame
_LOOK = 0.05  # seconds between two looks whether a client that gets no answer has gone


class Freeze(StrEnum):
    """How a socket can fall silent while its connection stays open."""

    SILENT = "silent"
    """Sends nothing by itself; answers pings and the client's close frame."""
    UNRESPONSIVE = "unresponsive"
    """Answers neither; the connection ends when the client ends it."""
    DEAD = "dead"
    """Reads nothing; the connection stays open even after the client has ended it."""


class Socket:
    """One WebSocket connection, and when it last carried a message (monotonic)."""

    def __init__(self, write_timeout: float) -> None:
        now = time.monotonic()
        self.sent_at = self.pinged_at = now
        self.pong_due = self.expires_at = math.inf
        self.closing = 0
        self.frozen: Freeze | None = None
        self.closed = asyncio.Event()
        self._ws = web.WebSocketResponse(compress=False, timeout=_CLOSE_WAIT, autoping=False)
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Timeout | None = None
        self._behind_since = math.inf
        self._write_timeout = write_timeout

    async def open(self, request: web.Request) -> web.WebSocketResponse:
        """Shake hands."""
        await self._ws.prepare(request)
        self._transport = request.transport
        if self._transport is not None:
            self._transport.set_write_buffer_limits(high=_UNLIMITED)
        return self._ws

    @property
    def transport(self) -> asyncio.Transport | None:
        """The TCP connection, once it is open."""
        return self._transport

    @property
    def is_open(self) -> bool:
        """Whether neither side has closed the TCP connection."""
        return self._transport is not None and is_open(self._transport)

    async def send(self, frame: bytes, kind: WSMsgType = WSMsgType.TEXT) -> None:
        """Send a frame; nobody waits for a slow client, and one that stays behind is cut off."""
        self.sent_at = time.monotonic()
        if self._transport is None or self.frozen:
            return
        try:
            await self._ws.send_frame(frame, kind)
        except ConnectionError:
            return
        if self._transport.get_write_buffer_size() <= _BEHIND:
            self._behind_since = math.inf
            return
        self._behind_since = min(self._behind_since, self.sent_at)
        if self.sent_at - self._behind_since > self._write_timeout:
            self.abort()
        await asyncio.sleep(0)

    async def ping(self, pong_timeout: float) -> None:
        """Ask the client for a pong within so many seconds."""
        sent_at = self.sent_at
        await self.send(b"", WSMsgType.PING)
        self.sent_at = sent_at  # a ping does not replace a keepalive
        self.pinged_at = time.monotonic()
        if not self.frozen:
            self.pong_due = min(self.pong_due, self.pinged_at + pong_timeout)

    async def receive(self, wait: float) -> WSMsgType | None:
        """The kind of the next frame, None after `wait` seconds without one; pings are answered, pongs noted."""
        try:
            async with asyncio.timeout(wait) as self._waiting:
                frame = await self._ws.receive()
        except TimeoutError:
            return None
        finally:
            self._waiting = None
        if frame.type is WSMsgType.PONG:
            self.pong_due = math.inf
        if frame.type is WSMsgType.PING:
            try:
                await self._ws.pong(frame.data)
            except ConnectionError:
                return WSMsgType.CLOSED
        return frame.type

    def wake(self) -> None:
        """End a wait in `receive` now."""
        if self._waiting is not None and not self._waiting.expired():
            self._waiting.reschedule(0)

    def freeze(self, how: Freeze) -> None:
        """Fall silent for ever."""
        self.frozen = how
        if how is Freeze.DEAD and self._transport is not None:
            self._transport.pause_reading()
        self.wake()

    async def gone(self) -> None:
        """Wait until the connection has ended, without an answer to whatever the client sends."""
        while self._transport is not None and not self._transport.is_closing():  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(_LOOK)

    def hang_up(self, code: int) -> None:
        """Have the task that serves the socket close it with that code."""
        self.closing = code
        self.wake()

    async def close(self, code: int) -> None:
        """Close with that code and wait a little for the answer: without it some clients miss the code."""
        try:
            async with asyncio.timeout(2 * _CLOSE_WAIT):
                await self._ws.close(code=code, message=CLOSINGS.get(code, NO_CLOSING)[0])
        except TimeoutError:
            self.abort()

    def abort(self) -> None:
        """Let the TCP connection vanish."""
        if self._transport is not None:
            self._transport.abort()
