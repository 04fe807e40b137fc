"""TokenGuard: puts the token on a request at the last moment, and renews it once after a 401.

All other code knows a token only by its handle, a harmless name that this middleware replaces on the wire. TwitchIO
gets handles too: what it logs, saves or raises holds no secret, and the keeper answers the refreshes and validations
that TwitchIO starts, without spending anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import aiohttp
import orjson
from aiohttp import hdrs
from aiohttp.client_middlewares import ClientHandlerType
from multidict import CIMultiDict, CIMultiDictProxy

from colorchanger_bot.auth.keeper import TokenKeeper
from colorchanger_bot.auth.scopes import COLOR_SCOPE
from colorchanger_bot.clock import Clock
from colorchanger_bot.twitch.answers import Answer

PREFIX = "colorchanger-account-"
ENDLESS_SECONDS = 4 * 3600
COLOR_PATH = "/chat/color"


def handle(login_id: int) -> str:
    """Return the name that stands for the token of an account everywhere but on the wire."""
    return f"{PREFIX}{login_id}"


def login_id_of(text: str) -> int | None:
    """Return the number of the login in a handle, or in a header with one; None if there is none."""
    _, found, number = text.partition(PREFIX)
    return int(number) if found and number.isdecimal() else None


class Budget(NamedTuple):
    """How many requests Twitch still allows an account (Helix guide, "Rate limits")."""

    remaining: int
    limit: int
    reset_at: float
    """Unix seconds at which the bucket is full again."""


class Budgets:
    """The latest rate limit of each account, read from the answers."""

    def __init__(self) -> None:
        self.by_login: dict[int, Budget] = {}

    def note(self, login_id: int, headers: Mapping[str, str]) -> None:
        """Note the rate limit in an answer to an account's request, if there is one."""
        budget = _budget(headers)
        if budget is not None:
            self.by_login[login_id] = budget


def _budget(headers: Mapping[str, str]) -> Budget | None:
    try:
        return Budget(
            int(headers["Ratelimit-Remaining"]), int(headers["Ratelimit-Limit"]), float(headers["Ratelimit-Reset"])
        )
    except (KeyError, ValueError):
        return None


class TokenGuard:
    """A client middleware of aiohttp."""

    def __init__(self, keeper: TokenKeeper, clock: Clock, budgets: Budgets | None = None) -> None:
        self._keeper = keeper
        self._clock = clock
        self._budgets = budgets or Budgets()

    async def __call__(self, request: aiohttp.ClientRequest, handler: ClientHandlerType) -> aiohttp.ClientResponse:
        login_id = login_id_of(request.headers.get(hdrs.AUTHORIZATION, ""))
        if login_id is not None:
            if request.url.path.endswith("/oauth2/validate"):
                return await self._owner(request, login_id)
            response = await self._with_token(request, handler, login_id)
            self._budgets.note(login_id, response.headers)
            return response
        login_id = login_id_of(request.url.query.get("refresh_token", ""))
        if login_id is not None:
            return await self._pair(request, login_id)
        return await handler(request)

    async def _with_token(
        self, request: aiohttp.ClientRequest, handler: ClientHandlerType, login_id: int
    ) -> aiohttp.ClientResponse:
        if request.method == hdrs.METH_PUT and request.url.path.endswith(COLOR_PATH):
            self._keeper.demand(login_id, COLOR_SCOPE)
        token = await self._keeper.token(login_id)
        request.headers[hdrs.AUTHORIZATION] = f"Bearer {token}"
        response = await handler(request)
        if response.status == 401:
            if not is_token_refused(await response.read()):
                return response
            response.release()
            token = await self._keeper.renew(login_id, refused=token)
            request.headers[hdrs.AUTHORIZATION] = f"Bearer {token}"
            response = await handler(request)
            if response.status == 401:
                # One renewal a request: the next request finds out whether another helps.
                if is_token_refused(await response.read()):
                    await self._keeper.look_into(login_id, refused=token)
                return response
        if response.status < 300:
            self._keeper.worked(login_id, token)
        return response

    async def _owner(self, request: aiohttp.ClientRequest, login_id: int) -> aiohttp.ClientResponse:
        """Answer TwitchIO's validation from what the keeper knows."""
        await self._keeper.token(login_id)
        login = self._keeper[login_id]
        return AnswerAtHand(
            request,
            {
                "client_id": login.client_id,
                "login": login.login,
                "user_id": login.user_id,
                "scopes": sorted(login.pair.scopes),
                "expires_in": self._expires_in(login.pair.expires_at),
            },
        )

    async def _pair(self, request: aiohttp.ClientRequest, login_id: int) -> aiohttp.ClientResponse:
        """Answer TwitchIO's refresh: the handle stands for the current token, whichever it is."""
        await self._keeper.token(login_id)
        pair = self._keeper[login_id].pair
        return AnswerAtHand(
            request,
            {
                "access_token": handle(login_id),
                "refresh_token": handle(login_id),
                "expires_in": self._expires_in(pair.expires_at),
                "scope": sorted(pair.scopes),
                "token_type": "bearer",
            },
        )

    def _expires_in(self, expires_at: float | None) -> int:
        """Return the seconds left, but never so few that TwitchIO would refresh: that is up to the keeper."""
        left = ENDLESS_SECONDS if expires_at is None else expires_at - self._clock.now().timestamp()
        return max(int(left), 2 * 3600)


def is_token_refused(body: bytes) -> bool:
    """Whether a 401 with this body is Twitch's refusal of the token itself."""
    words = Answer(401, {}, body).refusal
    # A missing scope or a wrong user is a 401 too, and a new token would not help.
    return words is not None and not any(
        sign in words.lower() for sign in ("scope", "not match", "must match", "incorrect user")
    )


class AnswerAtHand(aiohttp.ClientResponse):
    """An answer made here, not by Twitch: 200 with a JSON body."""

    def __init__(self, request: aiohttp.ClientRequest, data: dict[str, Any]) -> None:  # pyright: ignore[reportMissingSuperCall]
        # (the constructor of the parent wants a connection)
        self.method = request.method
        self.status = 200
        self.reason = "OK"
        self._cache: dict[str, Any] = {}
        self._headers = CIMultiDictProxy(CIMultiDict({hdrs.CONTENT_TYPE: "application/json"}))
        self._body = orjson.dumps(data)

    async def read(self) -> bytes:
        return self._body or b""
