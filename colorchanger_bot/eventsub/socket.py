"""Socket: one WebSocket to Twitch's chat service, from its welcome to its close, with a watch for silence."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable

import aiohttp
import orjson
from yarl import URL

from colorchanger_bot.clock import Clock, Tasks, cancel
from colorchanger_bot.errors import TwitchUnavailable
from colorchanger_bot.eventsub.frames import MALFORMED
from colorchanger_bot.twitch.http import http_address, why_unreachable

LONGEST_KEEPALIVE_SECONDS = 600.0
"""The longest keepalive window that Twitch offers."""

SILENT = "gone silent"
"""The reason for the end of a socket that missed its keepalives."""


class Socket:
    """One WebSocket.

    `close` may be called by several: the closing is a task of its own in `tasks`, which goes on when its callers are
    cancelled, and ends within `close_limit` seconds whatever the other side does.
    """

    def __init__(self, ws: aiohttp.ClientWebSocketResponse, clock: Clock, tasks: Tasks, *, close_limit: float) -> None:
        self.session_id = ""
        self.session_number = 0
        """Which session of the account it belongs to; a session that moves to another socket keeps its number."""
        self.reconnect_url = ""
        """Where Twitch last asked to move."""
        self.end_reason = ""
        """Why it ended; empty while it is open."""
        self._ws = ws
        self._clock = clock
        self._tasks = tasks
        self._close_limit = close_limit
        self._keepalive = LONGEST_KEEPALIVE_SECONDS
        self._last_frame_at = float("-inf")
        self._closing: asyncio.Task[None] | None = None
        self._closed: Callable[[], None] | None = None
        # The name of the transport's socket; asyncio offers no other way to end a connection for certain.
        self._connection: socket.socket | None = ws.get_extra_info("socket")

    async def welcome(self) -> None:
        """Wait for Twitch's welcome; other frames that come before it are skipped.

        Raises:
            ConnectionResetError, or an error of `MALFORMED`
        """
        while True:
            message = await self._ws.receive()
            if message.type is not aiohttp.WSMsgType.TEXT:
                raise ConnectionResetError(f"closed with {self._ws.close_code or 1006}")
            data = orjson.loads(message.data)
            if data["metadata"]["message_type"] == "session_welcome":
                break
        session = data["payload"]["session"]
        self.session_id = str(session["id"])
        self._keepalive = min(float(session.get("keepalive_timeout_seconds") or 10.0), LONGEST_KEEPALIVE_SECONDS)
        self._last_frame_at = self._clock.monotonic()

    async def read(self, receive: Callable[[str], None], *, keepalive_grace: float) -> None:
        """Pass on every text frame until the socket ends, or is silent for its keepalive window and the grace."""
        watch = asyncio.create_task(self._watch_for_silence(keepalive_grace), name="watch for silence")
        try:
            while True:
                message = await self._ws.receive()
                if message.type is aiohttp.WSMsgType.TEXT:
                    self._last_frame_at = self._clock.monotonic()
                    receive(message.data)
                elif message.type is not aiohttp.WSMsgType.BINARY:
                    break
            self.end_reason = self.end_reason or f"closed with {self._ws.close_code or 1006}"
        finally:
            await cancel((watch,))

    async def close(self) -> None:
        """Say goodbye and end the connection."""
        self.end_reason = self.end_reason or "closed by us"
        if self._closing is None:
            self._closing = self._tasks.start(self._close(), "closing a socket")
            if (closed := self._closed) is not None:
                self._closing.add_done_callback(lambda _: closed())
        await asyncio.shield(self._closing)

    def when_closed(self, closed: Callable[[], None]) -> None:
        """Call `closed` once, when the connection has ended; to be set before `close` is called."""
        self._closed = closed

    async def _watch_for_silence(self, grace: float) -> None:
        while (left := self._last_frame_at + self._keepalive + grace - self._clock.monotonic()) > 0:
            await self._clock.sleep(left)
        self.end_reason = self.end_reason or SILENT
        await self.close()  # which ends `receive`

    async def _close(self) -> None:
        try:
            # aiohttp's own limit starts again with every frame of a server that goes on talking.
            async with asyncio.timeout(self._close_limit):
                await self._ws.close()
        except TimeoutError:
            pass
        finally:
            # A transport with unsent data stays open as long as the other side does not read.
            if self._connection is not None and self._connection.fileno() != -1:
                with contextlib.suppress(OSError):
                    self._connection.shutdown(socket.SHUT_RDWR)


async def open_socket(
    http: aiohttp.ClientSession, url: URL, clock: Clock, tasks: Tasks, *, limit: float, close_limit: float
) -> Socket:
    """Connect and wait for the welcome, both together at most `limit` seconds.

    Raises:
        TwitchUnavailable: there was none in time.
    """
    # (pyright cannot see through the decorator that gives this class its fields)
    timeout = aiohttp.ClientWSTimeout(ws_close=close_limit)  # pyright: ignore[reportCallIssue]
    opened: Socket | None = None
    try:
        async with asyncio.timeout(limit):
            ws = await http.ws_connect(http_address(url), timeout=timeout, compress=0)
            opened = Socket(ws, clock, tasks, close_limit=close_limit)
            await opened.welcome()
    except (TimeoutError, aiohttp.ClientError, OSError, *MALFORMED) as error:
        if opened is not None:
            await opened.close()
        raise TwitchUnavailable(f"Twitch's chat service cannot be reached ({_reason(error)})") from None
    except asyncio.CancelledError:
        if opened is not None:
            await opened.close()
        raise
    return opened


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no welcome in time"
    if isinstance(error, aiohttp.WSServerHandshakeError):
        return f"HTTP status {error.status}"
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ClientHttpProxyError):
        return why_unreachable(error)
    return str(error) if type(error) is ConnectionResetError else type(error).__name__
