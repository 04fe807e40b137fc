"""What is asked of somebody else's bot, and how its answers are made ours."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from twitchio.ext import commands


def host_id(bot: commands.Bot) -> str | None:
    """Return the user id of the bot's account as text, as events have it; None: the bot has no account yet."""
    try:
        found: object = bot.bot_id
    except AssertionError:  # how TwitchIO says that a bot that logs in by device code has not done so yet
        return None
    return str(found) if found else None  # many bots pass a number: TwitchIO keeps it as it is


def prefixes_of(bot: commands.Bot) -> tuple[str, ...]:
    """Return the prefixes of the bot's commands where they are plain text; none if a coroutine decides them."""
    # The only place where TwitchIO keeps it. A coroutine is not called: it is the bot's, and may count its calls.
    prefix: object = getattr(bot, "_get_prefix", None)
    if isinstance(prefix, str):
        return (prefix,) if prefix else ()
    several = cast("Iterable[object]", prefix) if isinstance(prefix, list | tuple | set | frozenset) else ()
    return tuple(each for each in several if isinstance(each, str) and each)
