"""Attachment: what the cogs of one bot share.

It is kept in one private attribute of the bot, so that it survives a reload of the cogs, and the order in which they
load does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from twitchio.ext import commands

from colorchanger_bot.bot.checkup import Checkup
from colorchanger_bot.bot.refresh import SharedRefresh
from colorchanger_bot.changer.changer import Changer
from colorchanger_bot.changer.commands import Speaker
from colorchanger_bot.changer.community import ChatCommunity
from colorchanger_bot.changer.memory import Memory
from colorchanger_bot.changer.owner import Owner
from colorchanger_bot.changer.platform import Platform
from colorchanger_bot.color import Strategy
from colorchanger_bot.settings.settings import Settings

ATTRIBUTE = "_colorchanger"


class ChatSource(Protocol):
    """Reads chat for a bot from `start` to `stop`; `Listening` does, and is imported only where it is asked for."""

    def start(self) -> None: ...

    async def stop(self) -> None: ...


@dataclass(slots=True)
class Guest:
    """What runs in somebody else's bot from the load of the first of our cogs to the unload of the last."""

    refresh: SharedRefresh
    checkup: Checkup
    cogs: set[str] = field(default_factory=set[str])
    """The names of the cogs that are loaded."""

    def cog_loaded(self, name: str) -> None:
        """Begin with the first cog."""
        if not self.cogs:
            self.refresh.start()
            self.checkup.start()
        self.cogs.add(name)

    async def cog_unloaded(self, name: str) -> None:
        """End with the last cog."""
        if self.cogs == {name}:
            await self.checkup.stop()
            await self.refresh.stop()
        self.cogs.discard(name)


@dataclass(slots=True)
class Attachment:
    """What the cogs of one bot share."""

    settings: Settings
    changer: Changer
    speaker: Speaker
    platform: Platform
    prefixes: tuple[str, ...]
    """What a chat command begins with."""
    memory: Memory | None = None
    """The memory of the first `attach`, which a second one goes on using."""
    strategy: Strategy | None = None
    """A strategy of the author's own; None: the one in the settings."""
    is_own_bot: bool = False
    """Whether this is our own bot, which manages its accounts itself; in others the cogs manage the bot's account."""
    guest: Guest | None = None
    """What runs beside the cogs in somebody else's bot; None in our own."""
    listening: ChatSource | None = None
    """Our chat session in somebody else's bot, where it was asked for."""
    owner: Owner | None = None
    """Who `commands.owner` is, where the settings let the owner command."""
    community: ChatCommunity | None = None
    """The viewers who may join, in our own bot."""
    takes_commands: bool = False
    """Whether the cog `color_commands` is loaded; if so, its commands do not count as messages."""


def find(bot: commands.Bot) -> Attachment | None:
    """Return what is attached to a bot; None if nothing is."""
    found = getattr(bot, ATTRIBUTE, None)
    return found if isinstance(found, Attachment) else None


def put(bot: commands.Bot, attachment: Attachment) -> None:
    """Attach it, replacing what was attached before."""
    setattr(bot, ATTRIBUTE, attachment)
