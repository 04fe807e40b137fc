"""SharedRefresh: while our cogs are loaded, a bot refreshes each login once, and drops none that works.

A public application's refresh token works once; used a second time, Twitch ends the login. TwitchIO refreshes in every
request that gets a 401, in `add_token` and in its validate loop, each on its own. Measured with TwitchIO 3.3.2 on the
local Twitch, two requests at the expiry of a token: the login was lost in 20 of 20 rounds, and in none with this.

TwitchIO also drops a login when one refresh is refused, though the access token may work for another hour; see
`refusals`.

TwitchIO offers no hook for either: its session cannot be given a middleware once it exists, and the client that sends
every refresh is private. So methods of that client and of `bot.http` are replaced on the instances, and put back when
the last of our cogs is unloaded: `refresh_token` and `validate_token`, through which every refresh and validation goes,
and the two that drop a login after a refusal, `add_token` and `_refresh_token`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeVar, cast

import twitchio
from twitchio.authentication.oauth import OAuth
from twitchio.authentication.payloads import RefreshTokenPayload, ValidateTokenPayload
from twitchio.ext import commands

from colorchanger_bot.bot.host import RENEW, inner_client, is_from_twitch, keep_token, own_name, token_works
from colorchanger_bot.bot.refusals import Refusals
from colorchanger_bot.clock import look_at_result

logger = logging.getLogger(__name__)

REMEMBERED_SECONDS = 3600.0
"""By then every request sent with the old token has long been answered."""
FINISH_SECONDS = 5.0
"""How long an unload waits for a refresh under way: cutting it off can end the login."""

T = TypeVar("T")
Ask = Callable[[str], Awaitable[RefreshTokenPayload]]
Add = Callable[[str, str], Awaitable[ValidateTokenPayload]]
Renew = Callable[[str, str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Replaced:
    """A method of an instance that was replaced."""

    client: OAuth
    name: str
    ours: Callable[..., Any]
    before: Callable[..., Any] | None
    """What the instance itself had under this name; None: the method of its class."""


@dataclass(slots=True)
class _Refresh:
    """A refresh under way."""

    task: asyncio.Task[RefreshTokenPayload]
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class _Answer:
    """The answer to a spent refresh token; times are monotonic."""

    payload: RefreshTokenPayload
    at: float
    good_until: float


class SharedRefresh:
    """Lets all refreshes of one bot that need the same refresh token share one request, and keeps what is refused."""

    def __init__(self, bot: commands.Bot, refusals: Refusals) -> None:
        self.refusals = refusals
        self._bot = bot
        self._installed: list[_Replaced] = []
        self._running: dict[str, _Refresh] = {}
        """By refresh token."""
        self._answers: dict[str, _Answer] = {}
        """By the refresh token that was used; the oldest first."""

    def start(self) -> None:
        """Share from now on."""
        inner = inner_client(self._bot)
        if inner is None:
            logger.warning(
                "TwitchIO %s refreshes logins in a way that ColorChanger does not know: a login that two requests "
                "refresh at the same time can be lost",
                twitchio.__version__,
                extra={"account": own_name(self._bot)},
            )
        for client in filter(None, (self._bot.http, inner)):
            self._put(client, "refresh_token", self._refresh)
        if inner is not None:
            self._put(inner, "validate_token", _validate)
        if inner is not None and hasattr(self._bot.http, RENEW):
            self._put(self._bot.http, "add_token", self._add)
            self._put(self._bot.http, RENEW, self._renew)

    def _put(self, client: OAuth, name: str, method: Callable[..., Any]) -> None:
        """Replace a method of an instance by ours, which gets the one it replaces as its first argument."""
        ours = partial(method, getattr(client, name))
        self._installed.append(_Replaced(client, name, ours, vars(client).get(name)))
        setattr(client, name, ours)

    async def stop(self) -> None:
        """Wait for the refreshes under way, and restore the clients."""
        if running := {refresh.task for refresh in self._running.values()}:
            await asyncio.wait(running, timeout=FINISH_SECONDS)
        for each in self._installed:
            if vars(each.client).get(each.name) is not each.ours:
                continue  # somebody replaced it after us, and still calls ours
            delattr(each.client, each.name)
            if each.before is not None:
                setattr(each.client, each.name, each.before)
        self._installed.clear()

    async def _refresh(self, ask: Ask, token: str, /) -> RefreshTokenPayload:
        """Do what TwitchIO's `refresh_token` does; a spent token is answered with the pair that replaced it."""
        token, known = self._newest(token)
        if known is not None:
            return known
        refresh = self._running.get(token)
        if refresh is None:
            self.refusals.hold(token)
            task = asyncio.create_task(self._send(ask, token), name="refresh of a login")
            task.add_done_callback(look_at_result)  # tokens are in it, and perhaps nobody waits for it
            refresh = self._running[token] = _Refresh(task)
        refresh.waiting += 1
        try:
            # A request that is cancelled must not cut off the refresh: its answer holds the only token that works.
            return await asyncio.shield(refresh.task)
        finally:
            refresh.waiting -= 1

    async def _send(self, ask: Ask, token: str) -> RefreshTokenPayload:
        try:
            payload = await self._answer(ask, token)
            if payload.refresh_token != token:
                self._remember(token, payload)
            if not self._running[token].waiting:
                self._keep(token, payload)
            return payload
        finally:
            del self._running[token]

    async def _answer(self, ask: Ask, token: str) -> RefreshTokenPayload:
        try:
            payload = await _decided(ask, token, "refresh", (400, 401, 403))
        except twitchio.HTTPException as error:
            if error.status < 500:
                await self.refusals.note(token, error.status, error.extra, error.route)
            raise
        self.refusals.forget(token)
        return payload

    async def _renew(self, renew: Renew, user_id: str, token: str) -> None:
        """Renew a login ahead of need, as TwitchIO does, but keep one that may work again.

        TwitchIO tries that one again when it validates it the next time, in 55 minutes, or when a request needs it.
        """
        try:
            payload = await (inner_client(self._bot) or self._bot.http).refresh_token(token)
        except twitchio.HTTPException as error:
            if error.status >= 500:
                raise
        else:
            self._keep(token, payload)
            return
        kept = self._bot.tokens.get(user_id)
        if kept is not None and self.refusals.may_work_again(user_id, self._newest(token)[0]):
            kept["last_validated"] = _now()
        else:
            await renew(user_id, token)  # TwitchIO gets the same answer, without a request, and drops the login

    async def _add(self, add: Add, token: str, refresh: str) -> ValidateTokenPayload:
        """Add a login, as TwitchIO does, also one that works and only cannot be renewed now."""
        try:
            return await add(token, refresh)
        except twitchio.InvalidTokenException as error:
            inner = inner_client(self._bot)
            if inner is None or error.invalid_type != "refresh" or not await token_works(self._bot, token):
                raise
        valid = await inner.validate_token(token)
        if valid.user_id is not None:
            keep_token(self._bot, valid.user_id, token, refresh, validated=_now())
        return valid

    def _newest(self, token: str) -> tuple[str, RefreshTokenPayload | None]:
        """Return the token to use instead of this one, and the answer that brought it if that still holds."""
        answer = None
        while token in self._answers:
            answer = self._answers[token]
            token = answer.payload.refresh_token
        if answer is None or time.monotonic() >= answer.good_until:
            return token, None
        return token, answer.payload

    def _remember(self, token: str, payload: RefreshTokenPayload) -> None:
        now = time.monotonic()
        self._answers = {used: answer for used, answer in self._answers.items() if now - answer.at < REMEMBERED_SECONDS}
        seconds = cast("object", payload.expires_in)  # TwitchIO does not check it
        good_until = now + (seconds if isinstance(seconds, int | float) else REMEMBERED_SECONDS)
        self._answers[token] = _Answer(payload, now, good_until)
        self._answers.pop(payload.refresh_token, None)  # the end of the chain, whatever Twitch sends

    def _keep(self, token: str, payload: RefreshTokenPayload) -> None:
        """Do what the request that asked would have done, had it not been cancelled."""
        for user_id, kept in self._bot.tokens.items():
            if kept["refresh"] == token:
                kept["token"], kept["refresh"] = payload.access_token, payload.refresh_token
                kept["last_validated"] = _now()
                data: Any = {
                    "user_id": user_id,
                    "token": payload.access_token,
                    "refresh_token": payload.refresh_token,
                    "scopes": twitchio.Scopes(payload.scope),
                    "expires_in": payload.expires_in,
                }
                self._bot.dispatch("token_refreshed", twitchio.TokenRefreshedPayload(data))


def _now() -> str:
    return datetime.now().isoformat()  # in local time, as TwitchIO has it


async def _validate(ask: Callable[[str], Awaitable[ValidateTokenPayload]], token: str, /) -> ValidateTokenPayload:
    """Do what TwitchIO's `validate_token` does; TwitchIO takes any refusal as the end of the token."""
    return await _decided(ask, token, "validation", (401,))


async def _decided(ask: Callable[[str], Awaitable[T]], token: str, what: str, refusals: Collection[int]) -> T:
    """Send a request. What is neither a success nor one of Twitch's refusals of the token becomes a 503.

    TwitchIO takes anything below that as the end of the token: a gateway's page, or a rate limit.
    """
    try:
        return await ask(token)
    except twitchio.HTTPException as error:
        if error.status >= 500 or (error.status in refusals and is_from_twitch(error)):
            raise
        status, route = error.status, error.route
    except (LookupError, TypeError):
        status, route = 200, None
    # (not raised in the handler: TwitchIO's error holds the token, and would stay with this one as its context)
    message = f"a {what} of a login was answered with {status}, which decides nothing"
    raise twitchio.HTTPException(message, route=route, status=503, extra=message)
