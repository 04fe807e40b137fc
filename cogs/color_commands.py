"""ColorCommands: `!color ...`, typed by an account for itself."""

from __future__ import annotations

import logging

import twitchio
from twitchio.ext import commands

from colorchanger_bot.chat import obey
from colorchanger_bot.errors import ColorChangerError, ConfigError
from colorchanger_bot.wiring import attachment_of

logger = logging.getLogger(__name__)


class ColorCommands(commands.Component):
    """Runs the chat command for the accounts that the bot manages; everybody else is met with silence."""

    def __init__(self, bot: commands.Bot) -> None:
        self.bot = bot
        self.shared = attachment_of(bot)
        self.settings = self.shared.settings.commands

    async def component_load(self) -> None:
        """Add the command under the name that the settings give it."""
        if not self.settings.enabled:
            return

        @commands.command(name=self.settings.name, aliases=list(self.settings.aliases))
        async def color(ctx: commands.Context[commands.Bot], *, text: str = "") -> None:
            """Change how your name is coloured in chat."""
            if ctx.message is not None:
                await self.run(ctx.message, text)

        try:
            self.bot.add_command(color)
        except commands.CommandExistsError as error:
            raise ConfigError(
                [f"this bot has such a command already ({error}): choose other commands.name and commands.aliases"]
            ) from None
        self.shared.command = color

    async def component_teardown(self) -> None:
        if self.shared.command is not None:
            self.bot.remove_command(self.shared.command.name)
            self.shared.command = None

    @commands.Component.listener()
    async def event_message(self, message: twitchio.ChatMessage) -> None:
        """Run a command of an own account: TwitchIO itself passes over what the bot's account says."""
        if await self.shared.painter(message.chatter) is None:
            return
        context = await self.shared.calls_command(message)
        if context is not None:
            await self.bot.invoke(context)

    async def run(self, message: twitchio.ChatMessage, text: str) -> None:
        """Do what an own account asks, once, and answer."""
        painter = await self.shared.painter(message.chatter)
        if painter is None or message.source_broadcaster is not None or not self.shared.changer.first_time(message.id):
            return
        try:
            answer = await obey(painter, text)
        except ColorChangerError as error:
            answer = str(error)
        logger.info("!%s: %s", f"{self.settings.name} {text}".strip(), answer, extra={"account": painter.login})
        await self._reply(message, answer)

    async def _reply(self, message: twitchio.ChatMessage, answer: str) -> None:
        own_channel = message.broadcaster.id == message.chatter.id
        if self.settings.reply == "never" or (self.settings.reply == "own-channel" and not own_channel):
            return
        user_id = message.chatter.id
        self.shared.changer.expect(user_id, answer)
        try:
            sent = await self.shared.speaker.reply(user_id, message.broadcaster.id, answer, reply_to=message.id)
        except ColorChangerError as error:
            logger.info("the answer could not be said in chat: %s", error)
        else:
            if sent is None:
                logger.info("Twitch dropped the answer")


async def setup(bot: commands.Bot) -> None:
    await bot.add_component(ColorCommands(bot))
