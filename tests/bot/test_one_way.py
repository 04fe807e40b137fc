"""One way for a message: from the chat sessions to every cog, once, ours and those of others alike."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from colorchanger_bot.sandbox import LocalTwitch
from colorchanger_bot.service.service import Service
from colorchanger_bot.settings.load import Settings
from colorchanger_bot.store.store import Store
from tests.fakes import until

LogIn = Callable[..., Awaitable[None]]
SettingsFor = Callable[..., Settings]
Running = Callable[..., Any]
GUEST = {"cogs": {"load": ["tests.listening_cog"]}}


@pytest.fixture
def running(store: Store, settings_for: SettingsFor, log_in: LogIn, twitch: LocalTwitch) -> Running:
    """Run the service with accounts that read these channels: `running(me=["me", "friend"])`."""

    @asynccontextmanager
    async def run(sections: dict[str, Any] | None = None, **accounts: list[str]) -> AsyncGenerator[Service]:
        for login in accounts:
            await log_in(login)
        for channel in {each for channels in accounts.values() for each in channels} - accounts.keys():
            twitch.add_user(channel)
        listed = [{"login": login, "channels": channels} for login, channels in accounts.items()]
        settings = settings_for(accounts=listed, **(sections or {}))
        async with Service.running(settings, store) as service:
            for login, channels in accounts.items():
                for channel in channels:
                    await twitch.wait_subscribed(login, channel)
            yield service

    return run


def heard(service: Service) -> list[tuple[str, str]]:
    """What a cog of somebody else was told, as channel and text."""
    (bot,) = service.bots.values()
    return getattr(bot, "heard", [])


async def said_last(service: Service, twitch: LocalTwitch, login: str, channel: str) -> None:
    """Say one more thing and wait until it has been heard: whatever came before it has been heard, too."""
    await twitch.say(login, in_=channel, text="the last word")
    await until(lambda: (channel, "the last word") in heard(service))


async def test_two_accounts_that_read_one_channel_bring_each_message_once(
    running: Running, twitch: LocalTwitch
) -> None:
    twitch.add_user("stranger")
    async with running(GUEST, me=["me"], other=["other", "me"]) as service:
        await twitch.say("me", in_="me", text="mine")
        await twitch.say("stranger", in_="me", text="theirs")
        await said_last(service, twitch, "me", "me")
        assert heard(service) == [("me", "mine"), ("me", "theirs"), ("me", "the last word")]
        assert {painter.login: painter.messages for painter in service.changer} == {"me": 2, "other": 0}


async def test_a_message_that_twitch_sends_again_is_dropped(running: Running, twitch: LocalTwitch) -> None:
    async with running(GUEST, me=["me"]) as service:
        await twitch.say("me", in_="me", text="once")
        await twitch.eventsub.resend_last()
        await said_last(service, twitch, "me", "me")
        assert heard(service) == [("me", "once"), ("me", "the last word")]
        assert next(iter(service.changer)).messages == 2


async def test_a_message_in_a_shared_chat_comes_from_the_channel_where_it_was_written(
    running: Running, twitch: LocalTwitch
) -> None:
    async with running(GUEST, me=["me", "friend", "guest"]) as service:
        await twitch.say_shared("me", in_="friend", mirrored_to=["me", "guest"], text="shared")
        await said_last(service, twitch, "me", "me")
        assert heard(service) == [("friend", "shared"), ("me", "the last word")]


async def test_a_mirror_counts_where_its_source_is_not_read(running: Running, twitch: LocalTwitch) -> None:
    twitch.add_user("far")
    async with running(GUEST, me=["me", "friend"]) as service:
        await twitch.say_shared("me", in_="far", mirrored_to=["friend", "me"], text="shared")
        await said_last(service, twitch, "me", "me")
        assert sorted(text for _, text in heard(service)) == ["shared", "the last word"]
        assert next(iter(service.changer)).messages == 2


async def test_a_message_counts_for_an_account_only_in_its_own_channels(running: Running, twitch: LocalTwitch) -> None:
    async with running(GUEST, me=["me"], other=["other"]) as service:
        await twitch.say("other", in_="me", text="a guest in another account's channel")
        await twitch.say("other", in_="me", text="!color off")
        await said_last(service, twitch, "other", "other")
        assert ("me", "a guest in another account's channel") in heard(service)
        assert {painter.login: painter.messages for painter in service.changer} == {"me": 0, "other": 1}
        assert all(painter.settings.enabled for painter in service.changer)


async def test_who_moderates_a_channel_is_learnt_from_his_messages(running: Running, twitch: LocalTwitch) -> None:
    async with running(me=["me", "place"]) as service:
        twitch.make_moderator("me", "place")
        await twitch.say("me", in_="me", text="not here")
        await twitch.say("me", in_="place", text="but here")
        await until(lambda: next(iter(service.changer)).messages == 2)
        (bot,) = service.bots.values()
        me = twitch.user("me").id
        assert {channel.name: channel.moderators for channel in bot.readers.channels} == {"me": set(), "place": {me}}


async def test_an_accounts_message_is_somebody_elses_for_another_one_that_looks_at_others(
    running: Running, twitch: LocalTwitch
) -> None:
    twitch.add_user("stranger", "#00FF00")
    settings = {"color": {"strategy": "standout", "delay": 0}}
    async with running(settings, me=["me"], other=["me"]) as service:
        await twitch.say("stranger", in_="me", text="hello")
        await twitch.say("other", in_="me", text="hello")
        await until(lambda: len(service.changer.chatters.of(twitch.user("me").id)) == 2)
        assert service.changer.watchers == {twitch.user(login).id for login in ("me", "other")}


async def test_without_a_cog_of_others_a_strangers_message_is_never_built(
    running: Running, twitch: LocalTwitch
) -> None:
    twitch.add_user("stranger")
    async with running(me=["me"]) as service:
        (bot,) = service.bots.values()
        await bot.load_module("tests.listening_cog")
        await twitch.say("stranger", in_="me", text="heard")
        await until(lambda: heard(service))
        await bot.unload_module("tests.listening_cog")
        told: list[str] = []

        async def listener(message: Any) -> None:
            told.append(message.text)

        bot.add_listener(listener, event="event_message")
        await twitch.say("stranger", in_="me", text="not built")
        await twitch.say("me", in_="me", text="mine")
        await until(lambda: told)
        assert (told, heard(service)) == (["mine"], [("me", "heard")])
