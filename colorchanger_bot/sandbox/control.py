"""For people: the page that approves a device, and a way to talk to the local Twitch from another process."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from html import escape

from aiohttp import web

from .chat import Chat
from .devices import Devices
from .registry import Registry
from .responses import ApiError, json_object, json_response
from .state import State, User

_LOOPBACK = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d+)?")
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
</form></html>
"""


class Control:
    """These routes answer only when they are asked by a name of this machine: no page elsewhere may use them."""

    def __init__(self, state: State, chat: Chat, registry: Registry, devices: Devices) -> None:
        self._state = state
        self._chat = chat
        self._registry = registry
        self._devices = devices

    def routes(self) -> list[web.RouteDef]:
        """What answers on which path."""
        return [
            web.get("/activate", _guarded(self.show_page)),
            web.post("/activate", _guarded(self.activate)),
            web.post("/sandbox/say", _guarded(self.say)),
            web.get("/sandbox/state", _guarded(self.state)),
        ]

    async def show_page(self, request: web.Request) -> web.Response:
        """The form that approves a device."""
        return _page("Pretend to be someone, and let the device log in.", request.query.get("device-code", ""))

    async def activate(self, request: web.Request) -> web.Response:
        """Approve a device as the user of that login, who is made up if there is none."""
        form = await request.post()
        code, login = str(form.get("user_code", "")), str(form.get("login", ""))
        try:
            self._devices.approve(code, self._someone(login))
        except KeyError:
            return _page("No device waits with this code.", code, status=404)
        return _page(f"Done: the device is logged in as {login}.", "")

    async def say(self, request: web.Request) -> web.Response:
        """Let someone say something: `{"as": login, "in": channel, "text": text}`."""
        if request.content_type != "application/json":
            raise ApiError(415, "send JSON, with Content-Type: application/json")
        body = await json_object(request)
        chatter, channel, text = (str(body.get(key, "")) for key in ("as", "in", "text"))
        place = self._state.find(login=channel)
        if place is None or not text:
            raise ApiError(404 if text else 400, "there is no such channel" if text else "nothing to say")
        return json_response({"message_id": await self._chat.say(self._someone(chatter), place, text)})

    async def state(self, request: web.Request) -> web.Response:
        """Who is there, in which colour, and who reads what; no tokens."""
        users = [
            {"id": user.id, "login": user.login, "display_name": user.display_name, "color": user.color}
            for user in self._state.users
        ]
        subscriptions = [
            {"id": known.id, "user": known.user.login, "channel": known.channel.login, "session_id": known.session.id}
            for known in self._registry.enabled
        ]
        return json_response({"users": users, "subscriptions": subscriptions})

    def _someone(self, login: str) -> User:
        try:
            return self._state.find(login=login) or self._state.add_user(login)
        except ValueError as bad:
            raise ApiError(400, str(bad)) from bad


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
