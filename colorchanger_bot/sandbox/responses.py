"""Responses of the local Twitch: JSON, errors in the shape of each host, pages, timestamps."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web

_FIRST, _CURSOR = re.compile(r"[0-9]{1,4}"), re.compile(r"[0-9]{1,9}")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ApiError(Exception):
    """An error that Twitch answers with; raised where a request breaks a rule."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})


def json_response(data: object, *, status: int = 200) -> web.Response:
    """A JSON response."""
    return web.Response(body=orjson.dumps(data), status=status, content_type="application/json", charset="utf-8")


def error_response(path: str, status: int, message: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """An error in the shape of the host that `path` belongs to: only Helix has an `error` field."""
    body: dict[str, object] = {"status": status, "message": message}
    if path.startswith("/helix"):
        body = {"error": HTTPStatus(status).phrase, **body}
    response = json_response(body, status=status)
    response.headers.update(headers or {})
    return response


@web.middleware
async def error_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn `ApiError`, and aiohttp's own errors such as an unknown route, into Twitch's error bodies."""
    try:
        check_text(request.host, request.path, *request.query.keys(), *request.query.values())
        return await handler(request)
    except ApiError as refused:
        return error_response(request.path, refused.status, refused.message, refused.headers)
    except web.HTTPClientError as unknown:
        return error_response(request.path, unknown.status, unknown.reason)


def check_text(*texts: str) -> None:
    """Refuse text that cannot be written in an answer: bytes that are not UTF-8.

    Raises: ApiError.
    """
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:
        raise ApiError(400, "The request is not valid UTF-8.") from None


def paginate(rows: list[Any], request: web.Request, *, default: int = 20) -> tuple[list[Any], dict[str, str]]:
    """One page of `rows` and the `pagination` object that leads to the next (Twitch API, "Pagination").

    Raises: ApiError when `first` is not a number from 1 to 100 or `after` is not a cursor.
    """
    first, after = request.query.get("first", str(default)), request.query.get("after", "0")
    if not _FIRST.fullmatch(first) or not 1 <= int(first) <= 100:
        raise ApiError(400, 'The parameter "first" was malformed: the value must be between 1 and 100.')
    if not _CURSOR.fullmatch(after):
        raise ApiError(400, "The cursor is not valid.")
    end = int(after) + int(first)
    return rows[int(after) : end], {"cursor": str(end)} if end < len(rows) else {}


def timestamp(ns: int | None = None) -> str:
    """RFC 3339 with nanoseconds, as EventSub writes it; `ns` counts from 1970, now if None."""
    seconds, fraction = divmod(time.time_ns() if ns is None else ns, 1_000_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{fraction:09d}Z"
