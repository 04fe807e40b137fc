"""What the page does with one account: commands, and strategies to try before they are used."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from aiohttp import web

from colorchanger_bot.changer.commands import run_command
from colorchanger_bot.changer.painter import Painter
from colorchanger_bot.changer.replies import page_reply
from colorchanger_bot.clock import Clock
from colorchanger_bot.service.service import Service
from colorchanger_bot.store.store import Login
from colorchanger_bot.web.access import Refused
from colorchanger_bot.web.bodies import as_json, text_of
from colorchanger_bot.web.plain import plain
from colorchanger_bot.web.preview import preview, row_json, suggestions
from colorchanger_bot.wiring import attachment_of

logger = logging.getLogger(__name__)


class AccountRoutes:
    """The handlers below `/api/accounts`."""

    def __init__(self, service: Service, clock: Clock, tell: Callable[[], None]) -> None:
        self._service = service
        self._clock = clock
        self._tell = tell

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/api/accounts/{login}/strategies", self.strategies),
            web.get("/api/accounts/{login}/preview", self.preview),
            web.post("/api/accounts/{login}/command", self.command),
        ]

    async def strategies(self, request: web.Request) -> web.Response:
        """Show the first colours of every strategy, each as it would be used now."""
        _, painter = self._account(request)
        return as_json(await self._suggestions(painter))

    async def strategies_of(self, login: str) -> list[dict[str, Any]]:
        """Return the same for a page that is about to be sent; nothing if the account is not managed yet."""
        found = next((each for each in self._service.keeper if each.login == login), None)
        painter = self._service.changer.get(found.user_id or "") if found is not None else None
        return [] if painter is None else await self._suggestions(painter)

    async def preview(self, request: web.Request) -> web.Response:
        """Show the next colours of a strategy without applying it."""
        _, painter = self._account(request)
        rows, answer = await preview(painter, request.query.get("text", "").strip(), self._clock)
        return as_json({"rows": [row_json(row) for row in rows], "problem": "" if rows else plain(answer)})

    async def command(self, request: web.Request) -> web.Response:
        """Do what the chat command would do."""
        login, painter = self._account(request)
        text = await text_of(request)
        result = await run_command(painter, text, attachment_of(self._service.bots[login.client_id]).platform)
        color = painter.current.hex if painter.current else ""
        answer = page_reply(result)
        logger.info("the dashboard: %s: %s", text, answer, extra={"account": login.login, "color": color})
        self._tell()
        return as_json({"answer": plain(answer)})

    async def _suggestions(self, painter: Painter) -> list[dict[str, Any]]:
        found = await suggestions(painter, self._clock)
        return [{"name": name, "words": words, "colors": colors} for name, words, colors in found]

    def _account(self, request: web.Request) -> tuple[Login, Painter]:
        """The account that a request is about.

        Raises:
            Refused: there is none of this name, or it is not managed yet.
        """
        name = request.match_info["login"]
        login = next((each for each in self._service.keeper if each.login == name), None)
        painter = self._service.changer.get(login.user_id or "") if login is not None else None
        if login is None or painter is None or login.client_id not in self._service.bots:
            raise Refused(404, "this account is not managed now")
        return login, painter
