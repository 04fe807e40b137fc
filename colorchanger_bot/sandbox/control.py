"""For people and other processes: approve a device, let someone chat, make requests fail, see the state."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from html import escape
from typing import Any, cast

from aiohttp import web

from .chat import Chat
from .devices import Devices
from .faults import Faults, by_name
from .limits import Limits
from .parameters import body, query_and_form
from .registry import Registry
from .responses import ApiError, json_response
from .state import State, User

_LOOPBACK = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d+)?")
_MAX_USERS = 10_000  # that may be created over HTTP
_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Local Twitch: activate a device</title>
<style>body {{ font: 1.1rem/1.5 system-ui; max-width: 24rem; margin: 4rem auto; padding: 0 1rem }}
input, button {{ font: inherit; display: block; width: 100%; box-sizing: border-box; margin: .3rem 0 1rem }}</style>
<h1>Activate a device</h1>
<p>{note}</p>
<form method="post" action="/activate">
<label>Code <input name="user_code" value="{code}" required autocomplete="off"></label>
<label>Log in as <input name="login" required autocomplete="off"></label>
<button>Activate</button>
<button name="decline" value="yes" formnovalidate>Decline</button>
</form></html>
"""


class Control:
    """Routes that answer only to this machine's own names, so that no web page elsewhere can use them."""

    def __init__(
        self, state: State, chat: Chat, registry: Registry, devices: Devices, faults: Faults, limits: Limits
    ) -> None:
        self._state = state
        self._chat = chat
        self._registry = registry
        self._devices = devices
        self._faults = faults
        self._limits = limits

    def routes(self) -> list[web.RouteDef]:
        """What answers on which path."""
        return [
            web.get("/activate", _guarded(self.show_page)),
            web.post("/activate", _guarded(self.activate)),
            web.post("/sandbox/say", _guarded(self.say)),
            web.post("/sandbox/faults", _guarded(self.add_fault)),
            web.delete("/sandbox/faults", _guarded(self.clear_faults)),
            web.get("/sandbox/state", _guarded(self.show_state)),
        ]

    async def show_page(self, request: web.Request) -> web.Response:
        """The form that approves a device."""
        code = request.query.get("device-code", "")
        device = next((each for each in self._devices.pending if each.user_code == code.upper()), None)
        asked = f" It asks for {', '.join(device.scopes)}." if device is not None else ""
        return _page(f"Choose who logs in on the device.{asked}", code)

    async def activate(self, request: web.Request) -> web.Response:
        """Approve a device as the user of that login, who is created if need be; or decline it."""
        form = await query_and_form(request)
        code, login = form.get("user_code", ""), form.get("login", "")
        try:
            if form.get("decline"):
                self._devices.deny(code)
                return _page("Done: the device gets nothing.", "")
            self._devices.approve(code, self._someone(login))
        except KeyError:
            return _page("No device waits with this code.", code, status=404)
        return _page(f"Done: the device is logged in as {login}.", "")

    async def say(self, request: web.Request) -> web.Response:
        """Let someone chat: `{"as": login, "in": channel, "text": text}`.

        With `"notice": "announcement"`, or another notice, it is one; `"details"` replace its example values.
        """
        given = await _json(request)
        chatter, channel, text, notice = (str(given.get(key, "")) for key in ("as", "in", "text", "notice"))
        details = given.get("details", {})
        place = self._state.find(login=channel)
        if not text and not notice:
            raise ApiError(400, "there is no text")
        if place is None:
            raise ApiError(404, "there is no such channel")
        if len(text) > self._limits.chat_characters or not isinstance(details, dict):
            raise ApiError(400, "the text is too long, or the details are not an object")
        if not notice:
            return json_response({"message_id": await self._chat.say(self._someone(chatter), place, text)})
        try:
            id = await self._chat.send_notice(
                self._someone(chatter), place, text, notice, cast("dict[str, object]", details)
            )
        except ValueError as unknown:
            raise ApiError(400, str(unknown)) from unknown
        return json_response({"message_id": id})

    async def add_fault(self, request: web.Request) -> web.Response:
        """Make requests fail: `{"match": "PUT /helix/chat/color", "fault": "status", "code": 503, "times": 2}`."""
        given = await _json(request)
        match, fault, times = given.pop("match", None), given.pop("fault", None), given.pop("times", 1)
        if not isinstance(match, str) or not isinstance(fault, str):
            raise ApiError(400, 'a fault needs a "match", such as "GET /helix/*", and the name of a "fault"')
        if times is not None and not (isinstance(times, int) and times > 0):
            raise ApiError(400, '"times" must be a positive number, or null for ever')
        try:
            self._faults.add(match, by_name(fault, given), times=times)
        except ValueError as wrong:
            raise ApiError(400, str(wrong)) from wrong
        return web.Response(status=204)

    async def clear_faults(self, request: web.Request) -> web.Response:
        """Let everything work again."""
        self._faults.clear()
        return web.Response(status=204)

    async def show_state(self, request: web.Request) -> web.Response:
        """Who is there, in which colour, and who reads what; no tokens."""
        users = [
            {"id": user.id, "login": user.login, "display_name": user.display_name, "color": user.color}
            for user in self._state.users
        ]
        subscriptions = [
            {
                "id": known.id,
                "type": known.type,
                "user": known.user.login,
                "channel": known.channel.login,
                "session_id": known.session.id,
            }
            for known in self._registry.enabled
        ]
        return json_response({"users": users, "subscriptions": subscriptions})

    def _someone(self, login: str) -> User:
        if found := self._state.find(login=login):
            return found
        if len(self._state.users) >= _MAX_USERS:
            raise ApiError(400, "there are too many users")
        try:
            return self._state.add_user(login)
        except ValueError as bad:
            raise ApiError(400, str(bad)) from bad


async def _json(request: web.Request) -> dict[str, Any]:
    """The JSON object in the body; a form of a web page cannot send one.

    Raises: ApiError when there is none.
    """
    if request.content_type != "application/json":
        raise ApiError(415, "send JSON, with Content-Type: application/json")
    return await body(request)


def _guarded(
    handler: Callable[[web.Request], Awaitable[web.Response]],
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Refuse a name that only resolves to this machine (DNS rebinding), and a form of another site."""

    async def guarded(request: web.Request) -> web.Response:
        host, origin = request.headers.get("Host", ""), request.headers.get("Origin")
        if not _LOOPBACK.fullmatch(host) or origin not in (None, f"http://{host}"):
            raise ApiError(403, "only for this machine")
        return await handler(request)

    return guarded


def _page(note: str, code: str, *, status: int = 200) -> web.Response:
    html = _PAGE.format(note=escape(note), code=escape(code))
    return web.Response(text=html, content_type="text/html", status=status)
