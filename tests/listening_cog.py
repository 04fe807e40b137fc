"""A host's own cog that listens to chat and records the messages on the bot."""

from __future__ import annotations

import twitchio
from twitchio.ext import commands


class Listener(commands.Component):
    def __init__(self, heard: list[tuple[str, str]]) -> None:
        self.heard = heard

    @commands.Component.listener()
    async def event_message(self, message: twitchio.ChatMessage) -> None:
        self.heard.append((message.broadcaster.name or "", message.text))


async def setup(bot: commands.Bot) -> None:
    heard: list[tuple[str, str]] = []
    bot.heard = heard  # pyright: ignore[reportAttributeAccessIssue]
    await bot.add_component(Listener(heard))
