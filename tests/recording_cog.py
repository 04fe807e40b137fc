"""A host's own cog that listens to token events and records them on the bot."""

from __future__ import annotations

import twitchio
from twitchio.ext import commands


class Recorder(commands.Component):
    def __init__(self, told: list[tuple[str, str | None, str]]) -> None:
        self.told = told

    @commands.Component.listener()
    async def event_token_refreshed(self, payload: twitchio.TokenRefreshedPayload) -> None:
        self.told.append(("refreshed", payload.user_id, payload.token))

    @commands.Component.listener()
    async def event_oauth_authorized(self, payload: twitchio.authentication.UserTokenPayload) -> None:
        self.told.append(("authorized", payload.user_id, payload.access_token))


async def setup(bot: commands.Bot) -> None:
    told: list[tuple[str, str | None, str]] = []
    bot.told = told  # pyright: ignore[reportAttributeAccessIssue]
    await bot.add_component(Recorder(told))
