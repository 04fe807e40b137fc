"""Who `commands.owner` names is bound to the user id, whatever the person is called later, and a wrong name is said."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from colorchanger_bot.changer.memory import Remembered
from colorchanger_bot.changer.owner import KEY
from colorchanger_bot.changer.painter import Painter
from colorchanger_bot.clock import SystemClock
from colorchanger_bot.sandbox import LocalTwitch, faults
from colorchanger_bot.service.doctor import examine
from colorchanger_bot.service.service import Service
from colorchanger_bot.service.settings_check import check
from colorchanger_bot.settings.load import Settings
from colorchanger_bot.store.store import Store
from tests.fakes import until

LogIn = Callable[..., Awaitable[None]]
SettingsFor = Callable[..., Settings]
USERS = "GET /helix/users"


@pytest.fixture
async def settings(twitch: LocalTwitch, settings_for: SettingsFor, log_in: LogIn) -> Settings:
    await log_in("me")
    twitch.add_user("boss")
    return settings_for(commands={"allow": ["self", "owner"], "owner": "boss"})


def painter_of(service: Service, twitch: LocalTwitch) -> Painter:
    return service.changer[twitch.user("me").id]


async def is_known(store: Store, login: str = "boss") -> None:
    """Wait until the owner has been looked up."""
    async with asyncio.timeout(5):
        while login not in (await store.recall(KEY)).people:  # noqa: ASYNC110 - the store has no event for it
            await asyncio.sleep(0.02)


async def obeys(service: Service, twitch: LocalTwitch, who: str) -> bool:
    """Whether somebody's command is run: what the account itself says afterwards is run in any case."""
    painter = painter_of(service, twitch)
    await twitch.say("me", in_="me", text="!color delay 3")
    await until(lambda: painter.settings.delay == (3.0, 3.0))
    await twitch.say(who, in_="me", text="!color off")
    await twitch.say("me", in_="me", text="!color delay 5")
    await until(lambda: painter.settings.delay == (5.0, 5.0))
    obeyed = not painter.settings.enabled
    await painter.adjust(enabled=True)
    return obeyed


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name.endswith("changer.owner")]


@pytest.mark.parametrize("runs_meanwhile", [True, False])
async def test_the_owner_keeps_the_commands_after_a_rename_and_who_takes_the_name_does_not_get_them(
    runs_meanwhile: bool, settings: Settings, twitch: LocalTwitch, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    async with Service.running(settings, store) as service:
        await twitch.wait_subscribed("me", "me")
        await is_known(store)
        assert await obeys(service, twitch, "boss")
        if runs_meanwhile:
            twitch.rename("boss", "chief")
            twitch.add_user("boss")
            assert not await obeys(service, twitch, "boss")
            assert await obeys(service, twitch, "chief")
    if not runs_meanwhile:
        twitch.rename("boss", "chief")
        twitch.add_user("boss")
    for _ in range(2):
        async with Service.running(settings, store) as service:
            await twitch.wait_subscribed("me", "me")
            await until(lambda: said(caplog))
            assert not await obeys(service, twitch, "boss")
            assert await obeys(service, twitch, "chief")
        assert said(caplog) == [
            "the owner boss is called chief now and may still use the commands: change it in the settings"
        ]
        caplog.clear()
    assert [line for line in (await check(settings, {})).advice if "boss is called chief now" in line]
    assert [line for line in await doctor(settings) if "boss is called chief now" in line]


async def test_an_owner_who_is_an_account_here_needs_no_answer_from_twitch(
    twitch: LocalTwitch, settings_for: SettingsFor, log_in: LogIn, store: Store
) -> None:
    await log_in("me")
    await log_in("boss")
    settings = settings_for(commands={"allow": ["owner"], "owner": "boss"})
    async with Service.running(settings, store):
        await twitch.wait_subscribed("boss", "boss")
    await store.remember(KEY, Remembered())  # as before this was remembered
    twitch.rename("boss", "chief")
    async with Service.running(settings, store) as service:
        await until(lambda: any(each.login == "chief" for each in service.keeper))
    await store.remember(KEY, Remembered())
    twitch.add_user("boss")
    async with Service.running(settings, store) as service:
        await twitch.wait_subscribed("me", "me")
        await is_known(store)
    assert (await store.recall(KEY)).people == {"boss": {"id": twitch.user("chief").id, "login": "chief"}}


async def test_an_owner_whom_nobody_knows_is_said(
    twitch: LocalTwitch, settings_for: SettingsFor, log_in: LogIn, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    await log_in("friend")
    settings = settings_for(commands={"allow": ["self", "owner"], "owner": "frend"})
    assert [line for line in await doctor(settings) if "nobody at Twitch has this name" in line]
    async with Service.running(settings, store):
        await until(lambda: said(caplog))
    (line,) = said(caplog)
    assert line.startswith('commands.owner = "frend": nobody at Twitch has this name, so nobody can use the commands')
    assert [line for line in (await check(settings, {})).problems if "did you mean friend?" in line]
    assert [line for line in await doctor(settings) if "did you mean friend?" in line]


async def test_who_makes_an_account_of_a_wrong_name_may_command_nothing_until_a_restart(
    twitch: LocalTwitch, settings_for: SettingsFor, log_in: LogIn, store: Store
) -> None:
    await log_in("me")
    settings = settings_for(commands={"allow": ["self", "owner"], "owner": "bosss"})
    async with Service.running(settings, store) as service:
        await twitch.wait_subscribed("me", "me")
        await is_known(store, "bosss")
        twitch.add_user("bosss")
        assert not await obeys(service, twitch, "bosss")


async def test_an_owner_who_is_gone_leaves_the_commands_to_nobody(
    settings: Settings, twitch: LocalTwitch, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    await store.remember(KEY, Remembered(people={"boss": {"id": "4711", "login": "boss"}}))
    async with Service.running(settings, store) as service:
        await twitch.wait_subscribed("me", "me")
        await until(lambda: said(caplog))
        assert not await obeys(service, twitch, "boss")
    assert said(caplog) == ['commands.owner = "boss": Twitch has suspended or deleted this account']
    assert (await check(settings, {})).problems == said(caplog)


async def test_the_name_counts_until_twitch_answers(settings: Settings, twitch: LocalTwitch, store: Store) -> None:
    down = asyncio.Event()
    down.set()
    twitch.faults.add(USERS, faults.status(503), times=None, where=lambda _seen: down.is_set())
    async with Service.running(settings, store) as service:
        await twitch.wait_subscribed("me", "me")
        assert await obeys(service, twitch, "boss")
        down.clear()
        await is_known(store)
        twitch.rename("boss", "chief")
        assert await obeys(service, twitch, "chief")


async def test_another_owner_in_the_settings_is_looked_up_anew(
    settings: Settings, twitch: LocalTwitch, store: Store, settings_for: SettingsFor
) -> None:
    await store.remember(KEY, Remembered(people={"other": {"id": "4711", "login": "other"}}))
    async with Service.running(settings, store) as service:
        await twitch.wait_subscribed("me", "me")
        await is_known(store)
        assert await obeys(service, twitch, "boss")
    assert (await store.recall(KEY)).people == {"boss": {"id": twitch.user("boss").id, "login": "boss"}}


async def doctor(settings: Settings) -> list[str]:
    return [finding.line() for finding in await examine(settings, clock=SystemClock())]
