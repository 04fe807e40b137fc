"""How the local Twitch answers: JSON bodies, refusals in the shape of each host, timestamps."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, cast

import orjson
from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class RefusedError(Exception):
    """Raised by a rule that a request breaks; it becomes the answer."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})


def answer(data: object, *, status: int = 200) -> web.Response:
    """A JSON answer."""
    return web.Response(body=orjson.dumps(data), status=status, content_type="application/json", charset="utf-8")


def refusal(path: str, status: int, message: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """An error in the shape of the host that `path` stands for: Helix names the error, id does not."""
    body: dict[str, object] = {"status": status, "message": message}
    if path.startswith("/helix"):
        body = {"error": HTTPStatus(status).phrase, **body}
    response = answer(body, status=status)
    response.headers.update(headers or {})
    return response


@web.middleware
async def explain_refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn what a rule raises, and what aiohttp raises for an unknown route, into Twitch's error bodies."""
    try:
        return await handler(request)
    except RefusedError as refused:
        return refusal(request.path, refused.status, refused.message, refused.headers)
    except web.HTTPClientError as unknown:
        return refusal(request.path, unknown.status, unknown.reason)


async def json_object(request: web.Request) -> dict[str, Any]:
    """The JSON object in the body.

    Raises: RefusedError when there is none.
    """
    try:
        body: object = orjson.loads(await request.read())
    except orjson.JSONDecodeError:
        raise RefusedError(400, "The request body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise RefusedError(400, "The request body must be a JSON object.")
    return cast("dict[str, Any]", body)


def page(rows: list[Any], request: web.Request, *, default: int = 20) -> tuple[list[Any], dict[str, str]]:
    """One page of `rows` and the `pagination` object that leads to the next (Twitch API, "Pagination")."""
    first, after = request.query.get("first", str(default)), request.query.get("after", "0")
    if not first.isdecimal() or not 1 <= int(first) <= 100:
        raise RefusedError(400, 'The parameter "first" was malformed: the value must be between 1 and 100.')
    if not after.isdecimal():
        raise RefusedError(400, "The cursor is not valid.")
    end = int(after) + int(first)
    return rows[int(after) : end], {"cursor": str(end)} if end < len(rows) else {}


def timestamp(ns: int | None = None) -> str:
    """RFC 3339 with nanoseconds, as EventSub writes it; `ns` counts from 1970, now if None."""
    seconds, fraction = divmod(time.time_ns() if ns is None else ns, 1_000_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{fraction:09d}Z"
