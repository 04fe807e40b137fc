"""Listening: our supervised chat session in somebody else's bot, instead of TwitchIO's, with that bot's token.

A channel that the bot subscribes to itself is left to it, so that each message comes once. If TwitchIO gives its
socket up, its subscriptions go with it, and our session takes over.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress

import aiohttp
from aiohttp import hdrs
from aiohttp.client_middlewares import ClientHandlerType
from twitchio.ext import commands

from colorchanger_bot.auth.guard import is_token_refused
from colorchanger_bot.bot.attachment import find
from colorchanger_bot.bot.colors import error_of
from colorchanger_bot.bot.host import (
    REQUEST_SECONDS,
    TWITCHIO_ERRORS,
    chat_channels,
    host_id,
    own_name,
    socket_channels,
)
from colorchanger_bot.bot.messages import chat_message, chat_notification
from colorchanger_bot.changer.painter import Painter
from colorchanger_bot.clock import Backoff, RecentIds, SystemClock, Tasks
from colorchanger_bot.errors import NeedsLogin
from colorchanger_bot.eventsub.frames import Event
from colorchanger_bot.eventsub.session import ChatSession
from colorchanger_bot.settings.settings import Settings
from colorchanger_bot.twitch.helix import CHAT_NOTIFICATION, USERS_PER_CALL, Helix
from colorchanger_bot.twitch.http import open_session, open_socket_session

logger = logging.getLogger(__name__)

Manage = Callable[[str, str], Awaitable[Painter | None]]
"""Returns the painter of an account, by user id and login."""

HANDLE = "the-token-of-the-bot"
FIRST_WAIT_SECONDS, MOST_WAIT_SECONDS = 1.0, 30.0
LOOK_SECONDS = 1.0
"""How often the bot's own subscriptions are compared with the channels of our session."""
AUTHORISE = "authorise the bot's account, with user:read:chat"


class HostToken:
    """A client middleware that puts the bot's current token on a request, and has TwitchIO renew it after a 401."""

    def __init__(self, bot: commands.Bot) -> None:
        self._bot = bot
        self._lock = asyncio.Lock()

    async def __call__(self, request: aiohttp.ClientRequest, handler: ClientHandlerType) -> aiohttp.ClientResponse:
        token = self._token()
        request.headers[hdrs.AUTHORIZATION] = f"Bearer {token}"
        response = await handler(request)
        if response.status != 401 or not is_token_refused(await response.read()):
            return response
        response.release()
        request.headers[hdrs.AUTHORIZATION] = f"Bearer {await self._renewed(token)}"
        return await handler(request)

    def _id(self) -> str:
        return host_id(self._bot) or ""

    def _token(self) -> str:
        tokens = self._bot.tokens.get(self._id())
        if tokens is None:
            raise NeedsLogin(f"the bot has no login of its own account: {AUTHORISE}")
        return tokens["token"]

    async def _renewed(self, refused: str) -> str:
        async with self._lock:
            if self._token() == refused:
                try:
                    # Any request through TwitchIO makes it refresh; the tokens remain TwitchIO's.
                    await self._bot.fetch_users(ids=[self._id()], token_for=self._id())
                except TWITCHIO_ERRORS as error:
                    failure = error_of(error)
                else:
                    return self._token()
                # (not raised in the handler: TwitchIO's error holds tokens, and would stay as the context of ours)
                raise failure
        return self._token()


class WantedChannels:
    """The channels to read, by the names or ids that the settings list, and who they are."""

    def __init__(self, names: Sequence[str], painter: Painter | None) -> None:
        self.names = tuple(names)
        self.remembered = {name: name for name in names if name.isdecimal()}
        """The ids that are known from before; what is written in digits is an id, unless nobody has it."""
        self.found: dict[str, str] = {}
        """The ids that Twitch told in this run."""
        self._painter = painter
        if painter is not None:
            self.remembered |= {name: id_ for name, id_ in painter.channel_ids.items() if name in self.names}

    @property
    def ids(self) -> dict[str, str]:
        """All ids that are known, by what the settings list."""
        return {**self.remembered, **self.found}

    @property
    def unknown(self) -> list[str]:
        """The names of which no id is known."""
        return [name for name in self.names if name not in self.ids]

    def identify(self, found: Mapping[str, str]) -> None:
        """Take note of ids, also for the next run."""
        self.found |= {name: id_ for name, id_ in found.items() if name in self.names}
        if self._painter is not None:
            self._painter.identify_channels(self.ids)


class Listening:
    """Reads the chat of the channels that the settings list for the bot's account, else of its own.

    A channel may be listed by its name or its id. It is known by the id as soon as that is known, also after a restart.
    """

    def __init__(self, bot: commands.Bot, manage: Manage) -> None:
        self._bot = bot
        self._manage = manage
        self._tasks = Tasks(logging.LoggerAdapter(logger, {"account": own_name(bot)}))
        self._seen = RecentIds(SystemClock())
        self._elsewhere: frozenset[str] = frozenset()
        """Ids of the channels that the bot reads over a conduit or webhooks."""
        self.session: ChatSession | None = None
        """The chat session, once the bot is ready."""

    def start(self) -> None:
        """Begin, as soon as the bot is ready; a second call changes nothing."""
        if not list(self._tasks):
            self._tasks.start(self._run(), "the chat session of ColorChanger")

    async def stop(self) -> None:
        """End the session."""
        await self._tasks.cancel()

    async def _run(self) -> None:
        await self._bot.wait_until_ready()
        clock, rng = SystemClock(), random.Random()
        user_id = host_id(self._bot) or ""
        login = await self._login(user_id, Backoff(rng, first=FIRST_WAIT_SECONDS, most=MOST_WAIT_SECONDS))
        painter = await self._manage(user_id, login)
        settings = attachment.settings if (attachment := find(self._bot)) is not None else Settings()
        listed = settings.account(login)
        wanted = WantedChannels((listed.channels if listed else ()) or (login,), painter)
        wanted.identify({**await self._ids_of(wanted.unknown), login: user_id})
        self._elsewhere = (await chat_channels(self._bot) or frozenset()) - socket_channels(self._bot)
        async with open_session([HostToken(self._bot)]) as requests, open_socket_session() as sockets:
            twitch = settings.twitch
            client_id = self._bot.http.client_id
            session = self.session = ChatSession(
                user_id,
                login,
                helix=Helix(requests, client_id=client_id, handle=HANDLE, api_url=twitch.api_url),
                sockets=sockets,
                url=twitch.eventsub_url,
                clock=clock,
                rng=rng,
                receive=self._receive,
                wants=lambda _event: True,  # the host's other cogs want everybody's messages
                identified=lambda: wanted.identify({name: each.id for name, each in session.known().items()}),
            )
            following = self._tasks.start(self._follow(session, wanted), f"the channels of {login}")
            try:
                await session.run()
            finally:
                following.cancel()

    async def _login(self, user_id: str, backoff: Backoff) -> str:
        """Return the login of the bot's account; ask until Twitch answers."""
        log = logging.LoggerAdapter(logger, {"account": own_name(self._bot)})
        while True:
            try:
                async with asyncio.timeout(REQUEST_SECONDS):
                    users = await self._bot.fetch_users(ids=[user_id])
            except TWITCHIO_ERRORS as error:
                log.warning("Twitch does not tell the name of the bot's account (%s); retrying", type(error).__name__)
            else:
                if users and users[0].name:
                    return users[0].name.lower()
            await asyncio.sleep(backoff.next())

    async def _ids_of(self, logins: Sequence[str]) -> dict[str, str]:
        """Return the user ids of channels, as far as Twitch answers; the session looks up the others."""
        found: dict[str, str] = {}
        with suppress(*TWITCHIO_ERRORS):
            async with asyncio.timeout(REQUEST_SECONDS):
                for start in range(0, len(logins), USERS_PER_CALL):
                    users = await self._bot.fetch_users(logins=list(logins[start : start + USERS_PER_CALL]))
                    found |= {user.name.lower(): user.id for user in users if user.name}
        return found

    async def _follow(self, session: ChatSession, wanted: WantedChannels) -> None:
        """Leave to the bot the channels that it reads itself, and take them back when it stops."""
        log = logging.LoggerAdapter(logger, {"account": session.login})
        before: set[str] = set()
        while True:
            theirs = self._theirs()
            left = {name for name in wanted.names if wanted.ids.get(name) in theirs}
            for login in sorted(left - before):
                log.info("#%s: read by the bot itself, so not by ColorChanger's session", login)
            for login in sorted(before - left):
                log.info("#%s: no longer read by the bot; ColorChanger's session takes over", login)
            session.set_channels([name for name in wanted.names if name not in left], wanted.found, wanted.remembered)
            before = left
            await asyncio.sleep(LOOK_SECONDS)

    def _theirs(self) -> frozenset[str]:
        return self._elsewhere | socket_channels(self._bot)

    def _receive(self, event: Event, _delivery_id: str, type_: str) -> None:
        if event["broadcaster_user_id"] in self._theirs() or not self._seen.add(event["message_id"]):
            return
        if type_ == CHAT_NOTIFICATION:
            self._bot.dispatch("chat_notification", chat_notification(event, self._bot.http))
        else:
            self._bot.dispatch("message", chat_message(event, self._bot.http))
