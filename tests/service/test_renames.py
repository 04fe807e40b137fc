"""Ids are keys, names are labels: what was set for an account or a channel outlives a rename at Twitch and restarts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from colorchanger_bot.clock import SystemClock
from colorchanger_bot.sandbox import LocalTwitch
from colorchanger_bot.service.doctor import examine
from colorchanger_bot.service.service import Service
from colorchanger_bot.service.settings_check import check
from colorchanger_bot.settings.load import Settings
from colorchanger_bot.store.store import Store
from tests.conftest import SCOPES
from tests.fakes import until

LogIn = Callable[..., Awaitable[None]]
SettingsFor = Callable[..., Settings]


async def is_called(service: Service, login: str) -> None:
    """Wait until a running service has learned the present name of its account."""
    await until(lambda: any(each.login == login for each in service.keeper))


@pytest.mark.parametrize("runs_meanwhile", [True, False])
async def test_settings_of_an_account_outlive_its_rename(
    runs_meanwhile: bool, twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("oldname")
    twitch.add_user("friend")
    rows = [{"login": "oldname", "channels": ["oldname", "friend"], "color": {"strategy": "rainbow"}}]
    settings = settings_for(accounts=rows)
    if runs_meanwhile:
        async with Service.running(settings, store):
            await twitch.wait_subscribed("oldname", "friend")
            twitch.rename("oldname", "newname")
    else:
        twitch.rename("oldname", "newname")
    for _ in range(3):
        async with Service.running(settings, store) as service:
            await twitch.wait_subscribed("newname", "friend")
            await twitch.wait_subscribed("newname", "newname")
            await is_called(service, "newname")
            painter = service.changer[twitch.user("newname").id]
            assert painter.strategy.name == "rainbow"
            (standing,) = service.standings()
            assert standing.strategy == "rainbow"
            before = painter.changes
            await twitch.say("newname", in_="friend", text="hello")
            await until(lambda: painter.changes > before)  # noqa: B023
    (advice,) = [line for line in (await check(settings, {})).advice if "newname" in line]
    assert advice == "oldname is called newname now: change it in the settings"
    assert (await check(settings, {})).problems == []


async def test_a_rename_is_said_while_the_bot_runs(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn, caplog: pytest.LogCaptureFixture
) -> None:
    await log_in("oldname")
    twitch.rename("oldname", "newname")
    async with Service.running(settings_for(accounts=[{"login": "oldname"}]), store) as service:
        await is_called(service, "newname")
        assert service.standings()[0].login == "newname"
    said = [record.getMessage() for record in caplog.records if "change it in the settings" in record.getMessage()]
    assert said == ["oldname is called newname now: change it in the settings"]


async def test_who_takes_the_name_of_an_account_gets_neither_its_login_nor_its_settings(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("oldname")
    twitch.rename("oldname", "newname")
    await log_in("oldname")  # somebody else
    settings = settings_for(accounts=[{"login": "oldname", "color": {"strategy": "rainbow"}}])
    for _ in range(2):
        async with Service.running(settings, store) as service:
            await twitch.wait_subscribed("newname", "newname")
            await twitch.wait_subscribed("oldname", "oldname")
            await is_called(service, "newname")
            used = {login: service.changer[twitch.user(login).id].strategy.name for login in ("newname", "oldname")}
            assert used == {"newname": "rainbow", "oldname": "random"}


@pytest.mark.parametrize("runs_meanwhile", [True, False])
@pytest.mark.parametrize("joined_in_chat", [True, False])
async def test_a_channel_outlives_its_rename(
    joined_in_chat: bool,
    runs_meanwhile: bool,
    twitch: LocalTwitch,
    store: Store,
    settings_for: SettingsFor,
    log_in: LogIn,
) -> None:
    await log_in("me")
    friend = twitch.add_user("friend")
    settings = settings_for(accounts=[{"login": "me", "channels": ["me"] if joined_in_chat else ["me", "friend"]}])
    async with Service.running(settings, store):
        await twitch.wait_subscribed("me", "me")
        if joined_in_chat:
            await twitch.say("me", in_="me", text="!color join friend")
        await twitch.wait_subscribed("me", "friend")
        if runs_meanwhile:
            twitch.rename("friend", "buddy")
            await twitch.eventsub.drop_all()
            await twitch.wait_subscribed("me", "buddy")
    if not runs_meanwhile:
        twitch.rename("friend", "buddy")
    twitch.add_user("friend")  # somebody else
    name = "buddy" if joined_in_chat else "friend"
    for _ in range(3):
        async with Service.running(settings, store) as service:
            await twitch.wait_subscribed("me", "buddy")
            await until(lambda: service.standings()[0].is_settled)
            (standing,) = service.standings()
            assert [(channel.login, channel.state) for channel in standing.channels] == [
                ("me", "joined"),
                (name, "joined"),
            ]
            painter = service.changer[twitch.user("me").id]
            await twitch.say("me", in_="buddy", text="hello")
            await until(lambda: painter.changes)  # noqa: B023
    findings = [finding.line() for finding in await examine(settings, clock=SystemClock())]
    assert [line for line in findings if "there is no channel" in line] == []
    said = [line for line in findings if "#friend is called #buddy now; change its name where it is listed" in line]
    assert len(said) == (not joined_in_chat)
    assert (await store.recall(twitch.user("me").id)).channel_ids[name] == friend.id


async def test_a_channel_that_was_joined_in_chat_is_left_under_its_present_name(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me")
    twitch.add_user("friend")
    async with Service.running(settings_for(), store):
        await twitch.wait_subscribed("me", "me")
        await twitch.say("me", in_="me", text="!color join friend")
        await twitch.wait_subscribed("me", "friend")
    twitch.rename("friend", "buddy")
    async with Service.running(settings_for(), store) as service:
        await twitch.wait_subscribed("me", "buddy")
        await twitch.say("me", in_="me", text="!color leave buddy")
        await until(lambda: [channel.login for channel in service.standings()[0].channels] == ["me"])


async def test_both_names_on_the_list_are_two_channels_once_somebody_else_has_the_earlier_one(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me")
    twitch.add_user("friend")
    async with Service.running(settings_for(accounts=[{"login": "me", "channels": ["friend"]}]), store):
        await twitch.wait_subscribed("me", "friend")
    twitch.rename("friend", "buddy")
    twitch.add_user("friend")
    both = settings_for(accounts=[{"login": "me", "channels": ["buddy", "friend"]}])
    async with Service.running(both, store):
        await twitch.wait_subscribed("me", "buddy")
    async with Service.running(both, store):
        await twitch.wait_subscribed("me", "buddy")
        await twitch.wait_subscribed("me", "friend")


async def test_a_followed_channel_that_is_live_under_the_earlier_name_of_a_listed_one_is_read_beside_it(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me", scopes=(*SCOPES, "user:read:follows"))
    twitch.add_user("friend")
    accounts = [{"login": "me", "channels": ["friend"], "follow_live": True}]
    async with Service.running(settings_for(accounts=accounts), store):
        await twitch.wait_subscribed("me", "friend")
    twitch.rename("friend", "buddy")
    twitch.add_user("friend")
    twitch.follow("me", "friend")
    twitch.go_live("friend")
    async with Service.running(settings_for(accounts=accounts), store):
        await twitch.wait_subscribed("me", "buddy")
        await twitch.wait_subscribed("me", "friend")
        await twitch.wait_subscribed("me", "buddy")
