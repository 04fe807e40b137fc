"""A whole TwitchIO 3 bot whose account changes its colour after each of its messages. One line of it is ColorChanger's.

It reads CLIENT_ID, CLIENT_SECRET, BOT_ID, TOKEN and REFRESH from the environment. To try it without Twitch, start
`colorchanger sandbox`, copy them from there, and set LOCAL_TWITCH to its address.
"""

import logging
import os

import twitchio
import twitchio.eventsub.websockets
from twitchio import eventsub
from twitchio.ext import commands

logger = logging.getLogger("bot")

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

    async def event_ready(self) -> None:
        name = self.user.name if self.user else self.bot_id
        logger.info("ready: write something as %s in the channel %s, or stop with Ctrl-C", name, name)


def main(kind: type[Bot] = Bot) -> None:
    logging.basicConfig(format="%(message)s")
    for each in ("bot", "colorchanger_bot"):  # the second one tells of each new colour
        logging.getLogger(each).setLevel(logging.INFO)
    bot = kind(
        client_id=os.environ["CLIENT_ID"],
        client_secret=os.environ["CLIENT_SECRET"],
        bot_id=os.environ["BOT_ID"],
        prefix="!",
    )
    bot.run(with_adapter=False, load_tokens=False, save_tokens=False)


if __name__ == "__main__":
    main()
