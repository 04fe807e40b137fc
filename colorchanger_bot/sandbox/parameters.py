"""Parameters of a request: from its query, its form and its JSON, refused where they cannot be read."""

from __future__ import annotations

from contextvars import ContextVar
from email import message_from_bytes
from typing import Any, cast
from urllib.parse import parse_qsl

import orjson
from aiohttp import web

from .responses import ApiError

FORM, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
_CHARSETS = frozenset({"utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin-1", "windows-1252", "cp1252"})
_MAX_FIELDS = 1_000
# The request whose body was read in this context, and the outcome: a body can be read only once.
_read: ContextVar[tuple[web.Request, bytes | ApiError] | None] = ContextVar("_read", default=None)


async def query_and_form(request: web.Request) -> dict[str, str]:
    """What was sent in the query or as a form: id.twitch.tv takes both.

    Raises: ApiError when it cannot be read.
    """
    return {**query(request), **(_form(request, await _body(request)) if _is_form(request) else {})}


async def query_and_body(request: web.Request) -> dict[str, Any]:
    """What was sent in the query, as a form or as JSON: Helix takes all three.

    Raises: ApiError when it cannot be read.
    """
    return {**query(request), **await body(request, or_empty=True)}


async def body(request: web.Request, *, or_empty: bool = False) -> dict[str, Any]:
    """The fields of the body, which is a form or a JSON object, or empty with `or_empty`.

    Raises: ApiError when it is something else.
    """
    raw = await _body(request)
    if _is_form(request):
        return dict[str, Any](_form(request, raw))
    if or_empty and not raw.strip():
        return {}
    try:
        value: object = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise ApiError(400, "The request body is not valid JSON.") from None
    if not isinstance(value, dict):
        raise ApiError(400, "The request body must be a JSON object.")
    return cast("dict[str, Any]", value)


def query(request: web.Request) -> dict[str, str]:
    """The query; the first value of a parameter that is repeated."""
    return {name: request.query[name] for name in request.query}


def _is_form(request: web.Request) -> bool:
    return request.content_type in (FORM, MULTIPART)


async def _body(request: web.Request) -> bytes:
    """The body; reading it a second time has the same outcome as the first.

    Raises: ApiError when it is too large or damaged.
    """
    known = _read.get()
    outcome = known[1] if known and known[0] is request else None
    if outcome is None:
        try:
            outcome = await request.read()
        except web.HTTPRequestEntityTooLarge:
            outcome = ApiError(413, "The request body is too large.")
        except (web.RequestPayloadError, web.PayloadAccessError, ConnectionError):
            outcome = ApiError(400, "The request body cannot be read.")
        _read.set((request, outcome))
    if isinstance(outcome, ApiError):
        raise outcome
    return outcome


def _form(request: web.Request, raw: bytes) -> dict[str, str]:
    """The fields of a form; the first of each name. Uploaded files are ignored."""
    charset = (request.charset or "utf-8").lower()
    if charset not in _CHARSETS:
        raise ApiError(400, "The charset of the request body is not supported.")
    try:
        pairs = _parts(request, raw, charset) if request.content_type == MULTIPART else _pairs(raw, charset)
    except ValueError:
        raise ApiError(400, "The request body is not a valid form.") from None
    return dict(reversed(pairs))


def _pairs(raw: bytes, charset: str) -> list[tuple[str, str]]:
    return parse_qsl(raw.decode(charset), keep_blank_values=True, encoding=charset, max_num_fields=_MAX_FIELDS)


def _parts(request: web.Request, raw: bytes, charset: str) -> list[tuple[str, str]]:
    head = request.headers["Content-Type"].encode("utf-8", "surrogateescape")
    message = message_from_bytes(b"Content-Type: " + head + b"\r\n\r\n" + raw)
    pairs: list[tuple[str, str]] = []
    for part in message.walk():
        name, content = part.get_param("name", header="Content-Disposition"), part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes) and part.get_filename() is None:
            pairs.append((name, content.decode(charset)))
    return pairs
