"""What a request meets in place of its answer: an error, silence, or bytes that Twitch did not write."""

from __future__ import annotations

import asyncio
import math
import time
import zlib
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from .responses import Handler, error_response

_CHUNK = 1 << 20  # bytes

Action = Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]


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
    """Send nothing for so many seconds, then close the connection; do nothing."""

    async def act(request: web.Request, handler: Handler) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return _vanish(request)

    return act


def mute(seconds: float) -> Action:
    """Accept a WebSocket and send nothing, not even the welcome; hang up after so many seconds."""

    async def act(request: web.Request, handler: Handler) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await asyncio.sleep(seconds)
        return _vanish(request)

    return act


def delay(seconds: float) -> Action:
    """Do it and answer, but so many seconds later."""

    async def act(request: web.Request, handler: Handler) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return await handler(request)

    return act


def reply(
    code: int, body: str | bytes = b"", *, content_type: str = "text/plain", headers: Mapping[str, str] | None = None
) -> Action:
    """Answer with any status and any body, and do nothing."""
    raw = body.encode() if isinstance(body, str) else body

    async def act(request: web.Request, handler: Handler) -> web.StreamResponse:
        return web.Response(status=code, body=raw, headers={"Content-Type": content_type, **(headers or {})})

    return act


def html(code: int, title: str = "Attention required") -> Action:
    """Answer with a page, as a captive portal or a protection service does, and do nothing."""
    page = f"<!doctype html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    return reply(code, page, content_type="text/html; charset=utf-8")


def gateway(code: int) -> Action:
    """Answer with JSON that a gateway wrote: an object without Twitch's `status`, and do nothing."""
    return reply(code, '{"message": "no healthy upstream"}', content_type="application/json")


def empty(code: int) -> Action:
    """Answer with a status and no body, and do nothing."""
    return reply(code, content_type="application/json")


def mismatch(code: int, said: int, message: str = "") -> Action:
    """Answer with one status, and with Twitch's error body of another, and do nothing."""

    async def act(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = error_response(request.path, said, message)
        response.set_status(code)
        return response

    return act


def garbage() -> Action:
    """Answer 200 with what is not JSON though it says so, and do nothing."""
    return reply(200, "<html>upstream is having a day</html>", content_type="application/json")


def large(
    code: int = 200, *, size: int = 60_000_000, compressed: bool = False, content_type: str = "text/html"
) -> Action:
    """Answer with a body of `size` bytes, `compressed` with gzip if wanted (then 1 MB is sent as 1 kB); do nothing."""

    async def act(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = web.StreamResponse(status=code, headers={"Content-Type": content_type})
        if compressed:
            response.headers["Content-Encoding"] = "gzip"
        else:
            response.content_length = size
        await response.prepare(request)
        packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
        for start in range(0, size, _CHUNK):
            chunk = b" " * min(_CHUNK, size - start)
            await response.write(packer.compress(chunk) if compressed else chunk)
        await response.write(packer.flush() if compressed else b"")
        await response.write_eof()
        return response

    return act


def _vanish(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


_ACTIONS: dict[str, Callable[..., Action]] = {
    "delay": delay,
    "drop": drop,
    "drop_after": drop_after,
    "empty": empty,
    "garbage": garbage,
    "gateway": gateway,
    "hang": hang,
    "html": html,
    "large": large,
    "mismatch": mismatch,
    "mute": mute,
    "rate_limited": rate_limited,
    "reply": reply,
    "status": status,
}


def by_name(name: str, arguments: Mapping[str, object]) -> Action:
    """The action of that name, such as `status` with `{"code": 503}`.

    Raises: ValueError when there is no such action, or an argument is missing, unknown or out of range.
    """
    if name not in _ACTIONS:
        raise ValueError(f"there is no such fault; these are: {', '.join(_ACTIONS)}")
    for argument, value in arguments.items():
        if not _fits(argument, value):
            raise ValueError(f"{argument} does not fit")
    try:
        return _ACTIONS[name](**arguments)
    except TypeError:
        raise ValueError(f"these arguments do not fit {name}") from None


def _fits(argument: str, value: object) -> bool:
    if argument == "compressed":
        return isinstance(value, bool)
    if argument in ("code", "said", "size"):
        low, high = (0, 100_000_000) if argument == "size" else (200, 599)
        return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
    if argument in ("seconds", "reset_in"):
        return isinstance(value, int | float) and 0 <= value <= 3600
    if argument == "headers":
        return False  # only in Python: a wrong header would break the answer
    return isinstance(value, str) and (argument == "body" or value.isprintable())
