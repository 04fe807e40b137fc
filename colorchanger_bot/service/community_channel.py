"""CommunityChannel: the channel of the community: who it is, who reads it now, and who answers in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from colorchanger_bot.auth.keeper import TokenKeeper
from colorchanger_bot.auth.scopes import REPLY_SCOPE, missing
from colorchanger_bot.bot.bot import ColorChangerBot
from colorchanger_bot.clock import Clock
from colorchanger_bot.settings.load import Settings
from colorchanger_bot.store.store import Login

SEARCH_SECONDS = 0.1
"""Between two searches for the channel's id while nobody knows it."""


class CommunityChannel:
    """The channel of the community; its accounts are our own ones, never members."""

    def __init__(
        self,
        settings: Callable[[], Settings],
        keeper: TokenKeeper,
        bots: Mapping[str, ColorChangerBot],
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._keeper = keeper
        self._bots = bots
        self._clock = clock
        self._id = ""
        self._search_at = float("-inf")

    @property
    def name(self) -> str:
        """Its name, as the settings have it."""
        return self._settings().community.channel

    @property
    def id(self) -> str:
        """Its id, which stays when the name changes; empty until somebody knows it."""
        if self._id or self._clock.monotonic() < self._search_at:
            return self._id
        self._search_at = self._clock.monotonic() + SEARCH_SECONDS
        channels = [channel for bot in self._bots.values() for channel in bot.readers.channels]
        read = {channel.name: channel.id for channel in channels if channel.is_sure}
        ids = {login.login: login.user_id for login in self._keeper if login.user_id}
        earlier = {old: login.user_id for login in self._keeper if not login.is_member for old in login.earlier}
        self._id = ids.get(self.name) or read.get(self.name) or earlier.get(self.name) or ""
        return self._id

    @property
    def is_read(self) -> bool:
        """Whether somebody reads it now."""
        return any(bot.readers.is_read(self.id) for bot in self._bots.values())

    def speaker(self) -> str:
        """Return the user id of the account that answers there: the streamer's, or another that reads; or nothing."""
        able = [login for login in self._readers() if not missing(login.pair.scopes, [REPLY_SCOPE])]
        able.sort(key=lambda login: login.user_id != self.id)
        return next((login.user_id or "" for login in able), "")

    def _readers(self) -> list[Login]:
        channels = [channel for bot in self._bots.values() for channel in bot.readers.channels]
        reading = {
            each.reader.user_id
            for channel in channels
            for each in channel.assignments
            if channel.id == self.id and each.progress == "reading"
        }
        return [login for login in self._keeper if login.user_id in reading]
