"""The plugin's public functions: attach ColorChanger to a TwitchIO bot, and get its changer.

In our own bot everything is attached before the cogs are loaded. In somebody else's bot the first cog that asks gets a
changer that works with that bot's tokens and models. No command is registered with the bot, and its command processing
is not called: its commands behave as if ColorChanger were not there.
"""

from __future__ import annotations

import logging
from functools import partial

import twitchio
from twitchio.ext import commands

from colorchanger_bot.bot import attachment
from colorchanger_bot.bot.attachment import Attachment, Guest
from colorchanger_bot.bot.checkup import Checkup, Needs
from colorchanger_bot.bot.colors import TwitchioColors
from colorchanger_bot.bot.host import host_id, known_id, login_at_twitch, name_of, own_name, prefixes_of
from colorchanger_bot.bot.refresh import SharedRefresh
from colorchanger_bot.bot.refusals import Refusals
from colorchanger_bot.changer.changer import Changer
from colorchanger_bot.changer.commands import Author, may_command, parse_command
from colorchanger_bot.changer.memory import Memory, ShortMemory
from colorchanger_bot.changer.owner import Owner
from colorchanger_bot.changer.painter import Painter
from colorchanger_bot.color import Strategy
from colorchanger_bot.errors import StoreError
from colorchanger_bot.settings.settings import Settings

logger = logging.getLogger(__name__)


def attach(
    bot: commands.Bot,
    settings: Settings | None = None,
    *,
    strategy: Strategy | None = None,
    memory: Memory | None = None,
    listen: bool = False,
) -> Attachment:
    """Give a bot its changer, before the cogs are loaded.

    Call it again at any time: the new settings count from the next message on. What was set in chat and the colours so
    far stay. To have the original colours put back when the bot stops, call
    `await changer_for(bot).close()` in its `close`.

    Args:
        bot: any TwitchIO 3 bot.
        settings: what to do; the defaults if None. Commands begin with the bot's own prefix where that is plain text,
            else with `commands.prefix`.
        strategy: a strategy of your own; it wins over the one in the settings.
        memory: keeps colours and what was set in chat over a restart; without one they end with the process.
        listen: read chat over our supervised session, from the load of the cog `color_changer` to its unload. The bot
            then needs no chat subscription of its own. The channels are those that the settings list for the bot's
            account, else its own; those that the bot subscribes to by itself are left to it. Every message becomes
            `event_message`, as always. Once on, it stays on.
    """
    before = attachment.find(bot)
    settings = settings or Settings()
    memory = memory or (before and before.memory) or ShortMemory()
    # Kept for the life of the bot: it sends one request per account at a time.
    api = before.speaker if before and isinstance(before.speaker, TwitchioColors) else TwitchioColors(bot)
    listening = before.listening if before else None
    if listen and listening is None:
        from colorchanger_bot.bot.listening import Listening  # noqa: PLC0415 - the cogs alone need no EventSub, no HTTP

        listening = Listening(bot, partial(_painter_of, bot))
    attached = Attachment(
        settings=settings,
        changer=Changer(api, memory=memory),
        speaker=api,
        platform=api,
        memory=memory,
        prefixes=prefixes_of(bot) or (settings.commands.prefix,),
        strategy=strategy,
        guest=(before and before.guest) or _guest(bot),
        listening=listening,
        owner=_owner(bot, settings, memory, api),
        takes_commands=before is not None and before.takes_commands,
    )
    attachment.put(bot, attached)
    if before is not None and before.takes_commands:
        _replace(before.owner, attached.owner)
    return attached


def attachment_of(bot: commands.Bot) -> Attachment:
    """Return what is attached to a bot; attach the defaults if nothing is."""
    return attachment.find(bot) or attach(bot)


def changer_for(bot: commands.Bot) -> Changer:
    """Return the changer of a bot."""
    return attachment_of(bot).changer


# For the cogs


def cog_loaded(bot: commands.Bot, cog: str) -> None:
    """Take note that one of our cogs is loaded; the first one starts what runs beside them in somebody else's bot."""
    guest = attachment_of(bot).guest
    if guest is not None:
        guest.cog_loaded(cog)


async def cog_unloaded(bot: commands.Bot, cog: str) -> None:
    """Take note that one of our cogs is unloaded; the last one ends what runs beside them."""
    guest = attachment_of(bot).guest
    if guest is not None:
        await guest.cog_unloaded(cog)


def login_of(bot: commands.Bot, user_id: str) -> str:
    """Return the login of an account, for the log; its id where the login is not known."""
    painter = changer_for(bot).get(user_id)
    return name_of(bot, user_id) if painter is None else painter.login


def manages(bot: commands.Bot, user_id: str) -> bool:
    """Return whether this account gets its colours here; the only check made on somebody else's message."""
    attached = attachment_of(bot)
    return user_id in attached.changer or (not attached.is_own_bot and user_id == host_id(bot))


async def painter_for(bot: commands.Bot, user: twitchio.PartialUser, channel: twitchio.PartialUser) -> Painter | None:
    """Return the painter of an account whose messages in this channel count; None for other accounts and channels.

    In somebody else's bot, the account is managed from its first message on. A memory that cannot be read is logged.
    """
    attached = attachment_of(bot)
    if not attached.platform.counts(user.id, channel.id):
        return None
    return await _painter_of(bot, user.id, (user.name or user.id).lower())


async def _painter_of(bot: commands.Bot, user_id: str, login: str) -> Painter | None:
    attached = attachment_of(bot)
    if user_id not in attached.changer and manages(bot, user_id):
        try:
            earlier = (await attached.changer.memory.recall(user_id)).listed_as
            # A host may list its account under its id, or under the name from before a rename.
            attached.settings = attached.settings.bound_to([(login, (user_id, earlier))])
            color = attached.settings.color_for(login)
            painter = await attached.changer.manage(user_id, login, color, strategy=attached.strategy)
        except StoreError as error:
            logger.error("%s gets no colours: %s", login, error, extra={"account": login})
        else:
            painter.identify_account(attached.settings.listed_as(login))
    return attached.changer.get(user_id)


def command_in(attached: Attachment, text: str) -> str | None:
    """Return what follows the name of our chat command; None if the text is not our command."""
    if not attached.takes_commands:
        return None
    return parse_command(text, attached.prefixes, attached.settings.commands.names)


def note_stranger(bot: commands.Bot, message: twitchio.ChatMessage) -> None:
    """Remember somebody else's colour, for strategies that look at the people in chat."""
    attached = attachment_of(bot)
    # In our own bot the chat sessions do it.
    if not attached.is_own_bot and host_id(bot) in attached.changer.watchers:
        color = message.colour.html if message.colour is not None else ""
        attached.changer.on_others_message(message.broadcaster.id, message.chatter.id, color)


def may_use_commands(bot: commands.Bot, author: Author, account_id: str) -> bool:
    """Return whether somebody may command an account of the bot."""
    attached = attachment_of(bot)
    owner_id = None if attached.owner is None else attached.owner.id
    return may_command(author, attached.settings.commands, account_id=account_id, owner_id=owner_id)


async def own_account(bot: commands.Bot) -> Painter | None:
    """Return the painter of the bot's own account, which others may command if the settings allow it.

    In somebody else's bot, the account is managed from its first message or the first such command on.
    """
    user_id = host_id(bot)
    if user_id is None:
        return None
    if (painter := changer_for(bot).get(user_id)) is not None:
        return painter
    return await _painter_of(bot, user_id, await login_at_twitch(bot, user_id))


def _owner(bot: commands.Bot, settings: Settings, memory: Memory, api: TwitchioColors) -> Owner | None:
    if not settings.commands.obeys_owner:
        return None
    ours, account = partial(known_id, bot), partial(own_name, bot)
    return Owner(settings, memory=memory, find=api.person, ours=ours, account=account)


def _replace(before: Owner | None, owner: Owner | None) -> None:
    """Look for the owner that new settings name, while the bot takes commands."""
    if before is not None:
        before.end()
    if owner is not None:
        if before is not None and before.login == owner.login:
            owner.id = before.id  # until it is looked up, the name does not count again
        owner.start()


def _guest(bot: commands.Bot) -> Guest:
    needs = partial(_needs, bot)
    return Guest(SharedRefresh(bot, Refusals(bot, needs)), Checkup(bot, needs))


def _needs(bot: commands.Bot) -> Needs:
    """Return what the settings need of a host."""
    # The cogs load without it: they need nothing of the room of logins but these names.
    from colorchanger_bot.auth.scopes import COLOR_SCOPE, READ_SCOPE, REPLY_SCOPE, purpose  # noqa: PLC0415

    attached = attachment_of(bot)
    accounts = {painter.user_id: painter.login for painter in attached.changer}
    if (user_id := host_id(bot)) is not None:
        accounts.setdefault(user_id, name_of(bot, user_id))
    scopes = [COLOR_SCOPE, READ_SCOPE]
    if attached.takes_commands and attached.settings.commands.reply != "never":
        scopes.append(REPLY_SCOPE)
    return Needs(
        accounts=accounts,
        scopes={scope: purpose(scope) for scope in scopes},
        reading=READ_SCOPE,
        chat_from_host=attached.listening is None,
        listed=[account.login for account in attached.settings.accounts if account.login not in accounts],
    )
