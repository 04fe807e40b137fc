"""Settings of a host's account belong to its id once that is known: they outlive a rename at Twitch and a restart."""

from __future__ import annotations

from typing import Any

import pytest

from colorchanger_bot.changer.memory import ShortMemory
from colorchanger_bot.sandbox import LocalTwitch
from colorchanger_bot.wiring import attach, changer_for
from tests.hosts import COGS, Host, Hosts, quick

RAINBOW: dict[str, Any] = {"color": {"strategy": "rainbow"}}


async def guest_of(bot: Host, listed: str | int, memory: ShortMemory) -> Host:
    attach(bot, settings=quick(accounts=[{"login": listed, **RAINBOW}]), memory=memory)
    await bot.load_module(COGS)
    return bot


async def strategy(bot: Host, twitch: LocalTwitch, login: str) -> str:
    """The strategy after the first own message."""
    before = len(twitch.color_changes)
    await twitch.say(login, in_=login, text="hello")
    await twitch.wait_for(lambda: len(twitch.color_changes) > before)
    return changer_for(bot)[bot.channel.id].strategy.name


async def test_settings_outlive_a_rename_of_the_account(hosts: Hosts, twitch: LocalTwitch) -> None:
    memory = ShortMemory()
    bot = await hosts.start()
    await bot.read(bot.channel.id)
    await guest_of(bot, "me", memory)
    assert await strategy(bot, twitch, "me") == "rainbow"
    painter = changer_for(bot)[bot.channel.id]
    assert painter.listed_as == "me"
    await changer_for(bot).close()
    twitch.rename("me", "myself")
    attach(bot, settings=quick(accounts=[{"login": "me", **RAINBOW}]))  # as at the next start, with the same memory
    assert await strategy(bot, twitch, "myself") == "rainbow"


async def test_settings_of_somebody_else_are_not_taken(hosts: Hosts, twitch: LocalTwitch) -> None:
    bot = await hosts.start()
    await bot.read(bot.channel.id)
    await guest_of(bot, "other", ShortMemory())
    assert await strategy(bot, twitch, "me") == "random"


@pytest.mark.parametrize("as_number", [True, False])
async def test_an_account_may_be_listed_by_its_id(as_number: bool, hosts: Hosts, twitch: LocalTwitch) -> None:
    bot = await hosts.start()
    await bot.read(bot.channel.id)
    await guest_of(bot, int(bot.channel.id) if as_number else bot.channel.id, ShortMemory())
    assert await strategy(bot, twitch, "me") == "rainbow"
