"""The seam between TwitchIO and the changer: what a bot's cogs share, under one attribute of the bot.

In our own bot everything is attached before the cogs are loaded. In somebody else's bot the first cog that asks gets
a changer that works through that bot's own tokens and models.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

import twitchio
from twitchio.ext import commands

from colorchanger_bot.bot.colors import TwitchioColors
from colorchanger_bot.bot.listening import Listening
from colorchanger_bot.changer.actions import World
from colorchanger_bot.changer.changer import Changer, OwnMessage
from colorchanger_bot.changer.chat import Speaker
from colorchanger_bot.changer.memory import Memory, ShortMemory
from colorchanger_bot.changer.painter import Painter
from colorchanger_bot.color import Color, Strategy
from colorchanger_bot.errors import StoreError
from colorchanger_bot.settings.load import Settings

logger = logging.getLogger(__name__)

ATTRIBUTE = "_colorchanger"


@dataclass(slots=True)
class Attachment:
    """What the cogs of one bot share; it outlives their reloads."""

    bot: commands.Bot
    settings: Settings
    changer: Changer
    speaker: Speaker
    world: World
    api: TwitchioColors
    memory: Memory
    strategy: Strategy | None = None
    own_bot: bool = False
    """Whether the accounts are looked after by our own bot; in others, the bot's account is the one to manage."""
    listening: Listening | None = None
    """Our chat session in somebody else's bot, where it was asked for."""
    listener: Callable[[OwnMessage], None] | None = None
    """Who hears of own messages that are no commands before TwitchIO's model of them is made: in our own bot, the
    cog `color_changer` while it is loaded."""
    command: commands.Command[commands.Component, ...] | None = None
    """Our chat command, while its cog is loaded."""

    def manages(self, user_id: str) -> bool:
        """Say whether this is an account that gets its colours here: all that is done for a stranger's message."""
        return user_id in self.changer or (not self.own_bot and user_id == _own_id(self.bot))

    async def own_message(self, message: twitchio.ChatMessage) -> OwnMessage | None:
        """Return the message if a managed account wrote it, in the words of the changer."""
        if await self._painter(message.chatter) is None:
            return None
        return OwnMessage(
            id=message.source_id or message.id,
            user_id=message.chatter.id,
            channel_id=message.broadcaster.id,
            channel=message.broadcaster.name or "",
            color=None if message.colour is None else Color(message.colour.code),
            text=message.text,
        )

    def notice(self, message: twitchio.ChatMessage) -> None:
        """Take note of somebody else's colour, for strategies that look at the people around."""
        own_id = _own_id(self.bot)
        if own_id is not None and not self.own_bot:  # in our own bot the chat sessions do it, for all that they read
            color = message.colour.html if message.colour is not None else ""
            self.changer.notice(own_id, message.broadcaster.id, message.chatter.id, color)

    async def call(self, message: twitchio.ChatMessage) -> commands.Context[commands.Bot] | None:
        """Return the context of a message that reads as a call of our chat command, whoever wrote it."""
        if self.command is None:
            return None
        context: commands.Context[commands.Bot] = self.bot.get_context(message)
        return context if await context.fetch_command() is self.command else None

    async def commander(self, message: twitchio.ChatMessage) -> Painter | None:
        """Return whose colours a command is about, once; None for strangers, mirrors and what we said ourselves."""
        if message.source_broadcaster is not None:
            return None
        own = await self.own_message(message)
        if own is not None:
            self.changer.pace.note(own.user_id, own.channel_id)
            if self.changer.is_reply(own) or "self" not in self.settings.commands.allow:
                return None
            painter = self.changer.get(own.user_id)
        else:
            painter = self.changer.get(_own_id(self.bot) or "") if self.may_command(message) else None
        return painter if painter is not None and self.changer.first_time(message.id) else None

    def may_command(self, message: twitchio.ChatMessage) -> bool:
        """Say whether the settings let somebody else command the bot's account."""
        allow = self.settings.commands.allow
        if "owner" in allow and message.chatter.name == self.settings.commands.owner:
            return True
        if "broadcaster" in allow and message.chatter.id == message.broadcaster.id:
            return True
        return "moderators" in allow and message.chatter.moderator

    async def _painter(self, user: twitchio.PartialUser) -> Painter | None:
        if user.id not in self.changer and self.manages(user.id):
            login = (user.name or user.id).lower()
            try:
                await self.changer.manage(user.id, login, self.settings.color_for(login), strategy=self.strategy)
            except StoreError as error:
                logger.error("%s gets no colours: %s", login, error)
        return self.changer.get(user.id)


def attach(
    bot: commands.Bot,
    settings: Settings | None = None,
    *,
    strategy: Strategy | None = None,
    memory: Memory | None = None,
    changer: Changer | None = None,
    speaker: Speaker | None = None,
    world: World | None = None,
    listen: bool = False,
) -> Attachment:
    """Give a bot its changer; with a changer of one's own the bot manages no account by itself.

    The place for it is before the cogs are loaded. Called again, also while they are, it counts from the next message
    on, the command's name from their next load; what was set in chat and the colours so far stay. To have the colours
    of before put back when the bot stops, call `await changer_for(bot).close()` in its `close`.

    With `listen` the bot hears chat through our supervised session, from the load of the cog `color_changer` to its
    unload, and needs no chat subscription of its own: in the channels that the settings list for its account, else
    in its own. All messages become `event_message`, as always.
    """
    before = _attached(bot)
    api = before.api if before else TwitchioColors(bot)
    memory = memory or (before.memory if before else ShortMemory())
    attachment = Attachment(
        bot=bot,
        settings=settings or Settings(),
        changer=changer or Changer(api, memory=memory),
        speaker=speaker or api,
        world=world or api,
        api=api,
        memory=memory,
        strategy=strategy,
        own_bot=changer is not None,
        listening=Listening(bot, settings or Settings()) if listen else None,
        command=before.command if before else None,
    )
    setattr(bot, ATTRIBUTE, attachment)
    return attachment


def attachment_of(bot: commands.Bot) -> Attachment:
    """Return what is attached to a bot, attached now if nothing is."""
    return _attached(bot) or attach(bot)


def changer_for(bot: commands.Bot) -> Changer:
    """Return the changer of a bot."""
    return attachment_of(bot).changer


def _attached(bot: commands.Bot) -> Attachment | None:
    found = getattr(bot, ATTRIBUTE, None)
    return found if isinstance(found, Attachment) else None


def _own_id(bot: commands.Bot) -> str | None:
    try:
        return bot.bot_id
    except AssertionError:  # TwitchIO's way to say: a bot that logs in by device code has not done so yet
        return None
