"""The page where viewers join a community, see how it goes, and leave; it needs no password and shows no dashboard."""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import orjson
from aiohttp import hdrs, web
from jinja2 import Environment

from colorchanger_bot.clock import Clock
from colorchanger_bot.color import fitting_names
from colorchanger_bot.color.preview import rows
from colorchanger_bot.errors import JoinRefused
from colorchanger_bot.service.joins import PendingJoin
from colorchanger_bot.service.service import Service
from colorchanger_bot.settings.load import Settings
from colorchanger_bot.web.access import Refused
from colorchanger_bot.web.join_states import LEFT, NEW, WAITING, Visit, as_member, waiting, when_ended
from colorchanger_bot.web.qr import qr_code
from colorchanger_bot.web.rates import Rate, Rates, address_of
from colorchanger_bot.web.visitors import PATH, Visitors

EACH, TOGETHER = Rate(60, 5.0), Rate(600, 100.0)
"""Requests of one address, and of all. A page asks every 1.5 s while its visitor logs in."""
MOST_LOGINS = 200
"""Logins of visitors that are remembered, with those that have ended."""
SHOWN_COLORS = 24
STATUS = {"closed": 404, "full": 409, "busy": 503, "too often": 429}
"""The HTTP status for each reason not to begin a login; 503 for any other."""

Handler = Callable[[web.Request], Awaitable[web.Response]]


class Begun(NamedTuple):
    """The login that a visitor began last."""

    login: PendingJoin
    to_leave: bool
    picture: dict[str, Any] | None
    """The QR code of Twitch's page; it is drawn once, since the page asks for the state again and again."""


class JoinPage:
    """The handlers of /join."""

    def __init__(self, service: Service, clock: Clock, templates: Environment) -> None:
        self._community = service.community
        self._clock = clock
        self._templates = templates
        self._visitors = Visitors(clock)
        self._rates = Rates(clock, each=EACH, together=TOGETHER)
        self._begun: OrderedDict[str, Begun] = OrderedDict()
        """By the name of the browser."""
        service.on_settings(self._use)

    def _use(self, settings: Settings) -> None:
        self._settings, colors = settings, settings.color
        self._command = f"{settings.commands.prefix}{settings.commands.name}"
        self._colors = {
            "names": self._preview(names_only=True),
            "any": self._preview(names_only=False),
            "count": len(fitting_names(colors.theme, colors.min_contrast)),
        }

    def routes(self) -> list[web.RouteDef]:
        """Return what answers on which path."""
        return [
            web.get(PATH, self._guarded(self.page)),
            web.get(f"{PATH}/state", self._guarded(self.state)),
            web.post(f"{PATH}/start", self._guarded(self.start)),
            web.post(f"{PATH}/cancel", self._guarded(self.cancel)),
            web.post(f"{PATH}/leave", self._guarded(self.leave)),
        ]

    # What the paths do

    async def page(self, request: web.Request) -> web.Response:
        """The page itself."""
        response = web.Response(content_type="text/html")
        name = self._visitors.of(request) or self._visitors.welcome(request, response)
        response.text = self._templates.get_template("join.html").render(
            csrf=self._visitors.proof_of_page(name),
            channel=self._community.channel,
            visit=self._visit(name),
            command=self._command if self._settings.commands.enabled else "",
            colors=self._colors,
            restore=self._settings.color.restore,
        )
        return response

    async def state(self, request: web.Request) -> web.Response:
        """How it goes for this visitor."""
        name = self._visitors.of(request)
        return self._answer(name, self._visit(name))

    async def start(self, request: web.Request) -> web.Response:
        """Begin to join: Twitch gives a code."""
        return await self._begin(request, to_leave=False)

    async def cancel(self, request: web.Request) -> web.Response:
        """Wait no longer until the code is entered."""
        name = self._visitors.of(request)
        if (begun := self._begun.pop(name, None)) is not None:
            self._community.cancel(begun.login.id)
        return self._answer(name, self._visit(name))

    async def leave(self, request: web.Request) -> web.Response:
        """Delete everything about this visitor; a browser that has proved nothing yet gets a code first."""
        name = self._visitors.of(request)
        user_id = self._visitors.proven(name)
        if not user_id or self._community.member(user_id) is None:
            return await self._begin(request, to_leave=True)
        await self._community.forget(user_id)
        self._visitors.forget(user_id)
        self._begun.pop(name, None)
        return self._answer(name, LEFT)

    # Parts

    async def _begin(self, request: web.Request, *, to_leave: bool) -> web.Response:
        before = self._visitors.of(request)
        begun, visit = self._begun.get(before), self._visit(before)
        if begun is None or begun.to_leave != to_leave or visit.state != WAITING:
            try:
                login = await self._community.begin(
                    address=address_of(request), to_leave=to_leave, again=bool(visit.login)
                )
            except JoinRefused as error:
                raise Refused(STATUS.get(error.reason, 503), str(error)) from None
            if begun is not None:
                self._community.cancel(begun.login.id)
            begun = Begun(login, to_leave, qr_code(login.verification_uri))
        # A new name for each login: nobody can have given this browser one that they know themselves.
        response = web.Response(content_type="application/json")
        name = self._visitors.welcome(request, response)
        self._visitors.rename(before, name)
        self._begun.pop(before, None)
        self._begun[name] = begun
        while len(self._begun) > MOST_LOGINS:
            self._begun.popitem(last=False)
        response.body = orjson.dumps(self._to_json(name, self._visit(name)))
        return response

    def _visit(self, name: str) -> Visit:
        """How it goes for the person at the browser with this name."""
        begun = self._begun.get(name)
        progress = self._community.progress(begun.login.id) if begun is not None else None
        if progress is not None and progress.state == "joined":
            self._visitors.prove(name, progress.user_id)
        if begun is not None and progress is not None and progress.state == "waiting":
            return waiting(begun.login, begun.picture, self._clock.now().timestamp(), to_leave=begun.to_leave)
        if user_id := self._visitors.proven(name):
            member = self._community.member(user_id)
            if member is not None:
                return as_member(member, self._community.channel, self._command)
            if progress is None or progress.state != "joined":
                self._visitors.forget(user_id)  # has left elsewhere, and may join again without this browser
        if progress is None or progress.state == "unknown":
            return NEW
        return when_ended(progress)

    def _answer(self, name: str, visit: Visit) -> web.Response:
        return web.Response(body=orjson.dumps(self._to_json(name, visit)), content_type="application/json")

    def _to_json(self, name: str, visit: Visit) -> dict[str, Any]:
        # Another tab may have renamed the browser: each answer says what the next change has to be sent with.
        return visit.to_json() | {"csrf": self._visitors.proof_of_page(name)}

    def _preview(self, *, names_only: bool) -> list[str]:
        plan = self._settings.color.plan()
        shown = rows(plan, SHOWN_COLORS, random.Random(), self._clock.now(), presets_only=names_only)
        return [row.hex for row in shown]

    def _guarded(self, handler: Handler) -> Handler:
        """Return a handler that does nothing for a closed community, a flood, or a page of another site."""

        async def guarded(request: web.Request) -> web.Response:
            if not self._community.is_open:
                raise web.HTTPNotFound
            if wait := self._rates.wait(address_of(request)):
                seconds = int(wait) + 1
                raise Refused(429, f"Too many requests: try again in {seconds} s.", {"Retry-After": str(seconds)})
            proof = request.headers.get("X-CSRF-Token", "")
            if request.method == hdrs.METH_POST and not self._visitors.is_own_page(self._visitors.of(request), proof):
                raise Refused(403, "This page is out of date: reload it.")
            return await handler(request)

        return guarded
