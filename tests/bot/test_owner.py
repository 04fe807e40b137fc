"""Who `commands.owner` names in somebody else's bot: bound to the user id, and obeyed from the first command on."""

from __future__ import annotations

from typing import Any

import pytest

from colorchanger_bot.changer.memory import ShortMemory
from colorchanger_bot.changer.owner import KEY
from colorchanger_bot.sandbox import LocalTwitch
from colorchanger_bot.wiring import attach, attachment_of, changer_for
from tests.fakes import until
from tests.hosts import COGS, Host, Hosts, quick

OWNER = {"allow": ["self", "owner"], "owner": "boss"}


async def guest_of(hosts: Hosts, memory: ShortMemory | None = None, **options: Any) -> Host:
    bot = await hosts.start(**options)
    attach(bot, settings=quick(commands=OWNER), memory=memory)
    await bot.load_module(COGS)
    await bot.read(bot.channel.id)
    return bot


def owner_id(bot: Host) -> str | None:
    owner = attachment_of(bot).owner
    assert owner is not None
    return owner.id


def is_on(bot: Host) -> bool:
    return changer_for(bot)[bot.channel.id].settings.enabled


async def test_the_owner_is_obeyed_before_the_bot_has_written_anything(hosts: Hosts, twitch: LocalTwitch) -> None:
    boss = twitch.add_user("boss")
    bot = await guest_of(hosts)
    await until(lambda: owner_id(bot) == boss.id)
    await twitch.say("boss", in_="me", text="!color off")
    await until(lambda: bot.channel.id in changer_for(bot) and not is_on(bot))


async def test_a_stranger_makes_nothing_begin(hosts: Hosts, twitch: LocalTwitch) -> None:
    boss, _ = twitch.add_user("boss"), twitch.add_user("stranger")
    bot = await guest_of(hosts)
    await until(lambda: owner_id(bot) == boss.id)
    await twitch.say("stranger", in_="me", text="!color off")
    await twitch.say("stranger", in_="me", text="!hello")
    await until(lambda: bot.hellos)
    assert bot.channel.id not in changer_for(bot)


async def test_the_owner_stays_the_owner_after_a_rename_and_a_restart(hosts: Hosts, twitch: LocalTwitch) -> None:
    boss, memory = twitch.add_user("boss"), ShortMemory()
    first = await guest_of(hosts, memory)
    await until(lambda: owner_id(first) == boss.id)
    await first.close(save_tokens=False)
    twitch.rename("boss", "chief")
    twitch.add_user("boss")
    bot = await guest_of(hosts, memory, login="me2")  # the tests' Twitch has each account once
    await until(lambda: owner_id(bot) == boss.id)
    await twitch.say("boss", in_="me2", text="!color off")
    await twitch.say("me2", in_="me2", text="!color delay 2")
    await until(lambda: bot.channel.id in changer_for(bot))
    await until(lambda: changer_for(bot)[bot.channel.id].settings.delay == (2.0, 2.0))
    assert is_on(bot)
    await twitch.say("chief", in_="me2", text="!color off")
    await until(lambda: not is_on(bot))
    assert (await memory.recall(KEY)).people == {"boss": {"id": boss.id, "login": "chief"}}


@pytest.mark.parametrize("number", [True, False])
async def test_the_owner_of_the_bot_is_taken_from_the_bot(number: bool, hosts: Hosts, twitch: LocalTwitch) -> None:
    """TwitchIO looked that one up when the bot logged in."""
    boss = twitch.add_user("boss")
    bot = await hosts.start(owner_id=int(boss.id) if number else boss.id)
    twitch.rename("boss", "chief")
    twitch.add_user("boss")
    attach(bot, settings=quick(commands=OWNER))
    await bot.load_module(COGS)
    await until(lambda: owner_id(bot) is not None)
    assert owner_id(bot) == boss.id


async def test_a_name_that_nobody_has_is_said(
    hosts: Hosts, twitch: LocalTwitch, caplog: pytest.LogCaptureFixture
) -> None:
    bot = await guest_of(hosts)
    await until(lambda: owner_id(bot) == "")
    said = [record for record in caplog.records if record.name.endswith("changer.owner")]
    assert ['commands.owner = "boss"' in record.getMessage() for record in said] == [True]
    twitch.add_user("boss")
    await twitch.say("boss", in_="me", text="!color off")
    await twitch.say("me", in_="me", text="!color delay 2")
    await until(lambda: bot.channel.id in changer_for(bot))
    await until(lambda: changer_for(bot)[bot.channel.id].settings.delay == (2.0, 2.0))
    assert is_on(bot)


async def test_the_owner_stays_known_when_attach_is_called_again(hosts: Hosts, twitch: LocalTwitch) -> None:
    boss = twitch.add_user("boss")
    bot = await guest_of(hosts)
    await until(lambda: owner_id(bot) == boss.id)
    attach(bot, settings=quick(commands=OWNER))
    assert owner_id(bot) == boss.id


async def test_another_owner_counts_from_attach_on(hosts: Hosts, twitch: LocalTwitch) -> None:
    twitch.add_user("boss")
    friend = twitch.add_user("friend")
    bot = await guest_of(hosts)
    await until(lambda: owner_id(bot))
    attach(bot, settings=quick(commands=OWNER | {"owner": "friend"}))
    await until(lambda: owner_id(bot) == friend.id)
