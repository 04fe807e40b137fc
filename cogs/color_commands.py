"""ColorCommands: `!color ...`, typed by an account for itself."""

from __future__ import annotations

import logging

import twitchio
from twitchio.ext import commands

from colorchanger_bot.bot.messages import author_of, own_message
from colorchanger_bot.changer.chat import chat_line, obey
from colorchanger_bot.changer.commands import may_command
from colorchanger_bot.changer.painter import Painter
from colorchanger_bot.errors import ColorChangerError
from colorchanger_bot.wiring import (
    attachment_of,
    cog_loaded,
    cog_unloaded,
    command_in,
    manages,
    own_account,
    painter_for,
)

logger = logging.getLogger(__name__)

NAME = "colorchanger_bot.ColorCommands"
"""The bot may have a component called ColorCommands."""


class ColorCommands(commands.Component, name=NAME):
    """Runs the chat command for those who may use it; everybody else's is ignored.

    The command is read here and not registered with the bot: the bot's own commands, hooks and error handlers never
    see it.
    """

    def __init__(self, bot: commands.Bot) -> None:
        self.bot = bot

    async def component_load(self) -> None:
        """Take commands, if the settings say so."""
        cog_loaded(self.bot, NAME)
        attached = attachment_of(self.bot)
        attached.takes_commands = attached.settings.commands.enabled

    async def component_teardown(self) -> None:
        attachment_of(self.bot).takes_commands = False
        await cog_unloaded(self.bot, NAME)

    @commands.Component.listener()
    async def event_message(self, message: twitchio.ChatMessage) -> None:
        attached = attachment_of(self.bot)
        text = command_in(attached, message.text)
        # A mirrored message is a command in the channel where it was typed, not in the others.
        if text is None or message.source_broadcaster is not None:
            return
        painter = await self._commanded(message)
        if painter is not None and attached.changer.first_time(message.id):
            await self._run(message, text, painter)

    async def _commanded(self, message: twitchio.ChatMessage) -> Painter | None:
        """Return whose colours the author of a command may change; None for strangers and for our own replies."""
        attached = attachment_of(self.bot)
        if not manages(self.bot, message.chatter.id):
            return own_account(self.bot) if may_command(author_of(message), attached.settings.commands) else None
        painter = await painter_for(self.bot, message.chatter, message.broadcaster)
        if painter is None:
            return None
        own = own_message(message)
        attached.changer.pace.note(own.user_id, own.channel_id)
        if attached.changer.is_reply(own) or "self" not in attached.settings.commands.allow:
            return None
        return painter

    async def _run(self, message: twitchio.ChatMessage, text: str, painter: Painter) -> None:
        attached = attachment_of(self.bot)
        called = f"{attached.prefixes[0]}{attached.settings.commands.name}"
        answer = chat_line((await obey(painter, text, attached.world)).replace("!color", called))
        logger.info("%s %s: %s", called, text, answer, extra={"account": painter.login})
        await self._reply(message, answer, painter)

    async def _reply(self, message: twitchio.ChatMessage, answer: str, painter: Painter) -> None:
        """Answer in chat, where the settings and Twitch's limits allow it; the log has the answer in any case."""
        attached = attachment_of(self.bot)
        log = logging.LoggerAdapter(logger, {"account": painter.login})
        user_id, channel_id = painter.user_id, message.broadcaster.id
        where = attached.settings.commands.reply
        if where == "never" or (where == "own-channel" and channel_id != user_id):
            return
        if not await attached.changer.pace.turn(user_id, channel_id):
            log.info("no reply sent: close to Twitch's limit of messages in 30 seconds")
            return
        attached.changer.expect(user_id, answer)
        try:
            sent = await attached.speaker.reply(user_id, channel_id, answer, reply_to=message.id)
        except ColorChangerError as error:
            log.info("no reply sent: %s", error)
        else:
            if sent is None:
                log.info("Twitch dropped the reply")


async def setup(bot: commands.Bot) -> None:
    await bot.add_component(ColorCommands(bot))
