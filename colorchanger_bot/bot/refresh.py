"""SharedRefresh: while our cogs are loaded, a bot refreshes each login once, however many requests ask for it.

A public application's refresh token works once; used a second time, Twitch ends the login. TwitchIO refreshes in every
request that gets a 401, in `add_token` and in its validate loop, each on its own. Measured with TwitchIO 3.3.2 on the
local Twitch, two requests at the expiry of a token: the login was lost in 20 of 20 rounds, and in none with this.

TwitchIO offers no hook for it: its session cannot be given a middleware once it exists, and the client that sends
every refresh is private. So `refresh_token` of that client and of `bot.http` is replaced on the instance, and put back
when the last of our cogs is unloaded.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, cast

import twitchio
from twitchio.authentication.oauth import OAuth
from twitchio.authentication.payloads import RefreshTokenPayload
from twitchio.ext import commands

from colorchanger_bot.bot.host import inner_client, is_from_twitch, own_name
from colorchanger_bot.clock import look_at_result

logger = logging.getLogger(__name__)

REMEMBERED_SECONDS = 3600.0
"""By then every request sent with the old token has long been answered."""
FINISH_SECONDS = 5.0
"""How long an unload waits for a refresh under way: cutting it off can end the login."""

Ask = Callable[[str], Awaitable[RefreshTokenPayload]]


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
    """Lets all refreshes of one bot that need the same refresh token share one request."""

    def __init__(self, bot: commands.Bot) -> None:
        self._bot = bot
        self._installed: list[tuple[OAuth, Callable[..., Any], Callable[..., Any] | None]] = []
        """The clients, each with our method and the one that the instance had before, if any."""
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
            ours = partial(self._refresh, client.refresh_token)
            self._installed.append((client, ours, vars(client).get("refresh_token")))
            setattr(client, "refresh_token", ours)  # noqa: B010 - a method, put on the instance

    async def stop(self) -> None:
        """Wait for the refreshes under way, and restore the clients."""
        if running := {refresh.task for refresh in self._running.values()}:
            await asyncio.wait(running, timeout=FINISH_SECONDS)
        for client, ours, before in self._installed:
            if vars(client).get("refresh_token") is not ours:
                continue  # somebody replaced it after us, and still calls ours
            delattr(client, "refresh_token")
            if before is not None:
                setattr(client, "refresh_token", before)  # noqa: B010
        self._installed.clear()

    async def _refresh(self, ask: Ask, token: str, /) -> RefreshTokenPayload:
        """Do what TwitchIO's `refresh_token` does; a spent token is answered with the pair that replaced it."""
        token, known = self._newest(token)
        if known is not None:
            return known
        refresh = self._running.get(token)
        if refresh is None:
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
            payload = await _ask(ask, token)
            if payload.refresh_token != token:
                self._remember(token, payload)
            if not self._running[token].waiting:
                self._keep(token, payload)
            return payload
        finally:
            del self._running[token]

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
                kept["last_validated"] = datetime.now().isoformat()  # in local time, as TwitchIO has it
                data: Any = {
                    "user_id": user_id,
                    "token": payload.access_token,
                    "refresh_token": payload.refresh_token,
                    "scopes": twitchio.Scopes(payload.scope),
                    "expires_in": payload.expires_in,
                }
                self._bot.dispatch("token_refreshed", twitchio.TokenRefreshedPayload(data))


async def _ask(ask: Ask, token: str) -> RefreshTokenPayload:
    """Send the refresh. An answer that Twitch did not write becomes a 503: TwitchIO drops a login on anything below."""
    try:
        return await ask(token)
    except twitchio.HTTPException as error:
        if is_from_twitch(error) or error.status >= 500:
            raise
        status, route = error.status, error.route
    except (LookupError, TypeError):
        status, route = 200, None
    # (not raised in the handler: TwitchIO's error holds the token, and would stay with this one as its context)
    message = f"a refresh was answered with {status}, and not by Twitch"
    raise twitchio.HTTPException(message, route=route, status=503, extra=message)
