"""A plain TwitchIO bot that does our main job the straightforward way, as a yardstick for the fault suite."""

from __future__ import annotations

import asyncio
import random
import warnings
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # TwitchIO's web adapter, at import
    from twitchio import ChatMessage, eventsub
    from twitchio.eventsub import websockets
    from twitchio.ext import commands
    from twitchio.http import Route

from tests.faults.stage import SCOPES, Stage


class NaiveBot(commands.Bot):
    """Gives its account another colour after each own message."""

    def __init__(self, client_id: str, client_secret: str, bot_id: str) -> None:
        super().__init__(client_id=client_id, client_secret=client_secret, bot_id=bot_id, prefix="!")
        self.messages = 0

    async def event_message(self, payload: ChatMessage) -> None:
        if payload.chatter.id == self.bot_id:
            self.messages += 1
            await self.create_partialuser(self.bot_id).update_chatter_color(f"#{random.randrange(1 << 24):06x}")

    async def read(self, channel_id: str) -> None:
        """Subscribe to a channel's chat."""
        payload = eventsub.ChatMessageSubscription(broadcaster_user_id=channel_id, user_id=self.bot_id)
        await self.subscribe_websocket(payload=payload, token_for=self.bot_id)


@asynccontextmanager
async def launch_naive(stage: Stage) -> AsyncGenerator[NaiveBot]:
    """Start it on a stage; one at a time in a process, for TwitchIO keeps Twitch's addresses in class attributes."""
    twitch = stage.twitch
    Route.BASE, Route.ID_BASE = f"{twitch.api_url}/", f"{twitch.id_url}/"
    websockets.WSS = twitch.eventsub_url
    app = twitch.add_app(client_secret="hush")
    user = twitch.user("me")
    pair = twitch.issue_tokens("me", app.client_id, SCOPES)
    async with NaiveBot(app.client_id, app.client_secret, user.id) as bot:
        running = asyncio.create_task(bot.start(with_adapter=False, load_tokens=False, save_tokens=False))
        await bot.wait_until_ready()
        await bot.add_token(pair.access, pair.refresh)
        for channel in stage.setup.channels or ("me",):
            await bot.read(twitch.user(channel).id)
        try:
            yield bot
        finally:
            await bot.close()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
