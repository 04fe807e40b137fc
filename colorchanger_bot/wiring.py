"""The seam between TwitchIO and the changer: what a bot's cogs share, under one attribute of the bot.

In our own bot everything is attached before the cogs are loaded. In somebody else's bot the first cog that asks gets
a changer that works through that bot's own tokens and models.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import aiohttp
import twitchio
from twitchio.ext import commands

from colorchanger_bot.changer import Changer, OwnMessage
from colorchanger_bot.chat import Speaker
from colorchanger_bot.color import Color, Strategy
from colorchanger_bot.errors import (
    ChannelRefused,
    ColorChangerError,
    ColorRejected,
    MissingScope,
    NeedsLogin,
    OutcomeUnknown,
    RateLimited,
    TokenRefused,
    TwitchUnavailable,
)
from colorchanger_bot.memory import Memory
from colorchanger_bot.painter import Painter
from colorchanger_bot.settings import Settings

ATTRIBUTE = "colorchanger"
REQUEST_SECONDS = 10.0
"""TwitchIO sets no limit of its own to a request."""


@dataclass(slots=True)
class Attachment:
    """What the cogs of one bot share; it outlives their reloads."""

    bot: commands.Bot
    changer: Changer
    settings: Settings
    speaker: Speaker
    strategy: Strategy | None = None
    command: commands.Command[commands.Component, ...] | None = None
    """Our chat command, while its cog is loaded."""
    own_bot: bool = False
    """Whether the accounts are looked after by our own bot; in others, the bot's account is the one to manage."""

    async def painter(self, user: twitchio.PartialUser) -> Painter | None:
        """Return who gives this user colours; None for a stranger."""
        if user.id not in self.changer and not self.own_bot and user.id == _own_id(self.bot):
            login = (user.name or user.id).lower()
            await self.changer.manage(user.id, login, self.settings.color_for(login), strategy=self.strategy)
        return self.changer.get(user.id)

    async def own_message(self, message: twitchio.ChatMessage) -> OwnMessage | None:
        """Return the message if a managed account wrote it, in the words of the changer."""
        if await self.painter(message.chatter) is None:
            return None
        return OwnMessage(
            id=message.source_id or message.id,
            user_id=message.chatter.id,
            channel_id=message.broadcaster.id,
            channel=message.broadcaster.name or "",
            color=None if message.colour is None else Color(message.colour.code),
            text=message.text,
        )

    async def calls_command(self, message: twitchio.ChatMessage) -> commands.Context[commands.Bot] | None:
        """Return the context of a message that calls our chat command; a mirrored message calls nothing."""
        if self.command is None or message.source_broadcaster is not None:
            return None
        context: commands.Context[commands.Bot] = self.bot.get_context(message)
        return context if await context.fetch_command() is self.command else None


def attach(
    bot: commands.Bot,
    settings: Settings | None = None,
    *,
    strategy: Strategy | None = None,
    memory: Memory | None = None,
    changer: Changer | None = None,
    speaker: Speaker | None = None,
) -> Attachment:
    """Give a bot its changer; with a changer of one's own the bot manages no account by itself."""
    api = TwitchioColors(bot)
    attachment = Attachment(
        bot=bot,
        changer=changer or Changer(api, memory=memory),
        settings=settings or Settings(),
        speaker=speaker or api,
        strategy=strategy,
        own_bot=changer is not None,
    )
    setattr(bot, ATTRIBUTE, attachment)
    return attachment


def attachment_of(bot: commands.Bot) -> Attachment:
    """Return what is attached to a bot, attached now if nothing is."""
    found = getattr(bot, ATTRIBUTE, None)
    return found if isinstance(found, Attachment) else attach(bot)


def changer_for(bot: commands.Bot) -> Changer:
    """Return the changer of a bot."""
    return attachment_of(bot).changer


def _own_id(bot: commands.Bot) -> str | None:
    try:
        return bot.bot_id
    except AssertionError:  # TwitchIO's way to say: a bot that logs in by device code has not done so yet
        return None


class TwitchioColors:
    """The `ColorApi` and the `Speaker` of somebody else's bot: through TwitchIO, with that bot's tokens."""

    def __init__(self, bot: commands.Bot) -> None:
        self._bot = bot

    async def put_color(self, user_id: str, color: Color) -> None:
        user = self._bot.create_partialuser(user_id)
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                await user.update_chatter_color(color.wire)
        except twitchio.HTTPException as error:
            if error.status == 400 and not _is_about_login(error):
                raise ColorRejected(f"Twitch does not take {color} ({_message(error)})") from None
            raise _mapped(error) from None
        except (TimeoutError, aiohttp.ClientError) as error:
            raise _unanswered(error) from None
        except ValueError:
            # TwitchIO reads an empty 204 that calls itself JSON, and stumbles after the change was made.
            raise OutcomeUnknown("Twitch's answer could not be read") from None

    async def get_color(self, user_id: str) -> Color | None:
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                found = await self._bot.fetch_chatters_color([user_id], token_for=user_id)
        except twitchio.HTTPException as error:
            raise _mapped(error) from None
        except (TimeoutError, aiohttp.ClientError, ValueError) as error:
            raise TwitchUnavailable(f"Twitch did not tell the present colour ({type(error).__name__})") from None
        return Color(found[0].colour.code) if found and found[0].colour else None

    async def reply(self, user_id: str, channel_id: str, text: str, *, reply_to: str) -> str | None:
        channel = self._bot.create_partialuser(channel_id)
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                sent = await channel.send_message(text, user_id, token_for=user_id, reply_to_message_id=reply_to)
        except twitchio.HTTPException as error:
            raise _mapped(error) from None
        except (TimeoutError, aiohttp.ClientError, ValueError) as error:
            raise _unanswered(error) from None
        return sent.id if sent.sent else None


def _is_about_login(error: twitchio.HTTPException) -> bool:
    return error.route is not None and error.route.use_id


def _message(error: twitchio.HTTPException) -> str:
    return str(error.extra.get("message", "") or error.status)[:200]


def _mapped(error: twitchio.HTTPException) -> ColorChangerError:
    """Return our error for TwitchIO's, which may hold tokens in its text and is therefore never chained."""
    message = _message(error)
    if _is_about_login(error) and error.status in (400, 401, 403):
        return NeedsLogin(f"Twitch ended the login of this account ({message}): authorise the bot again")
    match error.status:
        case 401 if "scope" in message.lower():
            return MissingScope(f"the bot's token lacks a permission ({message}): authorise the bot again")
        case 401:
            return TokenRefused(f"Twitch refuses the bot's token ({message})")
        case 403:
            return ChannelRefused(message)
        case 429:
            return RateLimited(f"Twitch asks to slow down ({message})")
        case _:
            return TwitchUnavailable(f"Twitch answered {error.status} ({message})")


def _unanswered(error: Exception) -> ColorChangerError:
    if isinstance(error, aiohttp.ClientConnectorError):
        return TwitchUnavailable(f"{error.host} cannot be reached")
    return OutcomeUnknown(f"Twitch did not answer ({type(error).__name__})")
