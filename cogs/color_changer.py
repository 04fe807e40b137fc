"""ColorChanger: after an own message, the account gets a new colour."""

from __future__ import annotations

import twitchio
from twitchio.ext import commands

from colorchanger_bot.bot.messages import own_message, own_notification
from colorchanger_bot.wiring import (
    attachment_of,
    cog_loaded,
    cog_unloaded,
    command_in,
    manages,
    note_stranger,
    painter_for,
)

NAME = "colorchanger_bot.ColorChanger"
"""The bot may have a component called ColorChanger."""


class ColorChanger(commands.Component, name=NAME):
    """Tells the changer of each own message, from whatever program it was written."""

    def __init__(self, bot: commands.Bot) -> None:
        self.bot = bot

    async def component_load(self) -> None:
        """Start to read chat over our own session, in a bot that asked for it."""
        cog_loaded(self.bot, NAME)
        listening = attachment_of(self.bot).listening
        if listening is not None:
            listening.start()

    async def component_teardown(self) -> None:
        """Drop the changes that are waiting, and stop reading."""
        attached = attachment_of(self.bot)
        if attached.listening is not None:
            await attached.listening.stop()
        attached.changer.pause()
        await cog_unloaded(self.bot, NAME)

    @commands.Component.listener()
    async def event_message(self, message: twitchio.ChatMessage) -> None:
        attached = attachment_of(self.bot)
        if not manages(self.bot, message.chatter.id):
            note_stranger(self.bot, message)
            return
        if command_in(attached, message.text) is not None:
            return  # a command changes the colour itself, or says why not
        if await painter_for(self.bot, message.chatter, message.broadcaster) is not None:
            attached.changer.on_message(own_message(message))

    @commands.Component.listener()
    async def event_chat_notification(self, notification: twitchio.ChatNotification) -> None:
        # What a person types with an announcement, a resub or a watch streak comes as a notification only.
        if not (notification.text and manages(self.bot, notification.chatter.id)):
            return
        if await painter_for(self.bot, notification.chatter, notification.broadcaster) is not None:
            attachment_of(self.bot).changer.on_message(own_notification(notification))


async def setup(bot: commands.Bot) -> None:
    await bot.add_component(ColorChanger(bot))
