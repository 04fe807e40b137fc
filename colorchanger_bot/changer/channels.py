"""The commands about channels, and what commands need beyond the account's own colour."""

from __future__ import annotations

import re
from typing import Protocol

from colorchanger_bot.changer import results
from colorchanger_bot.changer.painter import Painter
from colorchanger_bot.changer.results import CommandResult
from colorchanger_bot.color import Color
from colorchanger_bot.errors import UnknownUser

MOST_CHANNELS = 100
"""Twitch lets an account read this many channels (EventSub, "channel.chat.message")."""

_LOGIN = re.compile(r"[a-z0-9_]{1,25}")


class Platform(Protocol):
    """What commands need of Twitch and of the bot, beyond the account's own colour."""

    async def color_of(self, user_id: str, login: str) -> Color | None:
        """Return the colour of somebody else, asked as `user_id`; None for a user who never chose one.

        Raises:
            UnknownUser: nobody has that login.
            ColorChangerError: Twitch does not tell.
        """
        ...

    async def check_channel(self, user_id: str, login: str) -> None:
        """Look whether a channel exists, asked as `user_id`.

        Raises:
            UnknownUser: it does not.
            ColorChangerError: Twitch does not tell.
        """
        ...

    def channels(self, user_id: str) -> tuple[str, ...] | None:
        """Return the channels that the account reads; None where they are not ours to choose."""
        ...

    def counts(self, user_id: str, channel_id: str) -> bool:
        """Return whether what the account writes in this channel counts: another account may read it here as well."""
        ...

    async def set_channels(self, user_id: str, channels: tuple[str, ...]) -> None:
        """Let the account read these channels, from now on and after a restart."""
        ...


async def join(painter: Painter, rest: str, platform: Platform) -> CommandResult:
    """Read one channel more, if there is one of this name."""
    login, channels = login_in(rest), platform.channels(painter.user_id)
    if channels is None:
        return results.NotPossible("channels not ours")
    if login is None:
        return results.Misunderstood("join")
    if login in channels:
        return results.NotPossible("already joined", (login,))
    if len(channels) >= MOST_CHANNELS:
        return results.NotPossible("too many channels")
    try:
        await platform.check_channel(painter.user_id, login)
    except UnknownUser:
        return results.NotPossible("no such channel", (login,))
    await platform.set_channels(painter.user_id, (*channels, login))
    return results.ChannelJoined(login)


async def leave(painter: Painter, rest: str, platform: Platform) -> CommandResult:
    """Read one channel less."""
    login, channels = login_in(rest), platform.channels(painter.user_id)
    if channels is None:
        return results.NotPossible("channels not ours")
    if login is None or login not in channels:
        return results.NotPossible("not joined", channels)
    if len(channels) == 1:
        return results.NotPossible("only channel", (login,))
    await platform.set_channels(painter.user_id, tuple(channel for channel in channels if channel != login))
    return results.ChannelLeft(login)


def login_in(text: str) -> str | None:
    """The login that somebody wrote, perhaps with a sign in front."""
    login = text.strip().lstrip("@#").lower()
    return login if _LOGIN.fullmatch(login) else None
