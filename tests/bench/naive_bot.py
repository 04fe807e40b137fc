"""The plain TwitchIO bot on a stage of the fault suite."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from tests.bench.plain_bot import PlainBot, point_at
from tests.faults.stage import SCOPES, Stage


@asynccontextmanager
async def launch_naive(stage: Stage) -> AsyncGenerator[PlainBot]:
    """Start it on a stage; one at a time in a process, for TwitchIO keeps Twitch's addresses in class attributes."""
    twitch = stage.twitch
    point_at(twitch.api_url, twitch.id_url, twitch.eventsub_url)
    app = twitch.add_app(client_secret="hush")
    user = twitch.user("me")
    pair = twitch.issue_tokens("me", app.client_id, SCOPES)
    async with PlainBot(app.client_id, app.client_secret, user.id) as bot:
        running = asyncio.create_task(bot.start(with_adapter=False, load_tokens=False, save_tokens=False))
        await bot.wait_until_ready()
        await bot.add_token(pair.access, pair.refresh)
        for channel in stage.setup.channels or ("me",):
            await bot.read(twitch.user(channel).id, user.id)
        try:
            yield bot
        finally:
            await bot.close()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
