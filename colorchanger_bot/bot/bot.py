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

from colorchanger_bot.auth.guard import handle
from colorchanger_bot.auth.keeper import LoginEvent, TokenKeeper
from colorchanger_bot.auth.scopes import READ_SCOPE, missing, missing_permission
from colorchanger_bot.bot.messages import chat_message, own_message, text_of
from colorchanger_bot.bot.world import HelixWorld, Reading
from colorchanger_bot.changer.changer import Changer, Recent
from colorchanger_bot.clock import Clock
from colorchanger_bot.errors import AuthError
from colorchanger_bot.eventsub.follows import follow_live
from colorchanger_bot.eventsub.session import ChatSession, Event
from colorchanger_bot.eventsub.timing import Timing
from colorchanger_bot.settings.load import ColorSettings, Settings
from colorchanger_bot.store.store import Login
from colorchanger_bot.tasks import cancel
from colorchanger_bot.twitch.helix import Helix, HelixColors
from colorchanger_bot.wiring import attach

logger = logging.getLogger(__name__)

COGS = "colorchanger_bot.cogs"
READY_SECONDS = 1.0
"""From the start of an account to its first colour drawn ahead: the chat comes first."""


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
        timing: Timing | None = None,
    ) -> None:
        super().__init__(
            client_id=client_id,
            prefix=settings.commands.prefix,
            session=session,
            fetch_client_user=False,
            case_insensitive=True,
        )
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
        self._timing = timing or Timing()
        self._running: dict[int, list[asyncio.Task[None]]] = {}
        self._scopes: dict[int, frozenset[str]] = {}
        self._every_message = bool(settings.cogs.load)
        obeys_others = settings.commands.enabled and set(settings.commands.allow) != {"self"}
        self._hears_others = self._every_message or obeys_others
        self._seen = Recent(2000)
        self._world = HelixWorld(colors, changer)
        self._shared = attach(self, settings, changer=changer, speaker=self._world, world=self._world)

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

    async def manage(
        self, login: Login, channels: Iterable[str], color: ColorSettings, *, follow: bool = False
    ) -> None:
        """Take care of an account from now on, in these channels; `follow` adds those it follows while they are live.

        Raises:
            StoreError: what is remembered of it cannot be read.
        """
        if login.user_id is None:
            return
        user_id = login.user_id
        painter = await self._changer.manage(user_id, login.login, color)
        if login.id in self.sessions:
            return
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
            wants=self._wants if self._hears_others else None,
            heeds=partial(self._heeds, user_id),
            timing=self._timing,
        )
        reading = self._world.readings[user_id] = Reading(session, painter.channels or tuple(channels))
        session.want(reading.listed)
        if login.lost or _is_deaf(login):
            session.pause(login.lost or missing_permission(login))
        self._scopes[login.id] = login.pair.scopes
        work = {"chat": session.run()}
        if follow:
            work["live channels"] = follow_live(
                user_id,
                login.login,
                helix,
                reading.set_live,
                clock=self._clock,
                rng=self._rng,
                timing=self._timing,
            )
        asyncio.get_running_loop().call_later(READY_SECONDS, painter.get_ready)  # nobody waits for a colour then
        self._running[login.id] = [
            asyncio.create_task(each, name=f"{what} of {login.login}") for what, each in work.items()
        ]
        for task in self._running[login.id]:
            task.add_done_callback(_log_end)
        await self._lend_token(login)

    async def on_login(self, event: LoginEvent) -> None:
        """Follow what happened to a login of this bot."""
        login = event.login
        if event.state == "lost":
            if login.id in self.sessions:
                self.sessions[login.id].pause(event.reason)
            await self.remove_token(login.user_id or "")
            if login.id not in self._keeper:  # logged out
                await self.drop(login.id)
            return
        if login.id in self.sessions:
            self._go_on(self.sessions[login.id], login)
        if event.state == "found":
            await self._lend_token(login)
            if event.by_person and login.user_id is not None:
                self.dispatch("oauth_authorized", _authorized_payload(login, self._clock))
        elif event.state == "refreshed" and login.user_id is not None:
            self.dispatch("token_refreshed", _refreshed_payload(login, self._clock))

    def _go_on(self, session: ChatSession, login: Login) -> None:
        """Let a session make use of a token that it did not know."""
        if _is_deaf(login):
            session.pause(missing_permission(login))
            return
        session.resume()
        if self._scopes.get(login.id) != login.pair.scopes:
            self._scopes[login.id] = login.pair.scopes
            session.hurry()

    def receive(self, event: Event) -> None:
        """Hand a chat event on to the cogs."""
        # Several accounts may read the same channel, and a cog wants each message once.
        if not self._seen.add(event["message_id"]):
            return
        listener = self._shared.listener
        if listener is None or event["chatter_user_id"] not in self._changer or self._is_call(event):
            self._hand_on(event)
            return
        listener(own_message(event))
        # The request for the colour goes out first, then come TwitchIO's model and whoever else listens.
        asyncio.get_running_loop().call_soon(self._hand_on, event)

    def _hand_on(self, event: Event) -> None:
        self.dispatch("message", chat_message(event, self.http))

    def _is_call(self, event: Event) -> bool:
        return text_of(event).startswith(self._settings.commands.prefix)

    def _wants(self, event: Event) -> bool:
        """Whether somebody else's message is made an event: for additional cogs all, else what may be a command."""
        return self._every_message or self._is_call(event)

    def _heeds(self, user_id: str) -> bool:
        """Whether the messages of others that an account reads matter to anybody now."""
        return self._hears_others or self._changer.heeds_others(user_id)

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
        await cancel(task for tasks in self._running.values() for task in tasks)

    async def drop(self, login_id: int) -> None:
        """Look after an account no longer."""
        self.sessions.pop(login_id, None)
        await cancel(self._running.pop(login_id, []))

    async def _lend_token(self, login: Login) -> None:
        """Let TwitchIO act for the account."""
        if login.user_id is None or login.user_id in self.tokens:
            return
        try:
            await self.add_token(handle(login.id), handle(login.id))
        except AuthError as error:
            logger.debug("%s cannot be lent to TwitchIO now: %s", login.login, error)


def _refreshed_payload(login: Login, clock: Clock) -> twitchio.TokenRefreshedPayload:
    """TwitchIO's event in our bot: with the handle, which stands for the token wherever TwitchIO uses it."""
    return twitchio.TokenRefreshedPayload(
        {
            "user_id": login.user_id or "",
            "token": handle(login.id),
            "refresh_token": handle(login.id),
            "scopes": twitchio.Scopes(sorted(login.pair.scopes)),
            "expires_in": _expires_in(login, clock),
        }
    )


def _authorized_payload(login: Login, clock: Clock) -> twitchio.authentication.UserTokenPayload:
    """TwitchIO's event of a login that a person made, with the handle as well."""
    payload = twitchio.authentication.UserTokenPayload(
        {
            "access_token": handle(login.id),
            "refresh_token": handle(login.id),
            "expires_in": _expires_in(login, clock),
            "scope": sorted(login.pair.scopes),
            "token_type": "bearer",
        }
    )
    # TwitchIO sets these two itself, after it has asked Twitch whose token it is.
    payload._user_id, payload._user_login = login.user_id, login.login  # pyright: ignore[reportPrivateUsage]
    return payload


def _expires_in(login: Login, clock: Clock) -> int:
    """Seconds until the access token ends; 0 if nobody knows."""
    expires_at = login.pair.expires_at
    return 0 if expires_at is None else int(expires_at - clock.now().timestamp())


def _is_deaf(login: Login) -> bool:
    """Whether the login may not read chat at all: then asking Twitch channel by channel is of no use."""
    return bool(missing(login.pair.scopes, [READ_SCOPE]))


def _log_end(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("the %s failed", task.get_name(), exc_info=error)
