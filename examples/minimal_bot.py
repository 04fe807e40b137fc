"""A whole TwitchIO 3 bot whose account changes its colour after each of its messages: one line of it is ours.

It takes what it needs from the environment: CLIENT_ID, CLIENT_SECRET, BOT_ID, TOKEN and REFRESH. To try it without
Twitch, start `colorchanger sandbox`, take them from there, and set LOCAL_TWITCH to its address.
"""

import asyncio
import os

import twitchio
import twitchio.eventsub.websockets
from twitchio import eventsub
from twitchio.ext import commands

if local := os.environ.get("LOCAL_TWITCH"):
    twitchio.http.Route.BASE = f"{local}/helix/"
    twitchio.http.Route.ID_BASE = f"{local}/"
    twitchio.eventsub.websockets.WSS = f"{local.replace('http', 'ws', 1)}/ws"


class Bot(commands.Bot):
    async def setup_hook(self) -> None:
        await self.load_module("colorchanger_bot.cogs")  # this one
        await self.add_token(os.environ["TOKEN"], os.environ["REFRESH"])
        chat = eventsub.ChatMessageSubscription(broadcaster_user_id=self.bot_id, user_id=self.bot_id)
        await self.subscribe_websocket(chat)


async def main(kind: type[Bot] = Bot) -> None:
    bot = kind(
        client_id=os.environ["CLIENT_ID"],
        client_secret=os.environ["CLIENT_SECRET"],
        bot_id=os.environ["BOT_ID"],
        prefix="!",
    )
    async with bot:
        await bot.start(with_adapter=False, load_tokens=False, save_tokens=False)


if __name__ == "__main__":
    asyncio.run(main())
