"""ColorChanger: an own message is over, so the next one gets a new colour."""

from __future__ import annotations

import twitchio
from twitchio.ext import commands

from colorchanger_bot.wiring import attachment_of


class ColorChanger(commands.Component):
    """Tells the changer of each own message."""

    def __init__(self, bot: commands.Bot) -> None:
        self.shared = attachment_of(bot)

    @commands.Component.listener()
    async def event_message(self, message: twitchio.ChatMessage) -> None:
        own = await self.shared.own_message(message)
        if own is not None and await self.shared.calls_command(message) is None:
            self.shared.changer.saw(own)


async def setup(bot: commands.Bot) -> None:
    await bot.add_component(ColorChanger(bot))
