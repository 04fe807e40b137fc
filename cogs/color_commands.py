"""ColorCommands: `!color ...`, typed by an account for itself."""

from __future__ import annotations

import logging

import twitchio
from twitchio.ext import commands

from colorchanger_bot.bot.messages import author_of, own_message
from colorchanger_bot.changer.commands import run_command, wants_reply
from colorchanger_bot.changer.community import phrase_in, run_for_member, run_phrase
from colorchanger_bot.changer.painter import Painter
from colorchanger_bot.changer.replies import chat_reply, page_reply
from colorchanger_bot.errors import ColorChangerError
from colorchanger_bot.wiring import (
    attachment_of,
    cog_loaded,
    cog_unloaded,
    command_in,
    login_of,
    manages,
    may_use_commands,
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
        if attached.owner is not None:
            attached.owner.start()

    async def component_teardown(self) -> None:
        attached = attachment_of(self.bot)
        attached.takes_commands = False
        if attached.owner is not None:
            await attached.owner.stop()
        await cog_unloaded(self.bot, NAME)

    @commands.Component.listener()
    async def event_message(self, message: twitchio.ChatMessage) -> None:
        attached = attachment_of(self.bot)
        text = command_in(attached, message.text)
        # A mirrored message is a command in the channel where it was typed, not in the others.
        if text is None or message.source_broadcaster is not None:
            return
        called = f"{attached.prefixes[0]}{attached.settings.commands.name}"
        if await self._is_about_joining(message, text, called):
            return
        painter = await self._commanded(message)
        if painter is None:
            return
        community, speaker = attached.community, painter.user_id
        if community is not None and community.is_member(painter.user_id):
            result = await run_for_member(painter, text, attached.platform, community.channel)
            speaker = community.speaker()
        else:
            result = await run_command(painter, text, attached.platform)
        logger.info("%s %s: %s", called, text, page_reply(result), extra={"account": painter.login})
        if wants_reply(attached.settings.commands, account_id=painter.user_id, channel_id=message.broadcaster.id):
            await self._reply(message, chat_reply(result, called), speaker)

    async def _is_about_joining(self, message: twitchio.ChatMessage, text: str, called: str) -> bool:
        """Let a viewer join or leave the community; False if the command is about something else."""
        attached = attachment_of(self.bot)
        community, phrase = attached.community, phrase_in(text)
        if community is None or phrase is None or not community.is_here(message.broadcaster.id):
            return False
        viewer = author_of(message)
        is_ours = manages(self.bot, viewer.user_id)  # then the message counts for Twitch's limit, and may be a reply
        changer = attached.changer
        is_new = changer.on_command(own_message(message)) if is_ours else changer.first_time(message.id)
        speaker = community.speaker() if attached.settings.commands.reply != "never" else ""
        if is_new and (result := await run_phrase(community, phrase, viewer, is_answered=bool(speaker))) is not None:
            logger.info("%s %s: %s", called, phrase, type(result).__name__, extra={"account": viewer.login})
            if speaker:
                await self._reply(message, chat_reply(result, called), speaker)
        return True

    async def _commanded(self, message: twitchio.ChatMessage) -> Painter | None:
        """Return whose colours a command is about; None for strangers, repeats and our own replies."""
        attached = attachment_of(self.bot)
        if manages(self.bot, message.chatter.id):
            painter = await painter_for(self.bot, message.chatter, message.broadcaster)
            is_new = painter is not None and attached.changer.on_command(own_message(message))
        elif may_use_commands(self.bot, author_of(message), ""):
            painter = await own_account(self.bot)
            is_new = attached.changer.first_time(message.id)
        else:
            return None
        if painter is None or not is_new:
            return None
        return painter if may_use_commands(self.bot, author_of(message), painter.user_id) else None

    async def _reply(self, message: twitchio.ChatMessage, answer: str, user_id: str) -> None:
        """Reply in chat as an account, where Twitch's limits allow it; the log has the answer in any case."""
        attached = attachment_of(self.bot)
        log = logging.LoggerAdapter(logger, {"account": login_of(self.bot, user_id)})
        channel_id = message.broadcaster.id
        if not user_id:
            log.info("no reply sent: no account that reads the channel may write there")
            return
        is_moderator = message.chatter.id == user_id and message.chatter.moderator
        if not await attached.changer.reply_turn(user_id, channel_id, answer, is_moderator=is_moderator):
            log.info("no reply sent: close to Twitch's limit of messages in 30 seconds")
            return
        try:
            sent = await attached.speaker.reply(user_id, channel_id, answer, reply_to=message.id)
        except ColorChangerError as error:
            log.info("no reply sent: %s", error)
        else:
            if sent is None:
                log.info("Twitch dropped the reply")


async def setup(bot: commands.Bot) -> None:
    await bot.add_component(ColorCommands(bot))
