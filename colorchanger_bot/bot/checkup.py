"""Checkup: says once, when our cogs are loaded, what keeps a host from changing colours, and what to do."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from twitchio.ext import commands

from colorchanger_bot.bot.host import chat_channels, granted_scopes, host_id, own_name, socket_channels
from colorchanger_bot.clock import Tasks

logger = logging.getLogger(__name__)

GRACE_SECONDS = 2.0
"""A host that has just started may still be adding tokens and subscriptions."""
EVENTS = ("event_ready", "event_token_refreshed", "event_oauth_authorized")
"""After these the host is checked again."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What the settings need of a host."""

    accounts: Mapping[str, str]
    """The accounts that get colours: user id to login."""
    scopes: Mapping[str, str]
    """Each scope that their tokens need, and in plain words what for."""
    reading: str
    """The one of these that is needed to read chat over a WebSocket."""
    chat_from_host: bool
    """Whether messages come in over the host's own chat subscription only, and not over our session."""
    listed: Collection[str] = ()
    """The logins that the settings list; accounts that are listed by their id are left out."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is missing in a host."""

    key: str
    """What is missing: it is said once for as long as it is."""
    account: str
    text: str
    level: int = logging.WARNING


class Checkup:
    """Checks a host when it has started, and again when a login changes.

    What neither TwitchIO nor Twitch can tell is not reported.
    """

    def __init__(self, bot: commands.Bot, needs: Callable[[], Needs]) -> None:
        self.grace_seconds = GRACE_SECONDS
        """How long the host must have been quiet before it is checked."""
        self._bot = bot
        self._needs = needs
        self._tasks = Tasks(logging.LoggerAdapter(logger, {"account": own_name(bot)}))
        self._news = asyncio.Event()
        self._is_ready = False
        self._said: frozenset[str] = frozenset()
        """The keys of what is missing and has been said."""

    def start(self) -> None:
        """Check once the host has settled."""
        for event in EVENTS:
            self._bot.add_listener(self._look_again, event=event)
        self._news.set()
        self._tasks.start(self._run(), "the check of the bot for colour changes")

    async def stop(self) -> None:
        """Stop checking."""
        while self._bot.remove_listener(self._look_again) is not None:
            pass  # one event at a time
        await self._tasks.cancel()

    async def _look_again(self, payload: object = None) -> None:
        if payload is None:
            self._is_ready = True
        elif getattr(payload, "user_id", None) not in {None, *self._needs().accounts}:
            return  # the login of somebody else
        self._news.set()

    async def _run(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            await asyncio.sleep(self.grace_seconds)
            if not self._news.is_set() and self._has_started():
                self._say(await findings(self._bot, self._needs()))

    def _has_started(self) -> bool:
        """Return whether the host is past its `setup_hook`, in which most add their tokens and subscriptions."""
        # A bot that only logs in, without `start`, never becomes ready. No public attribute says so.
        return self._is_ready or (host_id(self._bot) is not None and getattr(self._bot, "_setup_called", True))

    def _say(self, found: Collection[Finding]) -> None:
        for finding in found:
            if finding.key not in self._said:
                logger.log(finding.level, finding.text, extra={"account": finding.account})
        self._said = frozenset(finding.key for finding in found)


async def findings(bot: commands.Bot, needs: Needs) -> list[Finding]:
    """Return what is missing in a host."""
    if not needs.accounts:
        return [Finding("account", own_name(bot), "the bot has no account (bot_id): nobody gets colours here")]
    own, found = host_id(bot) or "", [*_strangers(needs)]
    channels = None
    if needs.chat_from_host and own in needs.accounts:
        channels = socket_channels(bot)
        if own not in channels:
            channels = await chat_channels(bot)
    for user_id, login in needs.accounts.items():
        if user_id not in bot.tokens:
            how = how_to_authorise(bot, needs.scopes)
            found.append(
                Finding(f"token {user_id}", login, f"no token of {login} ({user_id}), so no new colours: {how}")
            )
        elif lacking := await _missing_scopes(bot, user_id, _scopes_in_use(bot, needs, channels)):
            found.append(Finding(f"scope {user_id}", login, f"the token of {login} lacks {lacking}"))
    if channels is not None and own not in channels:
        # A bot may want to read other people's channels only; one without a token may subscribe when it gets one.
        level = logging.INFO if channels or own not in bot.tokens else logging.WARNING
        found.append(Finding(f"chat {level}", needs.accounts[own], unread(needs.accounts[own]), level))
    return found


def _strangers(needs: Needs) -> Iterator[Finding]:
    """Yield what the settings list and is no account here, if the names of all accounts are known."""
    logins = [*needs.accounts.values()]
    for login in needs.listed:
        if login and login not in logins and not set(logins) & needs.accounts.keys():
            text = f"the settings list {login}, but colours change here only for {' and '.join(logins)}"
            yield Finding(f"listed {login}", logins[0], f"{text}: correct the name, it may have changed at Twitch")


def _scopes_in_use(bot: commands.Bot, needs: Needs, channels: frozenset[str] | None) -> Mapping[str, str]:
    """Return the scopes that a token needs here: not the one for reading where chat comes in another way."""
    if not needs.chat_from_host or (channels == frozenset() and not isinstance(bot, commands.AutoBot)):
        return needs.scopes
    return {scope: purpose for scope, purpose in needs.scopes.items() if scope != needs.reading}


async def _missing_scopes(bot: commands.Bot, user_id: str, scopes: Mapping[str, str]) -> str:
    """Return which scopes a token lacks and what to do, in words; empty if it has all or nobody can tell."""
    granted = await granted_scopes(bot, bot.tokens[user_id]["token"])
    lacking = [] if granted is None else [f"{each} ({scopes[each]})" for each in scopes if each not in granted]
    if granted is None or not lacking:
        return ""
    # A new login has only the scopes asked for, so the host's own must be asked for again.
    return f"{' and '.join(lacking)}: {how_to_authorise(bot, {*granted, *scopes})}"


def unread(login: str) -> str:
    """Return what to do about a channel that nobody reads, in words."""
    return (
        f"the bot has no chat subscription for the channel {login}: what {login} writes there changes no colour; "
        "subscribe to eventsub.ChatMessageSubscription(broadcaster_user_id=bot.bot_id, user_id=bot.bot_id), "
        "or attach(bot, listen=True)"
    )


def how_to_authorise(bot: commands.Bot, scopes: Iterable[str]) -> str:
    """Return what to do to get a token with these scopes, in words."""
    wanted = sorted({*scopes, *getattr(bot.http.scopes, "selected", ())})
    if not bot.http.client_secret:
        return f"log in again by device code: login_dcf(scopes=..., force_flow=True) with {' '.join(wanted)}"
    adapter: Any = bot.adapter
    base, path = getattr(adapter, "_domain", "http://localhost:4343"), getattr(adapter, "_oauth_path", "/oauth")
    scopes_ = f"scopes={'+'.join(wanted)}&" if wanted else ""  # without any, the adapter asks for its own
    address = f"{base}{path}?{scopes_}force_verify=true"
    if getattr(adapter, "_running", False):
        return f"log in to Twitch as that account and open {address}"
    return f"start the bot with its web adapter (with_adapter=True), log in as that account and open {address}"
