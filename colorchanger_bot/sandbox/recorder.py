"""Records every request, and hands it to the fault that matches it, if any."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from aiohttp import web

from .faults import Faults, SeenRequest
from .limits import Limits
from .parameters import body
from .responses import ApiError, Handler
from .tokens import Tokens

_SECRET = frozenset({"access_token", "client_secret", "code", "device_code", "refresh_token", "token"})
_MAX_BODY = 16 * 1024  # bytes; the body of a larger request is not recorded

# aiohttp handles each request in a task of its own; None before this middleware has run.
_current: ContextVar[SeenRequest | None] = ContextVar("_current", default=None)


class Recorder:
    """Records requests; `notify` is called when one arrives and when it is answered."""

    def __init__(self, tokens: Tokens, faults: Faults, limits: Limits, notify: Callable[[], None]) -> None:
        self.requests: list[SeenRequest] = []
        self._tokens = tokens
        self._faults = faults
        self._kept = int(limits.remembered_requests)
        self._notify = notify
        self._answering: set[asyncio.Task[object]] = set()

    def attach(self, app: web.Application) -> None:
        """Become the application's outermost middleware."""
        app.middlewares.append(self._handle)
        app.on_response_prepare.append(self._note_status)

    @web.middleware
    async def _handle(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        seen = await self._seen(request)
        self._remember(seen)
        _current.set(seen)
        self._notify()
        action = self._faults.take(seen)
        if task := asyncio.current_task():
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)
        return await (action(request, handler) if action else handler(request))

    async def close(self) -> None:
        """Cancel the requests that are still being answered, such as those a fault holds up."""
        left = list(self._answering)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _remember(self, seen: SeenRequest) -> None:
        self.requests.append(seen)
        if len(self.requests) > 1.2 * self._kept:  # in one go, so that the list is rarely moved
            del self.requests[: -self._kept]

    async def _note_status(self, request: web.Request, response: web.StreamResponse) -> None:
        """Record the status of an answer that is about to be sent."""
        seen = _current.get()
        if seen and request.transport is not None and not request.transport.is_closing():
            seen.status = response.status
        self._notify()

    async def _seen(self, request: web.Request) -> SeenRequest:
        token = self._tokens.access(request.headers.get("Authorization", "").partition(" ")[2])
        names = dict.fromkeys(name for name in request.query if name not in _SECRET)
        return SeenRequest(
            request.method,
            request.path,
            {name: ",".join(request.query.getall(name)) for name in names},
            token.user.login if token and token.user else None,
            await _body_of(request),
        )


async def _body_of(request: web.Request) -> dict[str, Any]:
    """The body of a Helix request, empty if it cannot be read: only id gets secrets in a body."""
    if not request.path.startswith("/helix"):
        return {}
    try:
        fields = await body(request, or_empty=True)
    except ApiError:
        return {}
    return fields if len(await request.read()) <= _MAX_BODY else {}
