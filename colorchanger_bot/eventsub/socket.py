"""One WebSocket to Twitch's chat service: opened up to its welcome, read to its end, watched for silence."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp
import orjson
from yarl import URL

from colorchanger_bot.clock import Clock
from colorchanger_bot.errors import TwitchUnavailable
from colorchanger_bot.twitch.http import http_address, why_unreachable

LONGEST_KEEPALIVE_SECONDS = 600.0
"""The longest window that Twitch offers."""


class Line:
    """One welcomed WebSocket; `heard` is when the last frame came, on the monotonic clock."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse, session_id: str, keepalive: float, clock: Clock) -> None:
        self.session_id = session_id
        self.number = 0
        """Which session of the account it belongs to; one that moves to another socket keeps its number."""
        self.moved_to = ""
        """Where Twitch last asked its reader to move."""
        self.end = ""
        """Why it ended; empty while it is open."""
        self.heard = clock.monotonic()
        self._ws = ws
        self._keepalive = keepalive
        self._clock = clock

    async def read(self, frame: Callable[[str], None], *, patience: float) -> None:
        """Hand on every text frame until the line ends, or is silent so much longer than its keepalive window."""
        watch = asyncio.create_task(self._listen_for_silence(patience), name="silence watch")
        try:
            while True:
                message = await self._ws.receive()
                if message.type is aiohttp.WSMsgType.TEXT:
                    self.heard = self._clock.monotonic()
                    frame(message.data)
                elif message.type is not aiohttp.WSMsgType.BINARY:
                    break
        finally:
            watch.cancel()
            if self._ws.closed:
                self.end = self.end or f"closed with {self._ws.close_code or 1006}"

    async def close(self) -> None:
        """Say goodbye, and do not wait long for an answer."""
        await self._ws.close()
        self.end = self.end or "closed by us"

    async def _listen_for_silence(self, patience: float) -> None:
        while (left := self.heard + self._keepalive + patience - self._clock.monotonic()) > 0:
            await self._clock.sleep(left)
        self.end = "gone silent"
        # This ends `receive` at once; the other side is not there to answer a goodbye.
        await self._ws.close()


async def open_line(sockets: aiohttp.ClientSession, url: URL, clock: Clock, *, within: float, close: float) -> Line:
    """Connect and wait for the welcome, both together `within` seconds; a goodbye may take `close` seconds.

    Raises:
        TwitchUnavailable: there was none in time.
    """
    # (pyright cannot see through the decorator that gives this class its fields)
    timeout = aiohttp.ClientWSTimeout(ws_close=close)  # pyright: ignore[reportCallIssue]
    ws: aiohttp.ClientWebSocketResponse | None = None
    try:
        async with asyncio.timeout(within):
            ws = await sockets.ws_connect(http_address(url), timeout=timeout, compress=0)
            session = await _welcome(ws)
        keepalive = min(float(session.get("keepalive_timeout_seconds") or 10.0), LONGEST_KEEPALIVE_SECONDS)
        return Line(ws, str(session["id"]), keepalive, clock)
    except (TimeoutError, aiohttp.ClientError, OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        if ws is not None:
            await ws.close()
        raise TwitchUnavailable(f"Twitch's chat service does not let us in ({_reason(error)})") from None
    except asyncio.CancelledError:
        if ws is not None:
            await ws.close()
        raise


async def _welcome(ws: aiohttp.ClientWebSocketResponse) -> dict[str, Any]:
    """Return the session that Twitch welcomes us to; anything else that comes before is passed over."""
    while True:
        message = await ws.receive()
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise ConnectionResetError(f"closed with {ws.close_code or 1006}")
        data = orjson.loads(message.data)
        if data["metadata"]["message_type"] == "session_welcome":
            return data["payload"]["session"]


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no welcome in time"
    if isinstance(error, aiohttp.WSServerHandshakeError):
        return f"it answers {error.status}"
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ClientHttpProxyError):
        return why_unreachable(error)
    return str(error) if type(error) is ConnectionResetError else type(error).__name__
