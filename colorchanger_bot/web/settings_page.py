"""The page /settings: what can be set without a file, for all accounts or for one."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import orjson
from aiohttp import web

from colorchanger_bot.clock import Clock
from colorchanger_bot.color.preview import rows
from colorchanger_bot.errors import ConfigError
from colorchanger_bot.service.service import Service
from colorchanger_bot.service.sign_out import sign_out
from colorchanger_bot.service.standing import own_accounts
from colorchanger_bot.settings.model import Account, ColorSettings
from colorchanger_bot.store.store import Login
from colorchanger_bot.web.access import Refused, cookie_name
from colorchanger_bot.web.autostart import ComputerStart
from colorchanger_bot.web.bodies import as_json, text_of
from colorchanger_bot.web.preview import SHOWN, row_json
from colorchanger_bot.web.sessions import Sessions
from colorchanger_bot.web.settings_fields import (
    CHANNELS,
    COLORS,
    COMMANDS,
    PROGRAM,
    Group,
    fields,
    used_by_strategy,
)

MOST_KEYS = 100


class SettingsPage:
    """The handlers of the page."""

    def __init__(
        self,
        service: Service,
        clock: Clock,
        sessions: Sessions,
        computer: ComputerStart,
        render: Callable[..., web.Response],
    ) -> None:
        self._service = service
        self._clock = clock
        self._sessions = sessions
        self._computer = computer
        self._render = render

    def routes(self) -> list[web.RouteDef]:
        """Return what answers on which path."""
        return [
            web.get("/settings", self.page),
            web.get("/api/settings", self.show),
            web.post("/api/settings", self.change),
            web.post("/api/settings/preview", self.preview),
            web.post("/api/settings/chat/{id}", self.follow_settings),
            web.delete("/api/settings/accounts/{id}", self.log_out),
            web.get("/api/settings/computer", self.look_at_computer),
            web.post("/api/settings/computer", self.start_with_computer),
        ]

    async def page(self, request: web.Request) -> web.Response:
        """The page itself."""
        return self._render(request, "settings.html")

    async def show(self, request: web.Request) -> web.Response:
        """What is set for an account, or for all and the program."""
        return as_json(self._state(request.query.get("account", "")))

    async def change(self, request: web.Request) -> web.Response:
        """Set some keys, or put them back to their defaults; nothing changes if one of them is wrong."""
        body = await _body(request)
        new, dropped = body.get("set", {}), body.get("drop", [])
        if not isinstance(new, dict) or not isinstance(dropped, list) or len(new) + len(dropped) > MOST_KEYS:  # pyright: ignore[reportUnknownArgumentType]
            raise Refused(400, 'send {"set": {...}, "drop": [...]} as JSON')
        values: dict[str, Any] = {str(key): value for key, value in new.items()}  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        names = [str(name) for name in dropped]  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        try:
            await self._service.change_preferences(values, names)
        except ConfigError as error:
            return as_json({"problems": error.problems}, status=422)
        # Who has set the password need not give it.
        self._sessions.trust(request.cookies.get(cookie_name(request), ""))
        return as_json(self._state(str(body.get("account", ""))))

    async def preview(self, request: web.Request) -> web.Response:
        """Show the next colours with other values, which are not kept."""
        body = await _body(request)
        given: Any = body.get("color")
        if not isinstance(given, dict):
            raise Refused(400, 'send {"color": {...}} as JSON')
        wanted: dict[str, Any] = {str(key): value for key, value in given.items() if value not in ("", None)}  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        login = self._login(str(body.get("account", "")))
        painter = self._service.changer.get(login.user_id or "") if login else None
        try:
            plan = self._color(login).override(wanted).plan()
            names_only = painter is not None and painter.names_only
            found = [*rows(plan, SHOWN, random.Random(), self._clock.now(), presets_only=names_only)]
        except ConfigError as error:
            return as_json({"rows": [], "problems": error.problems})
        return as_json({"rows": [*map(row_json, found)], "problems": []})

    async def follow_settings(self, request: web.Request) -> web.Response:
        """Drop what was set in chat for an account."""
        login = self._account(request)
        painter = self._service.changer.get(login.user_id or "")
        if painter is not None:
            await painter.follow_settings()
            self._service.configure(login)
        return as_json(self._state(login.user_id or ""))

    async def log_out(self, request: web.Request) -> web.Response:
        """Log an account out."""
        login = self._account(request)
        confirmed = await sign_out(self._service, login)
        return as_json({"confirmed": confirmed, **self._state("")})

    async def look_at_computer(self, _request: web.Request) -> web.Response:
        """Whether ColorChanger starts with this computer, and whether it could."""
        await self._computer.look()
        return as_json(self._computer_json())

    async def start_with_computer(self, request: web.Request) -> web.Response:
        """Start with this computer from now on, or no more."""
        await self._computer.turn(on=await text_of(request) == "on")
        return as_json(self._computer_json())

    # Parts

    def _computer_json(self) -> dict[str, Any]:
        return {"isOffered": self._computer.is_offered, **self._computer.to_json()}

    def _state(self, user_id: str) -> dict[str, Any]:
        service, login = self._service, self._login(user_id)
        own = [each for each in own_accounts(service.keeper) if each.user_id is not None]
        file = service.file
        return {
            "account": login.user_id if login else "",
            "accounts": [{"id": each.user_id, "login": each.login} for each in own],
            "groups": [*self._groups(login)],
            "strategies": used_by_strategy(),
            "inChat": [*self._set_in_chat(login)],
            "problems": [*file.problems] if file is not None else [],
            "waiting": [*service.live_settings.waiting],
        }

    def _groups(self, login: Login | None) -> list[dict[str, Any]]:
        settings, prefix = self._service.settings, f"accounts.{login.user_id}." if login else ""
        listed = settings.account(login.login) if login else None
        tables = {
            "color": self._color(login),
            "account": listed or Account(),
            "commands": settings.commands,
            "web": settings.web,
            "log": settings.log,
        }
        groups: list[Group] = [COLORS, CHANNELS] if login else [COLORS, COMMANDS, PROGRAM]
        keys = [f"{prefix}{name}" for group in groups for name in group.labels]
        origins = self._service.live_settings.origins(keys, [*self._service.keeper])
        return [{"title": each.title, "fields": [*fields(each, tables, prefix, origins)]} for each in groups]

    def _color(self, login: Login | None) -> ColorSettings:
        settings = self._service.settings
        return settings.color_for(login.login) if login else settings.color

    def _set_in_chat(self, login: Login | None) -> tuple[str, ...]:
        painter = self._service.changer.get(login.user_id or "") if login else None
        return painter.set_in_chat if painter is not None else ()

    def _login(self, user_id: str) -> Login | None:
        own = own_accounts(self._service.keeper) if user_id else []
        return next((each for each in own if each.user_id == user_id), None)

    def _account(self, request: web.Request) -> Login:
        login = self._login(request.match_info["id"])
        if login is None:
            raise Refused(404, "no such account is logged in")
        return login


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body: Any = orjson.loads(await request.read())
    except orjson.JSONDecodeError:
        body = None
    if request.content_type != "application/json" or not isinstance(body, dict):
        raise Refused(400, "send a JSON object")
    return body  # pyright: ignore[reportUnknownVariableType]
