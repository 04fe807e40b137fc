"""ColorChangerBot: a TwitchIO bot for the accounts of one Twitch application, each with its own chat session."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Iterable
from functools import partial

import aiohttp
import twitchio
from twitchio.ext import commands

from colorchanger_bot.changer import Changer, Recent
from colorchanger_bot.clock import Clock
from colorchanger_bot.errors import AuthError
from colorchanger_bot.eventsub import ChatSession, Event
from colorchanger_bot.guard import handle
from colorchanger_bot.helix import Helix, HelixColors
from colorchanger_bot.settings import ColorSettings, Settings
from colorchanger_bot.store import Login
from colorchanger_bot.tokens import LoginEvent, TokenKeeper
from colorchanger_bot.wiring import attach

logger = logging.getLogger(__name__)

COGS = "colorchanger_bot.cogs"
READ_SCOPES = frozenset({"user:read:chat"})
COLOR_SCOPES = frozenset({"user:manage:chat_color"})
REPLY_SCOPES = frozenset({"user:write:chat"})


def needed_scopes(settings: Settings) -> frozenset[str]:
    """Return the permissions to ask of an account for what the settings want."""
    replies = settings.commands.enabled and settings.commands.reply != "never"
    return READ_SCOPES | COLOR_SCOPES | REPLY_SCOPES if replies else READ_SCOPES | COLOR_SCOPES


class HelixSpeaker:
    """The `Speaker` of our own bot."""

    def __init__(self, colors: HelixColors) -> None:
        self._colors = colors

    async def reply(self, user_id: str, channel_id: str, text: str, *, reply_to: str) -> str | None:
        return await self._colors.by_user[user_id].say(channel_id, user_id, text, reply_to=reply_to)


class ColorChangerBot(commands.Bot):
    """Manages accounts of one application.

    TwitchIO gets handles in the place of tokens, and our session, whose guard knows what they stand for; so whatever
    a cog does through TwitchIO uses the current token and never refreshes one on its own.
    """

    def __init__(
        self,
        client_id: str,
        settings: Settings,
        *,
        session: aiohttp.ClientSession,
        sockets: aiohttp.ClientSession,
        keeper: TokenKeeper,
        colors: HelixColors,
        changer: Changer,
        clock: Clock,
        rng: random.Random,
    ) -> None:
        super().__init__(client_id=client_id, prefix=settings.commands.prefix, session=session, fetch_client_user=False)
        self.client_id = client_id
        self.sessions: dict[int, ChatSession] = {}
        """The chat sessions by the number of the login."""
        self._settings = settings
        self._session = session
        self._sockets = sockets
        self._keeper = keeper
        self._colors = colors
        self._changer = changer
        self._clock = clock
        self._rng = rng
        self._running: dict[int, asyncio.Task[None]] = {}
        self._every_message = bool(settings.cogs.load)
        self._seen = Recent(2000)
        attach(self, settings, changer=changer, speaker=HelixSpeaker(colors))

    @property
    def bot_id(self) -> str:
        """The first account of the bot; empty until one is known."""
        return next((session.user_id for session in self.sessions.values()), "")

    async def setup_hook(self) -> None:
        await self.load_module(COGS)
        for module in self._settings.cogs.load:
            try:
                await self.load_module(module)
            except (twitchio.TwitchioException, ImportError, TypeError) as error:
                # Somebody else's cog is broken or misspelt: the colours go on without it.
                logger.error("the cog %s cannot be loaded: %s", module, error)

    async def manage(self, login: Login, channels: Iterable[str], color: ColorSettings) -> None:
        """Take care of an account from now on, in these channels.

        Raises:
            StoreError: what is remembered of it cannot be read.
        """
        if login.user_id is None or login.id in self.sessions:
            return
        user_id = login.user_id
        helix = Helix(
            self._session, client_id=login.client_id, handle=handle(login.id), api_url=self._settings.twitch.api_url
        )
        self._colors.by_user[user_id] = helix
        session = self.sessions[login.id] = ChatSession(
            user_id,
            login.login,
            helix=helix,
            sockets=self._sockets,
            url=self._settings.twitch.eventsub_url,
            clock=self._clock,
            rng=self._rng,
            receive=self.receive,
            notice=partial(self._notice, user_id),
            everything=self._every_message,
        )
        session.want(channels)
        await self._changer.manage(user_id, login.login, color)
        await self._lend_token(login)
        self._running[login.id] = asyncio.create_task(session.run(), name=f"chat of {login.login}")
        self._running[login.id].add_done_callback(_log_end)

    async def on_login(self, event: LoginEvent) -> None:
        """Follow what happened to a login of this bot."""
        login = event.login
        if event.state == "lost":
            await self.remove_token(login.user_id or "")
            if login.id not in self._keeper:  # logged out
                await self._drop(login.id)
        elif event.state == "found":
            await self._lend_token(login)
            if login.id in self.sessions:
                self.sessions[login.id].resume()
        elif event.state == "refreshed" and login.user_id is not None:
            self.dispatch("token_refreshed", _refreshed_payload(login, self._clock))

    def receive(self, event: Event) -> None:
        """Hand a chat event on to the cogs."""
        # Several accounts may read the same channel, and a cog wants each message once.
        if self._every_message and not self._seen.add(event["message_id"]):
            return
        for name in _NULLABLE:  # TwitchIO asks for them, Twitch may leave them out
            event.setdefault(name, None)
        self.dispatch("message", twitchio.ChatMessage(event, http=self.http))  # pyright: ignore[reportArgumentType]

    def _notice(self, user_id: str, event: Event) -> None:
        color = event.get("color") or ""
        self._changer.notice(user_id, event["broadcaster_user_id"], event["chatter_user_id"], color)

    async def event_message(self, payload: twitchio.ChatMessage) -> None:
        """Run the commands of additional cogs; our own cogs see to the accounts' commands themselves."""
        if self._every_message:
            await super().event_message(payload)

    async def event_command_error(self, payload: commands.CommandErrorPayload) -> None:
        """Pass over commands that are meant for some other bot in the channel."""
        if not isinstance(payload.exception, commands.CommandNotFound):
            await super().event_command_error(payload)

    async def stop_sessions(self) -> None:
        """End the chat sessions, so that no more messages come."""
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def _drop(self, login_id: int) -> None:
        self.sessions.pop(login_id, None)
        task = self._running.pop(login_id, None)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _lend_token(self, login: Login) -> None:
        """Let TwitchIO act for the account."""
        if login.user_id is None or login.user_id in self.tokens:
            return
        try:
            await self.add_token(handle(login.id), handle(login.id))
        except AuthError as error:
            logger.debug("%s cannot be lent to TwitchIO now: %s", login.login, error)


_NULLABLE = (
    "channel_points_custom_reward_id",
    "channel_points_animation_id",
    "source_broadcaster_user_id",
    "source_broadcaster_user_login",
    "source_broadcaster_user_name",
    "source_message_id",
    "reply",
    "cheer",
)


def _refreshed_payload(login: Login, clock: Clock) -> twitchio.TokenRefreshedPayload:
    """TwitchIO's event in our bot: with the handle, which stands for the token wherever TwitchIO uses it."""
    expires_at = login.pair.expires_at
    return twitchio.TokenRefreshedPayload(
        {
            "user_id": login.user_id or "",
            "token": handle(login.id),
            "refresh_token": handle(login.id),
            "scopes": twitchio.Scopes(sorted(login.pair.scopes)),
            "expires_in": 0 if expires_at is None else int(expires_at - clock.now().timestamp()),
        }
    )


def _log_end(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("the %s failed", task.get_name(), exc_info=error)
