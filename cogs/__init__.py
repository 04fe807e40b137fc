"""The cogs of ColorChanger: `await bot.load_module("colorchanger_bot.cogs")` loads them all into a TwitchIO 3 bot."""

from __future__ import annotations

from contextlib import AsyncExitStack

from twitchio.ext import commands

MODULES = tuple(f"{__name__}.{cog}" for cog in ("color_changer", "color_commands", "token_lifecycle"))


async def setup(bot: commands.Bot) -> None:
    """Load those cogs that are not loaded yet: all of them, or, if one fails, none."""
    async with AsyncExitStack() as loaded:
        for module in MODULES:
            if module not in bot.modules:
                await bot.load_module(module)
                loaded.push_async_callback(bot.unload_module, module)
        loaded.pop_all()


async def teardown(bot: commands.Bot) -> None:
    """Unload them all: TwitchIO takes away their components by itself, but still counts the modules as loaded."""
    for module in MODULES:
        if module in bot.modules:
            await bot.unload_module(module)
