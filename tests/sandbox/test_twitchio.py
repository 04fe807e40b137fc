"""A plain TwitchIO bot takes the local Twitch for the real one."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncIterator
from typing import Any

import pytest

from colorchanger_bot.sandbox import NOTICES

with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # its web adapter, at import
    import twitchio
    from twitchio import eventsub
    from twitchio.eventsub import websockets
    from twitchio.ext import commands
    from twitchio.http import Route

SCOPES = ("user:read:chat", "user:manage:chat_color", "user:write:chat", "user:bot")


@pytest.fixture
def _endpoints(twitch: Any) -> Any:
    """TwitchIO's only seam: a class attribute for each host and a module variable for the sockets."""
    real = Route.BASE, Route.ID_BASE, websockets.WSS
    Route.BASE, Route.ID_BASE, websockets.WSS = f"{twitch.api_url}/", f"{twitch.id_url}/", twitch.eventsub_url
    yield
    Route.BASE, Route.ID_BASE, websockets.WSS = real


class Bot(commands.Bot):
    """Notes what it hears."""

    def __init__(self, peer: Any) -> None:
        super().__init__(
            client_id=peer.app.client_id, client_secret=peer.app.client_secret, bot_id=peer.user.id, prefix="!"
        )
        self.heard: asyncio.Queue[twitchio.ChatMessage] = asyncio.Queue()
        self.noticed: asyncio.Queue[twitchio.ChatNotification] = asyncio.Queue()
        self.revoked: asyncio.Queue[twitchio.SubscriptionRevoked] = asyncio.Queue()

    async def event_message(self, payload: twitchio.ChatMessage) -> None:
        self.heard.put_nowait(payload)

    async def event_chat_notification(self, payload: twitchio.ChatNotification) -> None:
        self.noticed.put_nowait(payload)

    async def event_subscription_revoked(self, payload: twitchio.SubscriptionRevoked) -> None:
        self.revoked.put_nowait(payload)

    async def read(self, channel: str) -> None:
        payload = eventsub.ChatMessageSubscription(broadcaster_user_id=channel, user_id=self.bot_id)
        await self.subscribe_websocket(payload=payload, token_for=self.bot_id)


@pytest.fixture
async def bot(town: Any, _endpoints: None) -> AsyncIterator[Bot]:
    app = town.twitch.add_app(client_secret="hush")
    peer = town.peer("alice", app=app, scopes=SCOPES)
    async with Bot(peer) as bot:
        await bot.login(load_tokens=False, save_tokens=False)
        await bot.add_token(peer.pair.access, peer.pair.refresh)
        yield bot


async def hear(bot: Bot) -> twitchio.ChatMessage:
    async with asyncio.timeout(3):
        return await bot.heard.get()


async def test_hears_messages_as_its_own_model(bot: Bot, twitch: Any) -> None:
    await bot.read(twitch.user("bob").id)
    id = await twitch.say("bob", in_="bob", text="hi @alice")
    message = await hear(bot)
    assert (message.id, message.text, message.chatter.name) == (id, "hi @alice", "bob")
    assert message.chatter.broadcaster
    assert [user.name for user in message.mentions] == ["alice"]
    assert (message.colour, message.source_broadcaster) == (None, None)


async def test_hears_shared_chat_and_replies(bot: Bot, twitch: Any) -> None:
    await bot.read(twitch.user("bob").id)
    first, mirror = await twitch.say_shared("alice", in_="alice", mirrored_to=["bob"], text="shared")
    await twitch.say("bob", in_="bob", text="hello", reply_to=mirror)
    shared, reply = await hear(bot), await hear(bot)
    assert (shared.id, shared.source_id, shared.source_only) == (mirror, first, False)
    assert reply.reply is not None
    assert reply.reply.parent_user.name == "alice"


async def test_changes_the_color(bot: Bot, twitch: Any) -> None:
    user = bot.create_partialuser(bot.bot_id)
    await user.update_chatter_color("#1e90ff")
    assert [change.color for change in twitch.color_changes] == ["#1E90FF"]
    (now,) = await bot.fetch_chatters_color([user.id])
    assert (now.user.id, now.colour) == (bot.bot_id, twitchio.Colour.from_hex("#1E90FF"))


async def test_hears_notices_as_its_own_model(bot: Bot, twitch: Any) -> None:
    channel = twitch.user("bob").id
    payload = eventsub.ChatNotificationSubscription(broadcaster_user_id=channel, user_id=bot.bot_id)
    await bot.subscribe_websocket(payload=payload, token_for=bot.bot_id)
    for notice in NOTICES:
        id = await twitch.send_notice("alice", in_="bob", notice=notice, text="hi @Bob")
        async with asyncio.timeout(3):
            heard = await bot.noticed.get()
        assert (heard.id, heard.text, heard.notice_type, heard.chatter.name) == (id, "hi @Bob", notice, "alice")
        assert getattr(heard, notice) is not None


@pytest.mark.parametrize("with_user_token", [True, False])
async def test_sends_messages(bot: Bot, with_user_token: bool) -> None:
    await bot.read(bot.bot_id)
    token_for = bot.bot_id if with_user_token else None
    sent = await bot.create_partialuser(bot.bot_id).send_message("hello", bot.bot_id, token_for=token_for)
    assert (sent.sent, sent.id) == (True, (await hear(bot)).id)


async def test_refreshes_an_expired_token(bot: Bot, twitch: Any) -> None:
    twitch.expire("alice")
    await bot.create_partialuser(bot.bot_id).update_chatter_color("red")
    assert (twitch.refreshes["alice"], len(twitch.color_changes)) == (1, 1)


async def test_learns_of_a_ban(bot: Bot, twitch: Any) -> None:
    await bot.read(twitch.user("bob").id)
    await twitch.ban("alice", channel="bob")
    async with asyncio.timeout(3):
        assert (await bot.revoked.get()).reason.value == "chat_user_banned"


async def test_reads_users_and_subscriptions(bot: Bot, twitch: Any) -> None:
    twitch.go_live("bob")
    await bot.read(twitch.user("bob").id)
    (user,) = await bot.fetch_users(logins=["bob"])
    streams = [stream async for stream in bot.fetch_streams(user_logins=["bob", "carol"])]
    listed = await bot.fetch_eventsub_subscriptions(token_for=bot.bot_id)
    assert (user.name, user.display_name) == ("bob", "Bob")
    assert [stream.user.name for stream in streams] == ["bob"]
    assert [known.id async for known in listed.subscriptions] == [twitch.subscriptions[0].id]
