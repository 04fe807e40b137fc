"""The cogs of ColorChanger: `await bot.load_module("colorchanger_bot.cogs")` loads them all into a TwitchIO 3 bot."""

from __future__ import annotations

from twitchio.ext import commands

COGS = ("color_changer", "color_commands", "token_lifecycle")


async def setup(bot: commands.Bot) -> None:
    """Load those cogs that are not loaded yet."""
    for name in COGS:
        if f"{__name__}.{name}" not in bot.modules:
            await bot.load_module(f"{__name__}.{name}")


async def teardown(bot: commands.Bot) -> None:
    """Unload what `setup` loaded: TwitchIO takes away its components, but still counts the modules as loaded."""
    for name in COGS:
        if f"{__name__}.{name}" in bot.modules:
            await bot.unload_module(f"{__name__}.{name}")
