"""ColorChanger: an own message is over, so the next one gets a new colour."""

from __future__ import annotations

import twitchio
from twitchio.ext import commands

from colorchanger_bot.wiring import attachment_of


class ColorChanger(commands.Component):
    """Tells the changer of each own message."""

    def __init__(self, bot: commands.Bot) -> None:
        self.bot = bot

    async def component_load(self) -> None:
        """Listen: in our own bot at the source, in others where they want our chat session instead of TwitchIO's."""
        shared = attachment_of(self.bot)
        if shared.own_bot:
            shared.listener = shared.changer.saw
        if shared.listening is not None:
            shared.listening.start()

    async def component_teardown(self) -> None:
        """Give up the changes that wait, and listen no longer."""
        shared = attachment_of(self.bot)
        shared.listener = None
        if shared.listening is not None:
            await shared.listening.stop()
        await shared.changer.pause()

    @commands.Component.listener()
    async def event_message(self, message: twitchio.ChatMessage) -> None:
        shared = attachment_of(self.bot)
        if not shared.manages(message.chatter.id):
            shared.notice(message)
        elif await shared.call(message) is None:
            own = await shared.own_message(message)
            if own is not None:
                shared.changer.saw(own)


async def setup(bot: commands.Bot) -> None:
    await bot.add_component(ColorChanger(bot))
