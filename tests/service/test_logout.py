"""A logout leaves nothing behind, with and without a running bot."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from colorchanger_bot.changer.memory import Remembered
from colorchanger_bot.clock import SystemClock
from colorchanger_bot.errors import ConfigError
from colorchanger_bot.sandbox import LocalTwitch, faults
from colorchanger_bot.service.logout import log_out
from colorchanger_bot.service.service import Service
from colorchanger_bot.settings.load import Settings
from colorchanger_bot.store.store import Store, locked
from tests.fakes import until

LogIn = Callable[..., Awaitable[None]]
SettingsFor = Callable[..., Settings]


async def log_out_of(settings: Settings, store: Store, name: str = "me") -> tuple[bool, list[str]]:
    said: list[str] = []
    done = await log_out(settings, store, name, clock=SystemClock(), say=said.append)
    return done, said


async def test_a_logout_puts_the_colour_back_revokes_and_forgets(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me")
    (login,) = await store.logins()
    await store.remember(str(login.user_id), Remembered(original="#ABCDEF", overrides={"enabled": False}))
    done, said = await log_out_of(settings_for(), store, "Me")
    assert (done, said) == (True, ["the colour is #ABCDEF again", "me is logged out"])
    assert twitch.user("me").color == "#ABCDEF"
    assert await store.logins() == []
    assert await store.recall(str(login.user_id)) == Remembered()
    assert [seen.status for seen in twitch.requests if seen.path == "/oauth2/revoke"] == [200]


async def test_a_logout_renews_a_token_that_has_ended_to_put_the_colour_back(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me")
    (login,) = await store.logins()
    await store.remember(str(login.user_id), Remembered(original="#ABCDEF"))
    twitch.expire("me")
    done, _ = await log_out_of(settings_for(), store)
    assert done
    assert twitch.user("me").color == "#ABCDEF"


async def test_a_running_bot_notices_a_logout_and_goes_quiet(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, store_url: str, log_in: LogIn
) -> None:
    await log_in("me", color="#ABCDEF")
    settings = settings_for()
    with locked(store_url):
        async with Service.running(settings, store):
            await twitch.wait_subscribed("me", "me")
            await twitch.say("me", in_="me", text="hello")
            await twitch.wait_for(lambda: twitch.color_changes)
            await until(lambda: twitch.user("me").color != "#ABCDEF")
            done, said = await log_out_of(settings, store)
            assert (done, said[0], said[-1]) == (True, "telling the running bot ...", "me is logged out")
            assert twitch.user("me").color == "#ABCDEF"
            await twitch.wait_for(lambda: not twitch.subscriptions)
            asked = len(twitch.requests)
            await twitch.say("me", in_="me", text="hello")
    assert len(twitch.requests) == asked
    assert twitch.user("me").color == "#ABCDEF"


async def test_a_logout_that_twitch_does_not_hear_of_says_where_to_end_it(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me")
    twitch.faults.add("POST /oauth2/revoke", faults.drop())
    done, said = await log_out_of(settings_for(), store)
    assert not done
    assert "https://www.twitch.tv/settings/connections" in said[-1]
    assert await store.logins() == []


async def test_an_account_that_is_not_logged_in_cannot_be_logged_out(
    store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me")
    with pytest.raises(ConfigError, match="you is not logged in; these are: me"):
        await log_out_of(settings_for(), store, "you")


async def test_an_account_that_was_renamed_is_not_logged_out_by_its_earlier_name(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("oldname")
    (login,) = await store.logins()
    await store.put_login("newname", login.client_id, login.pair, login.user_id)
    with pytest.raises(ConfigError, match="oldname is called newname now; run: colorchanger logout newname"):
        await log_out_of(settings_for(), store, "oldname")
    assert [each.login for each in await store.logins()] == ["newname"]


async def test_what_the_running_bot_still_wrote_of_an_account_is_deleted(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me")
    async with Service.running(settings_for(), store) as service:
        await twitch.wait_subscribed("me", "me")
        (login,) = await store.logins()
        user_id = twitch.user("me").id
        await store.forget_login(login.id)
        await store.remember(user_id, Remembered(original="#ABCDEF"))  # it has not noticed yet
        await service.keeper.load()
        await until(lambda: service.changer.get(user_id) is None)
        async with asyncio.timeout(5):
            while await store.recall(user_id) != Remembered():  # noqa: ASYNC110 - the store has no event for it
                await asyncio.sleep(0.01)
