"""Sends the state to every open page when it changes, as server-sent events."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import orjson
from aiohttp import web

from colorchanger_bot.clock import Clock, Notifier

LOOK_SECONDS = 2.0
"""How often the state is compared: some changes, such as a joined channel, have no event."""
GATHER_SECONDS = 0.05
"""Changes this close together are sent as one event."""
MOST_STREAMS = 20
WRITE_SECONDS = 10.0
"""A page that does not read for this long is closed."""


class Stream:
    """All open pages."""

    def __init__(
        self, state: Callable[[str], dict[str, Any]], clock: Clock, *, may_see: Callable[[web.Request], bool]
    ) -> None:
        self._state = state
        self._may_see = may_see
        self._clock = clock
        self._changes = Notifier()
        self._open = 0
        self._closing = False

    def notify(self) -> None:
        """Tell the pages that something has changed."""
        self._changes.notify()

    def close(self) -> None:
        """Close every stream."""
        self._closing = True
        self._changes.notify()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Serve one page, until it is closed or its visitor logs out; `?account=` says which account it shows."""
        if self._open >= MOST_STREAMS or self._closing:
            raise web.HTTPServiceUnavailable(text="too many open pages\n")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
        await response.prepare(request)
        self._open += 1
        try:
            with contextlib.suppress(ConnectionResetError, TimeoutError):
                await self._tell(request, response)
        finally:
            self._open -= 1
        return response

    async def _tell(self, request: web.Request, response: web.StreamResponse) -> None:
        await response.write(b"retry: 1000\n\n")
        told, account = b"", request.query.get("account", "")
        while not self._closing and self._may_see(request):
            news = self._changes.next
            state = orjson.dumps(self._state(account))
            # Something is sent each time, even without news: to the page, silence means a lost connection.
            event = b"event: same\ndata: \n\n" if state == told else b"event: state\ndata: " + state + b"\n\n"
            async with asyncio.timeout(WRITE_SECONDS):
                await response.write(event)
            told = state
            await news.wait_at_most(self._clock, LOOK_SECONDS)
            await self._clock.sleep(GATHER_SECONDS)
