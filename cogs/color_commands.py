"""ColorCommands: `!color ...`, typed by an account for itself."""

from __future__ import annotations

import logging

import twitchio
from twitchio.ext import commands

from colorchanger_bot.changer.chat import chat_line, obey
from colorchanger_bot.errors import ColorChangerError
from colorchanger_bot.wiring import attachment_of

logger = logging.getLogger(__name__)


class ColorCommands(commands.Component):
    """Runs the chat command for the accounts that the bot manages; everybody else is met with silence."""

    def __init__(self, bot: commands.Bot) -> None:
        self.bot = bot

    async def component_load(self) -> None:
        """Add the command under the name that the settings give it.

        Raises:
            ComponentLoadError: the bot has a command of that name already.
        """
        shared = attachment_of(self.bot)
        if not shared.settings.commands.enabled:
            return

        # A guard of the bot that keeps strangers out would make noise of what is to be met with silence.
        @commands.command(
            name=shared.settings.commands.name,
            aliases=list(shared.settings.commands.names[1:]),
            bypass_global_guards=True,
        )
        async def color(ctx: commands.Context[commands.Bot], *, text: str = "") -> None:
            """Change how your name is coloured in chat."""
            if ctx.message is not None:
                await self.run(ctx.message, text, called=f"{ctx.prefix}{shared.settings.commands.name}")

        try:
            self.bot.add_command(color)
        except commands.CommandExistsError as error:
            raise commands.ComponentLoadError(
                f"{error} Give ours another one: attach(bot, settings=...) with other commands.name and "
                "commands.aliases, before the cogs are loaded."
            ) from None
        shared.command = color

    async def component_teardown(self) -> None:
        shared = attachment_of(self.bot)
        if shared.command is not None and self.bot.get_command(shared.command.name) is shared.command:
            self.bot.remove_command(shared.command.name)
        shared.command = None

    @commands.Component.listener()
    async def event_message(self, message: twitchio.ChatMessage) -> None:
        """Run a command of an own account: TwitchIO itself passes over what the bot's account says.

        In our own bot TwitchIO's command processing is off, and those who may command it are seen to here as well.
        """
        shared = attachment_of(self.bot)
        seen_to = shared.manages(message.chatter.id) or (shared.own_bot and shared.may_command(message))
        if seen_to and message.source_broadcaster is None:
            context = await shared.call(message)
            if context is not None:
                await self.bot.invoke(context)

    async def run(self, message: twitchio.ChatMessage, text: str, *, called: str) -> None:
        """Do what an own account asks, once, however often the bot comes by with it, and answer."""
        shared = attachment_of(self.bot)
        painter = await shared.commander(message)
        if painter is None:
            return
        answer = chat_line((await obey(painter, text, shared.world)).replace("!color", called))
        logger.info("%s %s: %s", called, text, answer, extra={"account": painter.login})
        await self._reply(message, answer, painter.user_id)

    async def _reply(self, message: twitchio.ChatMessage, answer: str, user_id: str) -> None:
        shared = attachment_of(self.bot)
        where = shared.settings.commands.reply
        if where == "never" or (where == "own-channel" and message.broadcaster.id != user_id):
            return
        if not await shared.changer.pace.turn(user_id, message.broadcaster.id):
            logger.info("the answer is not said in chat: the account has written a lot already")
            return
        shared.changer.expect(user_id, answer)
        try:
            sent = await shared.speaker.reply(user_id, message.broadcaster.id, answer, reply_to=message.id)
        except ColorChangerError as error:
            logger.info("the answer could not be said in chat: %s", error)
        else:
            if sent is None:
                logger.info("Twitch dropped the answer")


async def setup(bot: commands.Bot) -> None:
    await bot.add_component(ColorCommands(bot))
