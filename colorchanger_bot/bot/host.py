"""Reads from a host, which is somebody else's bot, what we need to know, in our own terms."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import cast

import aiohttp
import twitchio
from twitchio.authentication.oauth import OAuth
from twitchio.ext import commands

from colorchanger_bot.twitch.answers import refusal_in

CHAT_MESSAGE = "channel.chat.message"
INNER_CLIENT = "_ManagedHTTPClient__isolated"
"""The attribute of TwitchIO's HTTP client that holds the one it refreshes and validates tokens with."""
RENEW = "_refresh_token"
"""The method of TwitchIO's HTTP client that renews a login ahead of need, and drops it if that is refused."""
REQUEST_SECONDS = 10.0
"""TwitchIO sets no limit of its own to a request."""
TWITCHIO_ERRORS = (
    *(twitchio.HTTPException, aiohttp.ClientError, OSError),
    *(RuntimeError, ValueError, LookupError, TypeError, AttributeError),
)
"""What a request through TwitchIO raises: its own errors, those of the network and of a time limit, and what it
runs into when an answer is not in Twitch's format."""


def host_id(bot: commands.Bot) -> str | None:
    """Return the user id of the bot's account as text, as events have it; None: the bot has no account yet."""
    try:
        found: object = bot.bot_id
    except AssertionError:  # how TwitchIO says that a bot that logs in by device code has not done so yet
        return None
    return str(found) if found else None  # many bots pass a number: TwitchIO keeps it as it is


def name_of(bot: commands.Bot, user_id: str) -> str:
    """Return the login of an account if the bot knows it, else its id."""
    user = bot.user
    return user.name.lower() if user is not None and user.name and str(user.id) == user_id else user_id


async def login_at_twitch(bot: commands.Bot, user_id: str) -> str:
    """Return the login of an account, from Twitch if the bot does not know it; its id if Twitch does not tell."""
    name = name_of(bot, user_id)
    if name != user_id:
        return name
    try:
        async with asyncio.timeout(REQUEST_SECONDS):
            users = await bot.fetch_users(ids=[user_id])
            return (users[0].name or user_id).lower() if users else user_id
    except TWITCHIO_ERRORS:
        return user_id


def known_id(bot: commands.Bot, login: str) -> str:
    """Return the user id of a login, if it is the bot's account or its owner (`owner_id`); else empty."""
    for user in (bot.user, getattr(bot, "owner", None)):
        if user is not None and user.name and user.name.lower() == login:
            return str(user.id)
    return ""


def own_name(bot: commands.Bot) -> str:
    """Return the name of the bot's own account, for the log; a bot that has none yet is "the bot"."""
    user_id = host_id(bot)
    return "the bot" if user_id is None else name_of(bot, user_id)


def prefixes_of(bot: commands.Bot) -> tuple[str, ...]:
    """Return the prefixes of the bot's commands where they are plain text; none if a coroutine decides them."""
    # TwitchIO keeps it nowhere else. A coroutine is not called: it is the bot's own, and may count its calls.
    prefix: object = getattr(bot, "_get_prefix", None)
    if isinstance(prefix, str):
        return (prefix,) if prefix else ()
    several = cast("Iterable[object]", prefix) if isinstance(prefix, list | tuple | set | frozenset) else ()
    return tuple(each for each in several if isinstance(each, str) and each)


def socket_channels(bot: commands.Bot) -> frozenset[str]:
    """Return the ids of the channels whose chat TwitchIO reads over its own WebSockets now."""
    try:
        subscriptions = bot.websocket_subscriptions().values()
    except NotImplementedError:  # an AutoBot reads over a conduit
        return frozenset()
    return frozenset(
        str(each.condition.get("broadcaster_user_id")) for each in subscriptions if str(each.type.value) == CHAT_MESSAGE
    )


async def chat_channels(bot: commands.Bot) -> frozenset[str] | None:
    """Return the ids of the channels whose chat the bot's account reads by itself; None if that cannot be known.

    TwitchIO knows its WebSockets; Twitch is asked about conduits and webhooks.
    """
    channels, user_id = socket_channels(bot), host_id(bot)
    if user_id is None or not bot.http.client_secret:  # conduits and webhooks need the application's own token
        return channels
    try:
        async with asyncio.timeout(REQUEST_SECONDS):
            found = await bot.fetch_eventsub_subscriptions(user_id=user_id)
            return channels | {
                str(each.condition.get("broadcaster_user_id"))
                async for each in found.subscriptions
                if (each.type, each.status) == (CHAT_MESSAGE, "enabled") and each.transport.method != "websocket"
            }
    except TWITCHIO_ERRORS:
        return channels or None


def inner_client(bot: commands.Bot) -> OAuth | None:
    """Return the client that refreshes and validates tokens for TwitchIO; None in a TwitchIO that we do not know."""
    client: object = getattr(bot.http, INNER_CLIENT, None)
    return client if isinstance(client, OAuth) else None


def keep_token(bot: commands.Bot, user_id: str, token: str, refresh: str, *, validated: str) -> None:
    """Put a login among the bot's tokens, as TwitchIO's `add_token` does after its checks."""
    tokens = bot.http._tokens  # pyright: ignore[reportPrivateUsage] - the public mapping is read-only
    tokens[user_id] = {"user_id": user_id, "token": token, "refresh": refresh, "last_validated": validated}


async def granted_scopes(bot: commands.Bot, token: str) -> frozenset[str] | None:
    """Return the scopes of a user token, as Twitch tells them; None if that cannot be known now."""
    client = inner_client(bot)  # `bot.http` would refresh a token that is refused, over and over if need be
    if client is None:
        return None
    try:
        async with asyncio.timeout(REQUEST_SECONDS):
            return frozenset((await client.validate_token(token)).scopes)
    except TWITCHIO_ERRORS:
        return None


async def token_works(bot: commands.Bot, token: str) -> bool | None:
    """Return whether Twitch calls an access token valid; None if that cannot be known now."""
    client = inner_client(bot)
    if client is None:
        return None
    try:
        async with asyncio.timeout(REQUEST_SECONDS):
            await client.validate_token(token)
    except twitchio.HTTPException as error:
        return False if error.status == 401 and is_from_twitch(error) else None
    except TWITCHIO_ERRORS:
        return None
    return True


def is_from_twitch(error: twitchio.HTTPException) -> bool:
    """Return whether Twitch itself refused the request, and not a gateway or protection page."""
    return refusal_in(error.status, error.extra) is not None
