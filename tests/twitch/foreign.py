"""Answers that Twitch did not write, as gateways, protection pages and login pages give them."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from colorchanger_bot.sandbox import faults

PAGE = b"<!doctype html><title>Access denied</title><p>Invalid token. Missing scope. Your client is banned."
BODIES = {
    "a page": PAGE,
    "nothing": b"",
    "an empty object": b"{}",
    "a list": b"[]",
    "a text": b'"Forbidden"',
    "half an object": b'{"status":40',
    "no status": b'{"message":"Invalid OAuth token"}',
    "no message": b'{"status":%d}',
    "another status": b'{"status":418,"message":"Invalid OAuth token"}',
    "the status as a text": b'{"status":"%d","message":"Invalid OAuth token"}',
    "a message that is no text": b'{"status":%d,"message":{"en":"denied"}}',
    "another shape": b'{"error":"access_denied","error_description":"invalid client"}',
}


def body(name: str, status: int) -> bytes:
    """Return a body that does not come from Twitch, for an answer with this status."""
    return BODIES[name].replace(b"%d", str(status).encode())


def answer(status: int, name: str = "a page", **headers: str) -> faults.Action:
    """Answer with this status in the place of Twitch, and do nothing."""

    async def act(request: web.Request, handler: Any) -> web.StreamResponse:
        kind = "text/html" if name == "a page" else "application/json"
        return web.Response(status=status, body=body(name, status), content_type=kind, headers=headers)

    return act
