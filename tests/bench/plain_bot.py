"""A plain TwitchIO bot that does our main job in the obvious way; bench and fault scenarios compare with it."""

from __future__ import annotations

import asyncio
import random
import warnings

with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # TwitchIO's web adapter, at import
    from twitchio import ChatMessage, eventsub
    from twitchio.eventsub import websockets
    from twitchio.ext import commands
    from twitchio.http import Route

from tests.bench.contestants import Reader, Task


class PlainBot(commands.Bot):
    """Gives its accounts another colour after each own message."""

    def __init__(self, client_id: str, client_secret: str, bot_id: str) -> None:
        super().__init__(client_id=client_id, client_secret=client_secret, bot_id=bot_id, prefix="!")
        self.accounts = {bot_id}
        self.messages = 0

    async def event_message(self, payload: ChatMessage) -> None:
        if payload.chatter.id in self.accounts:
            self.messages += 1
            user = self.create_partialuser(payload.chatter.id)
            await user.update_chatter_color(f"#{random.randrange(1 << 24):06x}")

    async def log_in(self, user_id: str, access: str, refresh: str) -> None:
        """Add an account."""
        self.accounts.add(user_id)
        await self.add_token(access, refresh)

    async def read(self, channel_id: str, account_id: str) -> None:
        """Subscribe to a channel's chat."""
        payload = eventsub.ChatMessageSubscription(broadcaster_user_id=channel_id, user_id=account_id)
        await self.subscribe_websocket(payload=payload, token_for=account_id, as_bot=False)


def point_at(api_url: str, id_url: str, eventsub_url: str) -> None:
    """Point TwitchIO at another Twitch; it keeps the addresses in class attributes, one set per process."""
    Route.BASE, Route.ID_BASE = f"{api_url}/", f"{id_url}/"
    websockets.WSS = eventsub_url


async def main() -> None:
    task = Task.given()
    point_at(task.api_url, task.id_url, task.eventsub_url)
    async with PlainBot(task.client_id, task.client_secret, task.readers[0].user_id) as bot:
        running = asyncio.create_task(bot.start(with_adapter=False, load_tokens=False, save_tokens=False))
        await bot.wait_until_ready()
        await asyncio.gather(*(_serve(bot, reader) for reader in task.readers))
        await running


async def _serve(bot: PlainBot, reader: Reader) -> None:
    """Log an account in and read its channels: one after the other, or TwitchIO opens a socket for each."""
    await bot.log_in(reader.user_id, reader.access, reader.refresh)
    for _, channel_id in reader.channels:
        await bot.read(channel_id, reader.user_id)


if __name__ == "__main__":
    asyncio.run(main())
