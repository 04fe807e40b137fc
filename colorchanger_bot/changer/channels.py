"""The commands about channels: join and leave."""

from __future__ import annotations

import re

from colorchanger_bot.changer import results
from colorchanger_bot.changer.painter import Painter
from colorchanger_bot.changer.platform import Platform
from colorchanger_bot.changer.results import CommandResult
from colorchanger_bot.errors import UnknownUser

MOST_CHANNELS = 100
"""Twitch lets an account read this many channels (EventSub, "channel.chat.message")."""

_LOGIN = re.compile(r"[a-z0-9_]{1,25}")


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
