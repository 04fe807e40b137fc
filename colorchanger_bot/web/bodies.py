"""What requests of the page bring, and what they are answered with."""

from __future__ import annotations

from typing import Any

import orjson
from aiohttp import web

from colorchanger_bot.web.access import Refused

MOST_CHARACTERS = 500


async def text_of(request: web.Request) -> str:
    """Return the text that a page sent.

    Raises:
        Refused: there is none, or it is too long.
    """
    try:
        body = orjson.loads(await request.read())
    except orjson.JSONDecodeError:
        body = None
    text: object = body.get("text") if isinstance(body, dict) else None  # pyright: ignore[reportUnknownMemberType,reportUnknownVariableType]
    if request.content_type != "application/json" or not isinstance(text, str) or not text.strip():
        raise Refused(400, 'send {"text": "..."} as JSON')
    if len(text) > MOST_CHARACTERS:
        raise Refused(400, f"this is longer than {MOST_CHARACTERS} characters")
    return text.strip()


def as_json(data: Any, *, status: int = 200) -> web.Response:
    """Return an answer in JSON."""
    return web.Response(body=orjson.dumps(data), content_type="application/json", status=status)
