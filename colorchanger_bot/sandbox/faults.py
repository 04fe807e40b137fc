"""Faults on demand: an action that takes the place of an answer, for the requests that match."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from aiohttp import web

from .responses import Handler, error_response

Action = Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]


@dataclass(eq=False, slots=True)
class SeenRequest:
    """A request as it came; `status` is None until, and unless, it was answered.

    `query` and `body` (the JSON of a Helix request) hold no secret; a repeated parameter is joined by commas.
    `at` is on the monotonic clock.
    """

    method: str
    path: str
    query: dict[str, str]
    login: str | None
    body: dict[str, Any]
    status: int | None = None
    at: float = field(default_factory=time.monotonic)

    @property
    def line(self) -> str:
        """The method and the path, as in `PUT /helix/chat/color`."""
        return f"{self.method} {self.path}"


@dataclass(eq=False, slots=True)
class Fault:
    """An action for the requests that match; `hits` counts them."""

    match: str
    action: Action
    times: int | None
    where: Callable[[SeenRequest], bool]
    hits: int = 0

    def applies(self, seen: SeenRequest) -> bool:
        """Whether the request matches and the fault is not used up."""
        left = self.times is None or self.hits < self.times
        return left and fnmatchcase(seen.line, self.match) and self.where(seen)


class Faults:
    """The faults that wait for their request; the first that matches is used."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(
        self,
        match: str,
        action: Action,
        *,
        times: int | None = 1,
        where: Callable[[SeenRequest], bool] = lambda seen: True,
    ) -> Fault:
        """Let the next `times` requests that match meet an action, or all if None.

        `match` is a line such as `PUT /helix/chat/color`, in which `*` stands for anything.
        """
        fault = Fault(match, action, times, where)
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Let everything work again."""
        self._faults.clear()

    def take(self, seen: SeenRequest) -> Action | None:
        """The action that the request meets, if any."""
        for fault in self._faults:
            if fault.applies(seen):
                fault.hits += 1
                return fault.action
        return None


def status(code: int, *, message: str = "", headers: Mapping[str, str] | None = None) -> Action:
    """Answer with an error and do nothing."""

    async def act(request: web.Request, handler: Handler) -> web.StreamResponse:
        return error_response(request.path, code, message, headers)

    return act


def rate_limited(reset_in: float) -> Action:
    """Answer 429 with an empty bucket that is full again in so many seconds, rounded up as Twitch's header is."""

    async def act(request: web.Request, handler: Handler) -> web.StreamResponse:
        headers = {
            "Ratelimit-Limit": "800",
            "Ratelimit-Remaining": "0",
            "Ratelimit-Reset": str(math.ceil(time.time() + reset_in)),
        }
        return error_response(request.path, 429, "Too many requests", headers)

    return act


def drop() -> Action:
    """Close the connection without an answer, and do nothing.

    An aiohttp client tries a lost GET, PUT or DELETE a second time by itself: two `times` make it fail.
    """

    async def act(request: web.Request, handler: Handler) -> web.StreamResponse:
        return _vanish(request)

    return act


def drop_after() -> Action:
    """Do it, then close the connection without an answer."""

    async def act(request: web.Request, handler: Handler) -> web.StreamResponse:
        await handler(request)
        return _vanish(request)

    return act


def hang(seconds: float) -> Action:
    """Say nothing for so long, then close the connection, and do nothing."""

    async def act(request: web.Request, handler: Handler) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return _vanish(request)

    return act


def mute(seconds: float) -> Action:
    """Take a WebSocket in and say nothing, not even the welcome; hang up after so long."""

    async def act(request: web.Request, handler: Handler) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await asyncio.sleep(seconds)
        return _vanish(request)

    return act


def delay(seconds: float) -> Action:
    """Do it and answer, but so much later."""

    async def act(request: web.Request, handler: Handler) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return await handler(request)

    return act


def garbage() -> Action:
    """Answer 200 with what is no JSON, and do nothing."""

    async def act(request: web.Request, handler: Handler) -> web.StreamResponse:
        return web.Response(text="<html>upstream is having a day</html>", content_type="application/json")

    return act


def _vanish(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
