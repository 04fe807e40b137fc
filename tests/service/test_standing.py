"""How accounts stand is said in words, with and without a running bot; and a logout leaves nothing behind."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from colorchanger_bot.changer.memory import Remembered
from colorchanger_bot.clock import SystemClock
from colorchanger_bot.errors import ConfigError
from colorchanger_bot.sandbox import LocalTwitch, faults
from colorchanger_bot.service.service import Service
from colorchanger_bot.service.standing import Standing, in_words, lines, log_out, standings
from colorchanger_bot.settings.load import Settings
from colorchanger_bot.store.store import Store, TokenPair, locked
from tests.conftest import SCOPES
from tests.fakes import until

LogIn = Callable[..., Awaitable[None]]
SettingsFor = Callable[..., Settings]


async def standing(settings: Settings, store: Store) -> Standing:
    (found,) = await standings(settings, store, SystemClock().now().timestamp())
    return found


async def test_without_a_bot_an_account_is_logged_in_and_says_what_to_do(
    store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me")
    found = await standing(settings_for(), store)
    assert found.state == "logged in, but the bot does not run; run: colorchanger run"
    assert (found.channels, found.needs_login, found.enabled) == ({"me": ""}, False, True)


async def test_a_running_bot_tells_how_each_channel_stands(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me")
    settings = settings_for(accounts=[{"login": "me", "channels": ["me", "nosuchchannel"]}])
    async with Service.running(settings, store) as service:
        await twitch.wait_subscribed("me", "me")
        await until(lambda: "parked" in str(service.report()) and "running" in str(service.report()))
        await store.beat(SystemClock().now().timestamp(), service.report())
        found = await standing(settings, store)
    assert found.state == "running"
    assert found.channels["me"] == "joined"
    assert "there is no such channel" in found.channels["nosuchchannel"]


async def test_a_lost_login_and_a_lost_permission_say_the_cure(
    store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me")
    (login,) = await store.logins()
    lost = await store.lose(login, "Twitch ended the login")
    found = await standing(settings_for(), store)
    assert (found.state, found.needs_login) == (
        "needs login: Twitch ended the login; run: colorchanger login",
        True,
    )
    assert lost is not None
    await store.put_login("me", "client", TokenPair("a", "b", scopes=frozenset(["user:read:chat"])), lost.user_id)
    found = await standing(settings_for(), store)
    assert "lacks user:manage:chat_color (to change your colour); run: colorchanger login" in found.state
    assert found.lacks == ["user:manage:chat_color"]


@pytest.mark.parametrize(
    ("settings", "overrides", "state"),
    [
        ({}, {"enabled": False}, "switched off by !color off; type in chat: !color on"),
        ({"color": {"enabled": False}}, {}, "switched off by color.enabled = false in the settings"),
    ],
)
async def test_who_switched_the_colours_off_is_said(
    settings: dict[str, object],
    overrides: dict[str, object],
    state: str,
    store: Store,
    settings_for: SettingsFor,
    log_in: LogIn,
) -> None:
    await log_in("me")
    (login,) = await store.logins()
    await store.remember(str(login.user_id), Remembered(overrides=overrides))
    found = await standing(settings_for(**settings), store)
    assert found.state.startswith(state)
    assert not found.enabled


async def test_what_twitch_takes_is_told_from_what_it_took(
    store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me")
    (login,) = await store.logins()
    user_id = str(login.user_id)
    told: list[str] = []
    for remembered in (
        Remembered(),
        Remembered(history=["#FF0000"]),
        Remembered(history=["#123456"]),
        Remembered(history=["#123456"], no_hex_until=SystemClock().now().timestamp() + 60),
    ):
        await store.remember(user_id, remembered)
        told.append((await standing(settings_for(), store)).colors)
    assert told == [
        "not known yet",
        "not known yet",
        "any (Turbo or Prime)",
        "names only (neither Turbo nor Prime, it seems)",
    ]


async def test_an_account_in_words_and_json_holds_no_secret(
    store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me")
    (login,) = await store.logins()
    issued = replace(login.pair, issued_at=SystemClock().now().timestamp() - 720, scopes=frozenset(SCOPES))
    await store.replace_pair(login, issued)
    found = await standing(settings_for(), store)
    text = "\n".join(lines(found)) + json.dumps(found.to_json())
    assert "12 min old" in text
    assert login.pair.access not in text
    assert login.pair.refresh not in text


def test_times_are_said_as_people_say_them() -> None:
    assert [in_words(seconds) for seconds in (3, 119, 121, 7201, 200_000)] == ["3 s", "119 s", "2 min", "2 h", "2 d"]


# Logging out


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


async def test_who_is_not_logged_in_cannot_be_logged_out(
    store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me")
    with pytest.raises(ConfigError, match="no account you is logged in; there is: me"):
        await log_out_of(settings_for(), store, "you")
