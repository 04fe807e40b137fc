"""TokenLifecycle: what happens to the logins reaches the log, and in somebody else's bot at once the disk."""

from __future__ import annotations

import logging

import twitchio
from twitchio.ext import commands

logger = logging.getLogger(__name__)


class TokenLifecycle(commands.Component):
    """Listens to TwitchIO's token events."""

    def __init__(self, bot: commands.Bot) -> None:
        self.bot = bot

    @commands.Component.listener()
    async def event_token_refreshed(self, payload: twitchio.TokenRefreshedPayload) -> None:
        # TwitchIO saves its tokens on a clean close only: after a crash it would spend a used-up refresh token, and
        # Twitch ends the login for that. (Where tokens are kept elsewhere, as in our own bot, this saves nothing.)
        await self.bot.save_tokens()
        logger.info("the login of user %s was refreshed", payload.user_id)

    @commands.Component.listener()
    async def event_oauth_authorized(self, payload: twitchio.authentication.UserTokenPayload) -> None:
        await self.bot.save_tokens()
        logger.info("user %s has logged in", payload.user_id)


async def setup(bot: commands.Bot) -> None:
    await bot.add_component(TokenLifecycle(bot))
