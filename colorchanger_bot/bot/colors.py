"""TwitchioColors: colours and replies of somebody else's bot, through TwitchIO and with that bot's tokens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeVar

import aiohttp
import twitchio
from twitchio.ext import commands

from colorchanger_bot.bot.host import REQUEST_SECONDS, TWITCHIO_ERRORS, host_id
from colorchanger_bot.changer.owner import Person
from colorchanger_bot.clock import look_at_result
from colorchanger_bot.color import Color
from colorchanger_bot.errors import (
    ChannelRefused,
    ColorChangerError,
    ColorRejected,
    MissingScope,
    NeedsLogin,
    OutcomeUnknown,
    RateLimited,
    TokenRefused,
    TwitchUnavailable,
    UnknownUser,
)
from colorchanger_bot.redaction import one_line, redact
from colorchanger_bot.twitch.answers import foreign, refusal_in

T = TypeVar("T")
RETRY_SECONDS = 60.0
Refusals = Mapping[int, type[ColorChangerError]]
"""What a status means for one kind of request."""


@dataclass(slots=True)
class AccountRequests:
    """The requests of one account, sent one after another."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    last: asyncio.Task[Any] | None = None
    refused: tuple[str, str] | None = None
    """The token pair of which Twitch refused both; a different one means that the account was authorised again."""
    refused_at: float = 0.0
    """Monotonic time."""


class TwitchioColors:
    """`ColorApi`, `Speaker` and `Platform` of somebody else's bot: through TwitchIO, with that bot's tokens.

    TwitchIO refreshes an expired token in the middle of a request, and a public application's refresh token works
    once: spent twice or cut off half-way, it ends the login. So an account has one request at a time, and one that
    takes too long is left to finish as long as nothing else waits for it.
    """

    def __init__(self, bot: commands.Bot, *, seconds: float = REQUEST_SECONDS) -> None:
        self._bot = bot
        self.retry_seconds = RETRY_SECONDS
        """How long a login that Twitch refuses is not tried again."""
        self._seconds = seconds
        self._requests: dict[str, AccountRequests] = {}
        """By user id."""

    async def put_color(self, user_id: str, color: Color) -> None:
        user = self._bot.create_partialuser(user_id)

        async def change() -> None:
            try:
                # None for Twitch's 204; any other answer did not come from Twitch.
                answer: object = await user.update_chatter_color(color.wire)
            except ValueError:  # an empty 204 labelled as JSON, which TwitchIO cannot read
                answer = ""
            if answer is not None and await self._shown(user_id) != color:
                raise ValueError("an answer to a colour change that is not Twitch's")

        await self._ask(user_id, change, {400: ColorRejected})

    async def get_color(self, user_id: str) -> Color | None:
        try:
            return await self._ask(user_id, lambda: self._shown(user_id))
        except OutcomeUnknown as error:  # a question changes nothing, so it may be asked again
            raise TwitchUnavailable(str(error)) from None

    async def color_of(self, user_id: str, login: str) -> Color | None:
        async def ask() -> Color | None:
            users = await self._bot.fetch_users(logins=[login], token_for=user_id)
            if not users:
                raise UnknownUser(login)
            return await self._shown(users[0].id, asked_by=user_id)

        return await self._ask(user_id, ask)

    async def person(self, *, login: str = "", id_: str = "") -> Person | None:
        """Return who has a login or an id, asked as the bot's account; None: nobody.

        Raises:
            ColorChangerError: Twitch does not tell.
        """
        user_id = host_id(self._bot) or ""

        async def ask() -> Person | None:
            ids: list[str | int] | None = [id_] if id_ else None
            logins = [login] if login else None
            users = await self._bot.fetch_users(ids=ids, logins=logins, token_for=user_id)
            return Person(str(users[0].id), (users[0].name or "").lower()) if users else None

        return await self._ask(user_id, ask)

    def channels(self, user_id: str) -> tuple[str, ...] | None:
        return None

    def counts(self, user_id: str, channel_id: str) -> bool:
        return True

    async def check_channel(self, user_id: str, login: str) -> None:
        """Do nothing: no channel is joined here."""

    async def set_channels(self, user_id: str, channels: tuple[str, ...]) -> None:
        """Do nothing: somebody else's bot decides for itself which channels it reads."""

    async def reply(self, user_id: str, channel_id: str, text: str, *, reply_to: str) -> str | None:
        channel = self._bot.create_partialuser(channel_id)

        async def say() -> str | None:
            try:
                sent = await channel.send_message(text, user_id, token_for=user_id, reply_to_message_id=reply_to)
            except twitchio.MessageRejectedError:
                return None
            return sent.id if sent.sent else None

        return await self._ask(user_id, say, {403: ChannelRefused})

    async def _shown(self, user_id: str, asked_by: str | None = None) -> Color | None:
        found = await self._bot.fetch_chatters_color([user_id], token_for=asked_by or user_id)
        return Color(found[0].colour.code) if found and found[0].colour else None

    async def _ask(
        self, user_id: str, request: Callable[[], Coroutine[Any, Any, T]], refusals: Refusals | None = None
    ) -> T:
        requests = self._requests.setdefault(user_id, AccountRequests())
        async with requests.lock:
            tokens = self._bot.tokens.get(user_id)
            waited = time.monotonic() - requests.refused_at
            if tokens is None or (_pair(tokens) == requests.refused and waited < self.retry_seconds):
                # Without a token of the account TwitchIO would try the application's.
                raise NeedsLogin("the bot has no token of this account that works: authorise the account for the bot")
            try:
                return await self._in_time(user_id, requests, request)
            except TWITCHIO_ERRORS as error:
                failure = error_of(error, refusals or {})
            if isinstance(failure, NeedsLogin):
                requests.refused, requests.refused_at = _pair(tokens), time.monotonic()
        # Not raised in the handler: TwitchIO's errors hold tokens, and would stay with ours as its context.
        raise failure

    async def _in_time(
        self, user_id: str, requests: AccountRequests, request: Callable[[], Coroutine[Any, Any, T]]
    ) -> T:
        if requests.last is not None and not requests.last.done():
            await asyncio.wait({requests.last}, timeout=self._seconds)
            requests.last.cancel()
        task = requests.last = asyncio.create_task(request(), name=f"colour request of {user_id}")
        task.add_done_callback(look_at_result)  # tokens are in it, and perhaps nobody waits for it
        issued: set[str] = set()

        async def count(payload: twitchio.TokenRefreshedPayload) -> None:
            # Twitch refuses what it has just issued: TwitchIO would refresh until the stack overflows.
            if payload.user_id == user_id:
                issued.add(payload.token)  # one for each request that waited for it
            if len(issued) > 1:
                task.cancel()

        self._bot.add_listener(count, event="event_token_refreshed")
        try:
            await asyncio.wait({task}, timeout=self._seconds)
        finally:
            self._bot.remove_listener(count)
        if task.cancelled():
            raise TokenRefused("Twitch refuses a token that it issued a moment ago")
        if not task.done():
            raise TimeoutError
        return task.result()


def _pair(tokens: Mapping[str, Any]) -> tuple[str, str]:
    return tokens["token"], tokens["refresh"]


def error_of(error: Exception, refusals: Refusals = MappingProxyType({})) -> ColorChangerError:
    """Return our error for what came out of TwitchIO."""
    match error:
        case twitchio.HTTPException():
            return _refused(error, refusals)
        case aiohttp.ClientConnectorError():
            return TwitchUnavailable(f"{error.host} cannot be reached")
        case aiohttp.ClientError() | OSError():
            return OutcomeUnknown(f"Twitch did not answer ({type(error).__name__})")
        case RuntimeError():
            return TwitchUnavailable("the bot's connection to Twitch is closed")
        case _:
            return OutcomeUnknown("Twitch's answer could not be read")


def _refused(error: twitchio.HTTPException, refusals: Refusals) -> ColorChangerError:
    is_refresh = error.route is not None and error.route.use_id
    words = refusal_in(error.status, error.extra)
    if words is None or error.status >= 500:  # not Twitch's own word
        if is_refresh:  # the token may be spent: a retry now could spend it twice, the next request finds out
            return OutcomeUnknown(f"Twitch did not renew the login ({error.status})")
        return foreign(error.status)
    said = one_line(redact(words or "no reason given"))
    match error.status:
        case 400 | 401 | 403 if is_refresh:
            return NeedsLogin(f"Twitch has ended this login ({said}): authorise the account for the bot again")
        case status if is_refresh:
            return OutcomeUnknown(f"Twitch did not renew the login ({status})")
        case status if status in refusals:
            return refusals[status](f"Twitch refuses ({said})")
        case 401 if "scope" in said.lower():
            return MissingScope(f"the bot's token lacks a scope ({said}): authorise the account again, with that scope")
        case 401:
            return TokenRefused(f"Twitch refuses the bot's token ({said})")
        case 429:
            return RateLimited(f"Twitch asks to slow down ({said})")
        case status:
            return TwitchUnavailable(f"Twitch answered {status} ({said})")
