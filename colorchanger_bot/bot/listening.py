"""Listening: our supervised chat session in somebody else's bot, in the place of TwitchIO's, with that bot's token."""

from __future__ import annotations

import asyncio
import logging
import random

import aiohttp
import twitchio
from aiohttp import hdrs
from aiohttp.client_middlewares import ClientHandlerType
from twitchio.ext import commands

from colorchanger_bot.auth.guard import is_token_refused
from colorchanger_bot.bot.host import host_id
from colorchanger_bot.bot.messages import chat_message, chat_notification
from colorchanger_bot.clock import Backoff, RecentIds, SystemClock, Tasks
from colorchanger_bot.errors import NeedsLogin
from colorchanger_bot.eventsub.frames import Event
from colorchanger_bot.eventsub.session import ChatSession
from colorchanger_bot.settings.load import Settings
from colorchanger_bot.twitch.helix import CHAT_NOTIFICATION, Helix
from colorchanger_bot.twitch.http import open_session, open_socket_session

logger = logging.getLogger(__name__)

HANDLE = "the-token-of-the-bot"
FIRST_WAIT_SECONDS, MOST_WAIT_SECONDS = 1.0, 30.0
AUTHORISE = "authorise the bot's account, with user:read:chat"


class HostToken:
    """A client middleware that puts the bot's present token on a request, and lets TwitchIO renew it after a 401."""

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
                    # Any request of TwitchIO's own makes it refresh; the tokens stay its affair.
                    await self._bot.fetch_users(ids=[self._id()], token_for=self._id())
                except twitchio.HTTPException as error:
                    ended = error.status
                else:
                    return self._token()
                # (not raised in the handler: TwitchIO's error holds tokens, and would stay as the context of ours)
                raise NeedsLogin(f"Twitch ended the login of the bot's account ({ended}): {AUTHORISE}")
        return self._token()


class Listening:
    """Reads the chat of the channels that the settings list for the bot's account, else of its own."""

    def __init__(self, bot: commands.Bot, settings: Settings) -> None:
        self._bot = bot
        self._settings = settings
        self._tasks = Tasks(logger)
        self._seen = RecentIds(SystemClock())
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
        login = await self._login(Backoff(rng, first=FIRST_WAIT_SECONDS, most=MOST_WAIT_SECONDS))
        async with open_session([HostToken(self._bot)]) as requests, open_socket_session() as sockets:
            twitch = self._settings.twitch
            client_id = self._bot.http.client_id
            self.session = ChatSession(
                host_id(self._bot) or "",
                login,
                helix=Helix(requests, client_id=client_id, handle=HANDLE, api_url=twitch.api_url),
                sockets=sockets,
                url=twitch.eventsub_url,
                clock=clock,
                rng=rng,
                receive=self._receive,
                wants=lambda _event: True,  # the host's other cogs are there for everybody
            )
            listed = self._settings.account(login)
            self.session.set_channels((listed.channels if listed else ()) or (login,))
            await self.session.run()

    async def _login(self, backoff: Backoff) -> str:
        """The login of the bot's account; asked until Twitch answers."""
        while True:
            try:
                users = await self._bot.fetch_users(ids=[host_id(self._bot) or ""])
            except (twitchio.HTTPException, aiohttp.ClientError, OSError) as error:
                logger.warning("the name of the bot's account is not known yet (%s)", type(error).__name__)
            else:
                if users and users[0].name:
                    return users[0].name
            await asyncio.sleep(backoff.next())

    def _receive(self, event: Event, _delivery_id: str, type_: str) -> None:
        if not self._seen.add(event["message_id"]):
            return
        if type_ == CHAT_NOTIFICATION:
            self._bot.dispatch("chat_notification", chat_notification(event, self._bot.http))
        else:
            self._bot.dispatch("message", chat_message(event, self._bot.http))
