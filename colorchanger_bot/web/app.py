"""The dashboard as an aiohttp application: which path does what."""

from __future__ import annotations

import logging
import secrets
from pathlib import Path
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from colorchanger_bot.changer.pending_changes import Change
from colorchanger_bot.clock import Clock
from colorchanger_bot.service.service import Service
from colorchanger_bot.web.access import Access, Refused, add_headers, cookie_name, set_session
from colorchanger_bot.web.accounts import AccountRoutes
from colorchanger_bot.web.activity import Activity
from colorchanger_bot.web.autostart import ComputerStart
from colorchanger_bot.web.bodies import as_json, text_of
from colorchanger_bot.web.chat import Chat
from colorchanger_bot.web.health import Health
from colorchanger_bot.web.history import History, channel_of
from colorchanger_bot.web.join import JoinPage
from colorchanger_bot.web.login import PageLogin
from colorchanger_bot.web.members import Members
from colorchanger_bot.web.metrics import CONTENT_TYPE, Metrics
from colorchanger_bot.web.probes import readiness
from colorchanger_bot.web.sessions import Sessions
from colorchanger_bot.web.settings_page import SettingsPage
from colorchanger_bot.web.setup import SetUp
from colorchanger_bot.web.state import snapshot
from colorchanger_bot.web.stream import Stream

logger = logging.getLogger(__name__)

HERE = Path(__file__).parent
MOST_BYTES = 16 * 1024
"""In a request; the longest is a palette."""


class Dashboard:
    """The handlers of all paths: pages, probes, metrics, and the page's own requests."""

    def __init__(self, service: Service, *, clock: Clock, chat: Chat | None = None) -> None:
        self._service = service
        self._clock = clock
        self._chat = chat
        self._boot = secrets.token_hex(8)
        """Tells a page that it comes from an earlier run, whose CSRF tokens are no longer valid."""
        self._sessions = Sessions(service.settings.web.password.reveal(), clock)
        service.on_settings(lambda settings: self._sessions.use(settings.web.password.reveal()))
        self._access = Access(service.settings.web, self._sessions, invites=service.settings.community.enabled)
        self._metrics = Metrics(service)
        self._history = History(service.changer, clock)
        self._activity = Activity(clock)
        self._stream = Stream(self._state, clock, may_see=self._access.is_trusted)
        self._login = PageLogin(service, clock, self._stream.notify)
        self._accounts = AccountRoutes(service, clock, self._stream.notify)
        self._health = Health(lambda: service.settings, clock, service.reports)
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined
        )
        self._join = JoinPage(service, clock, self._templates)
        computer = ComputerStart(service)
        self._setup = SetUp(service, clock, self._login, self._access, computer, self._stream.notify, self.setup_page)
        self._settings = SettingsPage(service, clock, self._sessions, computer, self._page)
        service.changer.on_change(self._on_change)
        if chat is not None:
            chat.on_line(self._stream.notify)

    def application(self) -> web.Application:
        """Return the application."""
        app = web.Application(middlewares=[self._access.middleware()], client_max_size=MOST_BYTES)
        app.on_response_prepare.append(add_headers)
        app.add_routes(
            [
                web.get("/", self.page),
                web.get("/login", self.login_page),
                web.post("/login", self.log_in),
                web.post("/logout", self.log_out),
                web.get("/healthz", self.healthz),
                web.get("/readyz", self.readyz),
                web.get("/metrics", self.metrics),
                web.get("/api/events", self._stream.serve),
                web.get("/api/checkup", self.checkup),
                web.post("/api/login", self.start_login),
                web.delete("/api/login", self.cancel_login),
                web.static("/static", HERE / "static"),
                *self._accounts.routes(),
                *self._setup.routes(),
                *self._join.routes(),
                *Members(self._service).routes(),
                *self._settings.routes(),
            ]
        )
        if self._chat is not None:
            app.add_routes([web.post("/api/chat", self.say), web.post("/api/chat/play", self.play)])
        return app

    async def close(self) -> None:
        """Close every stream, and cancel a login."""
        await self._login.cancel()
        await self._setup.close()
        self._stream.close()

    # Pages

    async def page(self, request: web.Request) -> web.Response:
        """The dashboard, with all that it shows first, so that nothing moves; until there is an account, the set-up."""
        if self._chat is None and "later" not in request.query and self._setup.is_needed(request):
            raise web.HTTPSeeOther("/setup")
        state = self._state(request.query.get("account", ""))
        state |= {"health": self._health.latest, "strategies": await self._accounts.strategies_of(state["chosen"])}
        return self._page(
            request,
            "dashboard.html",
            boot=self._boot,
            state=state,
            people=list(self._chat.people) if self._chat is not None else [],
            can_log_out=not self._sessions.is_open,
            community=self._service.community.channel if self._service.community.is_open else "",
        )

    async def setup_page(self, request: web.Request) -> web.Response:
        """The page of the set-up."""
        return self._page(
            request,
            "setup.html",
            boot=self._boot,
            application=self._setup.name,
            setup=self._setup.to_json(),
            is_real=self._setup.is_real,
        )

    async def login_page(self, request: web.Request) -> web.Response:
        """The page that asks for the password."""
        if self._access.is_trusted(request):
            raise web.HTTPSeeOther("/")
        return self._page(request, "login.html", problem="")

    async def log_in(self, request: web.Request) -> web.Response:
        """Check the password."""
        address = request.remote or ""
        answer = await self._sessions.check(str((await request.post()).get("password", "")), address)
        if answer.wait:
            problem = f"Too many wrong passwords: try again in {answer.wait / 60:.0f} min."
            response = self._page(request, "login.html", status=429, problem=problem)
            response.headers["Retry-After"] = str(int(answer.wait) + 1)
            return response
        if not answer.is_right:
            logger.warning("a wrong password for the dashboard, from %s", address)
            return self._page(request, "login.html", status=401, problem="This password is wrong.")
        session = self._sessions.new_session()
        self._sessions.trust(session)
        response = web.Response(status=303, headers={"Location": "/"})
        set_session(request, response, session)
        return response

    async def log_out(self, request: web.Request) -> web.Response:
        """Forget this visitor."""
        self._sessions.forget(request.cookies.get(cookie_name(request), ""))
        self._stream.notify()
        return web.Response(status=303, headers={"Location": "/login"})

    # For machines

    async def healthz(self, _request: web.Request) -> web.Response:
        """Answer for as long as the event loop runs."""
        return web.Response(text="ok\n")

    async def readyz(self, request: web.Request) -> web.Response:
        """Say whether every wanted channel is read or parked; names are only for visitors who may see them."""
        found = readiness(self._service.standings())
        shown = found if await self._access.may_see(request) else {"ready": found["ready"]}
        return as_json(shown, status=200 if found["ready"] else 503)

    async def metrics(self, _request: web.Request) -> web.Response:
        """Return the metrics for Prometheus."""
        return web.Response(body=self._metrics.text(), headers={"Content-Type": CONTENT_TYPE})

    # For the page

    async def checkup(self, _request: web.Request) -> web.Response:
        """What the doctor finds."""
        return as_json(await self._health.findings())

    async def start_login(self, _request: web.Request) -> web.Response:
        """Begin to log an account in."""
        await self._login.start()
        return as_json({})

    async def cancel_login(self, _request: web.Request) -> web.Response:
        """Cancel the login."""
        await self._login.cancel()
        return as_json({})

    async def say(self, request: web.Request) -> web.Response:
        """Write in the chat of the demo."""
        text = await text_of(request)
        who = request.query.get("as", "")
        if self._chat is None or who not in self._chat.people:
            raise Refused(404, "nobody has this name")
        await self._chat.say(who, text)
        return as_json({})

    async def play(self, _request: web.Request) -> web.Response:
        """Simulate the chat of the demo."""
        if self._chat is not None:
            await self._chat.play()
        return as_json({})

    # Parts

    def _state(self, chosen: str) -> dict[str, Any]:
        state = snapshot(self._service, self._history, self._activity, chosen)
        state |= {"boot": self._boot, "login": self._login.to_json(), "setup": self._setup.to_json()}
        file = self._service.file
        state["fileProblems"] = [*file.problems] if file is not None else []
        return state | ({"chat": list(self._chat.lines)} if self._chat is not None else {})

    def _on_change(self, change: Change) -> None:
        # Members have no card, and with thousands of them the pages would be told all the time.
        if not self._service.community.is_member(change.user_id):
            self._history.note(change)
            self._activity.note(change, channel_of(self._service.changer.get(change.user_id), change))
            self._stream.notify()

    def _page(self, request: web.Request, name: str, *, status: int = 200, **values: Any) -> web.Response:
        session = request.cookies.get(cookie_name(request), "") or self._sessions.new_session()
        html = self._templates.get_template(name).render(csrf=self._sessions.csrf(session), **values)
        response = web.Response(text=html, content_type="text/html", status=status)
        set_session(request, response, session)
        return response
