"""Chat commands."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from colorchanger_bot.settings.model import CommandSettings


class Author(NamedTuple):
    """Who wrote a message, in the channel where it was written."""

    user_id: str
    login: str
    is_broadcaster: bool
    is_moderator: bool


def may_command(author: Author, commands: CommandSettings) -> bool:
    """Return whether the settings let somebody else command the bot's account."""
    allow = commands.allow
    return (
        ("owner" in allow and author.login == commands.owner)
        or ("broadcaster" in allow and author.is_broadcaster)
        or ("moderators" in allow and author.is_moderator)
    )


def parse_command(text: str, prefixes: Iterable[str], names: Iterable[str]) -> str | None:
    """Return what follows a call of ours; None if the text is none."""
    if text.startswith("@"):
        text = text.partition(" ")[2].lstrip()
    for prefix in sorted(prefixes, key=len, reverse=True):
        if text.startswith(prefix):
            called, _, rest = text.removeprefix(prefix).partition(" ")
            if called.lower() in {name.lower() for name in names}:
                return rest.strip()
    return None
