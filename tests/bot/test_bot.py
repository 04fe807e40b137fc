"""What happens to logins in our own bot reaches the cogs as TwitchIO's events, without a token in them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import twitchio

from colorchanger_bot.auth.guard import handle
from colorchanger_bot.sandbox import LocalTwitch
from colorchanger_bot.service.service import Service
from colorchanger_bot.service.standing import Action
from colorchanger_bot.settings.load import Settings
from colorchanger_bot.store.store import Store, TokenPair
from tests.conftest import SCOPES
from tests.fakes import until

LogIn = Callable[..., Awaitable[None]]
SettingsFor = Callable[..., Settings]


def told(service: Service, client_id: str) -> list[tuple[str, str, str]]:
    bot: Any = service.bots[client_id]
    return bot.told


async def log_in_elsewhere(twitch: LocalTwitch, store: Store, client_id: str, login: str, *scopes: str) -> None:
    """Do what `colorchanger login` does in another process."""
    pair = twitch.issue_tokens(login, client_id, scopes or SCOPES)
    whole = TokenPair(pair.access, pair.refresh, scopes=frozenset(scopes or SCOPES))
    await store.put_login(login, client_id, whole, twitch.user(login).id)


async def test_a_refresh_and_a_new_login_reach_the_cogs_as_twitchio_tells_them(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn, client_id: str
) -> None:
    await log_in("me")
    user_id = twitch.user("me").id
    async with Service.running(settings_for(cogs={"load": ["tests.recording_cog"]}), store) as service:
        await twitch.wait_subscribed("me", "me")
        assert told(service, client_id) == []  # that it was there at the start is no event
        (login,) = list(service.keeper)
        await service.keeper.renew(login.id, refused=login.pair.access)
        await until(lambda: told(service, client_id))
        await log_in_elsewhere(twitch, store, client_id, "me")
        await service.keeper.load()
        await until(lambda: len(told(service, client_id)) == 2)
        assert told(service, client_id) == [
            ("refreshed", user_id, handle(login.id)),
            ("authorized", user_id, handle(login.id)),
        ]


async def test_an_account_that_is_logged_in_while_the_bot_runs_is_looked_after_and_told(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn, client_id: str
) -> None:
    await log_in("me")
    async with Service.running(settings_for(cogs={"load": ["tests.recording_cog"]}), store) as service:
        await twitch.wait_subscribed("me", "me")
        twitch.add_user("second", turbo=True)
        await log_in_elsewhere(twitch, store, client_id, "second")
        await twitch.wait_subscribed("second", "second", timeout=8)
        await until(lambda: told(service, client_id))
        ((event, user_id, _),) = told(service, client_id)
        assert (event, user_id) == ("authorized", twitch.user("second").id)


async def test_an_account_that_may_not_read_chat_is_quiet_until_it_is_logged_in_anew(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, client_id: str
) -> None:
    twitch.add_user("me", turbo=True)
    await log_in_elsewhere(twitch, store, client_id, "me", "user:manage:chat_color")
    async with Service.running(settings_for(), store) as service:
        await until(lambda: service.bots and service.bots[client_id].accounts)
        (found,) = service.standings()
        assert (found.state, found.action) == ("needs login", Action.LOG_IN)
        assert found.reason == "the login lacks user:read:chat (to see your messages)"
        assert [seen for seen in twitch.requests if "eventsub" in seen.path] == []
        await log_in_elsewhere(twitch, store, client_id, "me")
        await twitch.wait_subscribed("me", "me", timeout=8)
        await until(lambda: service.standings()[0].state == "running")
        await twitch.say("me", in_="me", text="hello")
        await twitch.wait_for(lambda: twitch.color_changes)


async def test_a_refused_refresh_makes_the_account_quiet_and_a_login_elsewhere_brings_it_back(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn, client_id: str
) -> None:
    await log_in("me")
    async with Service.running(settings_for(), store) as service:
        await twitch.wait_subscribed("me", "me")
        await twitch.revoke_login("me")
        await until(lambda: service.standings()[0].state == "needs login")
        asked = len(twitch.requests)
        assert service.standings()[0].action is Action.LOG_IN
        await log_in_elsewhere(twitch, store, client_id, "me")
        await twitch.wait_subscribed("me", "me", timeout=8)
        assert len(twitch.requests) - asked < 10
        await twitch.say("me", in_="me", text="hello")
        await twitch.wait_for(lambda: twitch.color_changes)


async def test_without_the_cog_no_colour_changes_and_with_it_again_they_do(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn, client_id: str
) -> None:
    await log_in("me")
    async with Service.running(settings_for(), store) as service:
        await twitch.wait_subscribed("me", "me")
        bot = service.bots[client_id]
        await bot.unload_module("colorchanger_bot.cogs")
        heard: list[str] = []

        async def listener(message: twitchio.ChatMessage) -> None:
            heard.append(message.text)

        bot.add_listener(listener, event="event_message")
        await twitch.say("me", in_="me", text="hello")
        await until(lambda: heard)
        await bot.load_module("colorchanger_bot.cogs")
        await twitch.say("me", in_="me", text="hello again")
        await twitch.wait_for(lambda: twitch.color_changes)
        assert [painter.messages for painter in service.changer] == [1]


@pytest.mark.parametrize("text", ["hello", "!lurk", "", "say !color"])
async def test_whatever_is_written_but_our_command_changes_the_colour_once_and_reaches_every_cog_once(
    text: str, twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn, client_id: str
) -> None:
    await log_in("me")
    heard: list[str] = []

    async def listener(message: twitchio.ChatMessage) -> None:
        heard.append(message.text)

    async with Service.running(settings_for(), store) as service:
        await twitch.wait_subscribed("me", "me")
        service.bots[client_id].add_listener(listener, event="event_message")
        await twitch.say("me", in_="me", text=text)
        await twitch.wait_for(lambda: twitch.color_changes)
        await twitch.say("me", in_="me", text="and then this")
        await twitch.wait_for(lambda: len(twitch.color_changes) >= 2)
        await until(lambda: len(heard) >= 2)
        assert len(twitch.color_changes) == 2
        assert heard == [text, "and then this"]
        (painter,) = service.changer
        assert painter.messages == 2
