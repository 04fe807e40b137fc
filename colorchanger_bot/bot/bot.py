"""ColorChangerBot: a TwitchIO bot for the accounts of one Twitch application, each with its own chat session."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterable
from functools import partial

import aiohttp
import twitchio
from twitchio.ext import commands

from colorchanger_bot.auth.guard import handle
from colorchanger_bot.auth.keeper import LoginEvent, TokenKeeper
from colorchanger_bot.auth.scopes import READ_SCOPE, missing, missing_permission
from colorchanger_bot.bot import attachment
from colorchanger_bot.bot.attachment import Attachment
from colorchanger_bot.bot.messages import chat_message, chat_notification, has_badge, text_of
from colorchanger_bot.bot.platform import HelixPlatform, Reading
from colorchanger_bot.changer.changer import Changer
from colorchanger_bot.changer.commands import parse_command
from colorchanger_bot.changer.community import ChatCommunity, phrase_in
from colorchanger_bot.changer.owner import Owner
from colorchanger_bot.clock import Clock, RecentIds, Tasks, cancel
from colorchanger_bot.errors import AuthError
from colorchanger_bot.eventsub.follows import follow_live
from colorchanger_bot.eventsub.frames import Event, channel_of
from colorchanger_bot.eventsub.join_pace import AccountLimits
from colorchanger_bot.eventsub.readers import Readers
from colorchanger_bot.eventsub.session import ChatSession
from colorchanger_bot.eventsub.timing import Timing
from colorchanger_bot.settings.model import ColorSettings, CommandSettings
from colorchanger_bot.settings.settings import Settings
from colorchanger_bot.store.logins import id_with_name
from colorchanger_bot.store.store import Login
from colorchanger_bot.twitch.helix import CHAT_NOTIFICATION, Helix, HelixColors

logger = logging.getLogger(__name__)

COGS = "colorchanger_bot.cogs"


class ColorChangerBot(commands.Bot):
    """Manages accounts of one application.

    TwitchIO gets handles instead of tokens, and our session, whose guard knows what they stand for; so whatever
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
        community: ChatCommunity | None = None,
    ) -> None:
        super().__init__(
            client_id=client_id,
            prefix=self._prefix,
            session=session,
            fetch_client_user=False,
            case_insensitive=True,
        )
        self.client_id = client_id
        self.accounts: dict[int, str] = {}
        """The user ids of the accounts by the numbers of their logins."""
        self._settings = settings
        self._session = session
        self._sockets = sockets
        self._keeper = keeper
        self._colors = colors
        self._changer = changer
        self._clock = clock
        self._rng = rng
        self._timing = timing or Timing()
        self._limits: dict[str, AccountLimits] = {}
        """By the user ids of those who have read."""
        self._following: dict[int, asyncio.Task[None]] = {}
        self._tasks = Tasks(logger)
        self._scopes: dict[int, frozenset[str]] = {}
        self._has_guests = False
        """Whether a cog that is not ours is loaded: then every message becomes an event."""
        self._seen = RecentIds(clock)
        self.readers = Readers(
            clock=clock,
            rng=rng,
            timing=self._timing,
            most=settings.reading.readers,
            is_shared=settings.reading.mode == "shared",
            has_second_sockets=settings.reading.second_socket,
        )
        """Who reads which channel."""
        self._community = community
        self._look_for_commands(settings.commands)
        self._platform = HelixPlatform(colors, changer, self.readers, community)
        self.readers.on_identified(self._platform.channels_identified)
        shared = Attachment(
            settings=settings,
            changer=changer,
            speaker=self._platform,
            platform=self._platform,
            prefixes=(settings.commands.prefix,),
            owner=self._commander(settings) if settings.commands.obeys_owner else None,
            is_own_bot=True,
            community=community,
        )
        attachment.put(self, shared)

    def configure(self, settings: Settings) -> None:
        """Use other settings from now on; what they say of an account comes with `read` and its painter."""
        before, self._settings = self._settings.commands, settings
        self._look_for_commands(settings.commands)
        shared = attachment.find(self)
        if shared is None:
            return
        shared.settings = settings
        if settings.commands == before:
            return
        shared.prefixes = (settings.commands.prefix,)
        shared.takes_commands = settings.commands.enabled
        if shared.owner is not None:
            shared.owner.end()
        shared.owner = self._commander(settings) if settings.commands.obeys_owner else None
        if shared.owner is not None:
            shared.owner.start()

    def _look_for_commands(self, settings: CommandSettings) -> None:
        """Work out once what is asked of every message."""
        self._others_may_command = settings.enabled and set(settings.allow) != {"self"}
        self._calls = [f"{settings.prefix}{name}".lower() for name in settings.names] if settings.enabled else []

    def _commander(self, settings: Settings) -> Owner:
        return Owner(
            settings,
            memory=self._changer.memory,
            find=self._platform.person,
            ours=partial(id_with_name, self._keeper),
            clock=self._clock,
            rng=self._rng,
        )

    async def _prefix(self, _bot: commands.Bot, _message: twitchio.ChatMessage) -> str:
        """Tell TwitchIO, for the commands of other people's cogs, what a command begins with now."""
        return self._settings.commands.prefix

    @property
    def bot_id(self) -> str:
        """The first account of the bot; empty until one is known."""
        return next(iter(self.accounts.values()), "")

    async def setup_hook(self) -> None:
        await self.load_module(COGS)
        for module in self._settings.cogs.load:
            try:
                await self.load_module(module)
            except (twitchio.TwitchioException, ImportError, TypeError) as error:
                # Somebody else's cog is broken or misspelt: colours keep changing without it.
                logger.error("the cog %s cannot be loaded: %s", module, error)

    async def manage(
        self, login: Login, channels: Iterable[str], color: ColorSettings, *, follow: bool = False
    ) -> None:
        """Manage an account from now on, in these channels; `follow` adds those it follows while they are live.

        Raises:
            StoreError: what is remembered of it cannot be read.
        """
        if login.user_id is None:
            return
        user_id = login.user_id
        painter = await self._changer.manage(user_id, login.login, color)
        if login.id in self.accounts:
            return
        helix = Helix(
            self._session, client_id=login.client_id, handle=handle(login.id), api_url=self._settings.twitch.api_url
        )
        self._colors.by_user[user_id] = helix
        if login.is_member:  # somebody else reads the channel, and no cog acts as a viewer
            painter.restores_at_stop = False  # a stop has no time for thousands; leaving puts the colour back
            return
        self.accounts[login.id] = user_id
        self.readers.add(user_id, login.login, partial(self._new_session, user_id, login.login, helix))
        if reason := _obstacle(login):
            self.readers.bar(user_id, reason)
        # (a channel that is listed under an earlier name of the account is its own, not of somebody who has that name)
        ids = {**painter.channel_ids, **dict.fromkeys(login.earlier, user_id)}
        reading = Reading(user_id, self.readers, painter.channels or tuple(channels), ids)
        self._platform.read(user_id, reading)
        self._scopes[login.id] = login.pair.scopes
        if follow:
            self._follow(login, reading)
        await self._lend_token(login)

    def read(self, login: Login, channels: Iterable[str], *, follow: bool) -> None:
        """Change which channels an account reads, unless they were set in chat, and whether it follows."""
        reading, painter = self._platform.readings.get(login.user_id or ""), self._changer.get(login.user_id or "")
        if reading is None or painter is None or login.id not in self.accounts:
            return
        if (listed := painter.channels or tuple(channels)) != reading.listed:
            reading.set_listed(listed)
            self._platform.channels_identified(reading.user_id)
        if follow and login.id not in self._following:
            self._follow(login, reading)
        elif not follow and (following := self._following.pop(login.id, None)) is not None:
            following.cancel()
            reading.set_live({})

    def _follow(self, login: Login, reading: Reading) -> None:
        following = follow_live(
            reading.user_id,
            login.login,
            self._colors.by_user[reading.user_id],
            reading.set_live,
            clock=self._clock,
            rng=self._rng,
            timing=self._timing,
        )
        self._following[login.id] = self._tasks.start(following, f"live channels of {login.login}")

    def _new_session(
        self,
        user_id: str,
        login: str,
        helix: Helix,
        changed: Callable[[], None],
        identified: Callable[[], None],
    ) -> ChatSession:
        return ChatSession(
            user_id,
            login,
            helix=helix,
            sockets=self._sockets,
            url=self._settings.twitch.eventsub_url,
            clock=self._clock,
            rng=self._rng,
            receive=self.receive,
            notice=self._notice,
            wants=self._wants,
            parse_others=self._looks_at_others,
            ours=self.readers.ours if self._community is None else self._platform,
            counts=self._platform.counts,
            timing=self._timing,
            limits=self._limits.setdefault(user_id, AccountLimits(self._clock, self._rng, self._timing)),
            changed=changed,
            identified=identified,
        )

    async def on_login(self, event: LoginEvent) -> None:
        """Follow what happened to a login of this bot."""
        login = event.login
        if login.is_member:
            return
        if event.state == "lost":
            if login.id in self.accounts:
                self.readers.bar(self.accounts[login.id], event.reason)
            await self.remove_token(login.user_id or "")
            if login.id not in self._keeper:  # logged out
                await self.drop(login.id)
            return
        if login.id in self.accounts and login.id in self._keeper:
            # What is known now: the event may have waited until the account was brought up.
            self._go_on(self._keeper[login.id])
        if event.state == "found":
            await self._lend_token(login)
            if event.by_person and login.user_id is not None:
                self.dispatch("oauth_authorized", _authorized_payload(login, self._clock))
        elif event.state == "refreshed" and login.user_id is not None:
            self.dispatch("token_refreshed", _refreshed_payload(login, self._clock))

    def _go_on(self, login: Login) -> None:
        """Make use of a token that was not known before."""
        user_id = self.accounts[login.id]
        if reason := _obstacle(login):
            self.readers.bar(user_id, reason)
            return
        self.readers.allow(user_id)
        if self._scopes.get(login.id) != login.pair.scopes:
            self._scopes[login.id] = login.pair.scopes
            self.readers.retry_now(user_id)

    async def load_module(self, name: str, *, package: str | None = None) -> None:
        await super().load_module(name, package=package)
        self._look_for_guests()

    async def unload_module(self, name: str, *, package: str | None = None) -> None:
        await super().unload_module(name, package=package)
        self._look_for_guests()

    def _look_for_guests(self) -> None:
        self._has_guests = any(not name.startswith(COGS) for name in self.modules)

    # From the chat sessions to the cogs

    def receive(self, event: Event, _delivery_id: str, type_: str) -> None:
        """Pass a chat event to the cogs once, however many sessions read it and however often Twitch sends it."""
        source = event.get("source_message_id")
        if source and self.readers.is_read(event["source_broadcaster_user_id"]):
            return  # mirrored from a shared chat: the original comes from the channel where it was written
        if not self._seen.add(source or event["message_id"]):
            return
        if event["chatter_user_id"] in self.readers.ours and has_badge(event, "moderator"):
            self.readers.note_moderator(event["chatter_user_id"], event["broadcaster_user_id"])
        if type_ == CHAT_NOTIFICATION:
            self.dispatch("chat_notification", chat_notification(event, self.http))
        else:
            self.dispatch("message", chat_message(event, self.http))

    def _wants(self, event: Event) -> bool:
        """Return whether somebody else's message becomes an event: all, if a cog of others listens, else commands."""
        if self._has_guests or (self._others_may_command and self._command_in(event) is not None):
            return True
        return self._is_here(event) and phrase_in(self._command_in(event) or "") == "me"

    def _is_here(self, event: Event) -> bool:
        return self._community is not None and self._community.is_here(event["broadcaster_user_id"])

    def _command_in(self, event: Event) -> str | None:
        commands_ = self._settings.commands
        if not commands_.enabled:
            return None
        return parse_command(text_of(event), (commands_.prefix,), commands_.names)

    def _looks_at_others(self, frame: str) -> bool:
        """Return whether somebody else's message, not parsed yet, matters to anybody now."""
        if self._has_guests or self._others_may_command:
            return True
        if self._community is not None and self._may_be_join(frame, self._community):
            return True
        return bool(self._changer.watchers) and self._is_watched(channel_of(frame))

    def _may_be_join(self, frame: str, community: ChatCommunity) -> bool:
        """Return whether somebody may have typed in this frame that they want to join."""
        text = frame.lower()
        for called in self._calls:
            if called in text or not called.isascii():  # in JSON, other letters may be written in two ways
                return community.is_here(channel_of(frame))
        return False

    def _notice(self, event: Event) -> None:
        channel_id, chatter_id = event["broadcaster_user_id"], event["chatter_user_id"]
        if self._is_watched(channel_id, but_not_by=chatter_id):
            self._changer.on_others_message(channel_id, chatter_id, event.get("color") or "")

    def _is_watched(self, channel_id: str, *, but_not_by: str = "") -> bool:
        """Return whether an account whose strategy looks at others wants a channel."""
        watchers = self._changer.watchers
        return any(user_id != but_not_by and self._platform.counts(user_id, channel_id) for user_id in watchers)

    async def event_message(self, payload: twitchio.ChatMessage) -> None:
        """Run the commands of other people's cogs; our own cogs parse theirs themselves."""
        if self._has_guests:
            await super().event_message(payload)

    async def event_command_error(self, payload: commands.CommandErrorPayload) -> None:
        """Ignore commands for another bot in the channel."""
        if not isinstance(payload.exception, commands.CommandNotFound):
            await super().event_command_error(payload)

    async def stop_sessions(self) -> None:
        """End the chat sessions, so that no more messages come."""
        await asyncio.gather(self._tasks.cancel(), self.readers.close())

    async def drop(self, login_id: int) -> None:
        """Stop managing an account."""
        if (following := self._following.pop(login_id, None)) is not None:
            await cancel((following,))
        if (user_id := self.accounts.pop(login_id, None)) is not None:
            await self.readers.drop(user_id)
            self._limits.pop(user_id, None)

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


def _obstacle(login: Login) -> str:
    """Why the login reads no chat at all, so that asking Twitch channel by channel is useless; empty if it may."""
    return login.lost or (missing_permission(login) if missing(login.pair.scopes, [READ_SCOPE]) else "")
