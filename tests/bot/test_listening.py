"""Our chat session in somebody else's bot: it hears what TwitchIO's would have missed, with the bot's own token."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
import twitchio
from twitchio import eventsub
from twitchio.ext import commands

from colorchanger_bot.changer.memory import Remembered, ShortMemory
from colorchanger_bot.sandbox import LocalTwitch
from colorchanger_bot.settings.load import Settings
from colorchanger_bot.wiring import attach
from tests.conftest import SCOPES
from tests.fakes import until
from tests.hosts import SUBSCRIPTIONS, listing, page, subscription

COG = "colorchanger_bot.cogs.color_changer"
FRIEND = "70000003"
"""The id of the channel `friend`."""


pytestmark = pytest.mark.usefixtures("endpoints")


class Host(commands.Bot):
    """A bot that subscribes to nothing, and counts what it hears."""

    heard = 0
    pair: tuple[str, str] = ("", "")

    async def event_message(self, payload: twitchio.ChatMessage) -> None:
        self.heard += 1


@pytest.fixture
def kind(request: pytest.FixtureRequest) -> type[Host]:
    return getattr(request, "param", Host)


@pytest.fixture
def channels() -> tuple[str, ...]:
    """The channels that the settings list; none: the bot's own."""
    return ()


@pytest.fixture
def listed() -> str | int:
    """What the settings call the bot's account."""
    return "me"


@pytest.fixture
def memory() -> ShortMemory:
    """What outlives a restart of the bot."""
    return ShortMemory()


@pytest.fixture
def conduit() -> tuple[str, ...]:
    """The channels that the bot reads over a conduit."""
    return ()


@pytest.fixture
async def host(
    kind: type[Host],
    channels: tuple[str, ...],
    conduit: tuple[str, ...],
    listed: str | int,
    memory: ShortMemory,
    twitch: LocalTwitch,
    caplog: pytest.LogCaptureFixture,
) -> AsyncIterator[Host]:
    caplog.set_level(logging.INFO, "colorchanger_bot")
    user = twitch.add_user("me", "#FF0000", turbo=True)
    twitch.add_user("stranger")
    assert twitch.add_user("friend").id == FRIEND
    if conduit:
        theirs = listing(*(subscription(twitch.user(login).id) for login in conduit))
        twitch.faults.add(SUBSCRIPTIONS, theirs, times=None, where=lambda seen: seen.login is None)
    app = twitch.add_app(client_secret="the-host-s-secret")
    pair = twitch.issue_tokens("me", app.client_id, SCOPES)
    bot = kind(client_id=app.client_id, client_secret=app.client_secret, bot_id=user.id, prefix="!")
    bot.pair = (pair.access, pair.refresh)
    sections = {
        "color": {"delay": 0},
        "twitch": {"api_url": twitch.api_url, "id_url": twitch.id_url, "eventsub_url": twitch.eventsub_url},
        "accounts": [{"login": listed, "channels": list(channels)}] if channels else [],
    }
    attach(bot, settings=Settings.of(sections), memory=memory, listen=True)
    running = asyncio.create_task(bot.start(with_adapter=False, load_tokens=False, save_tokens=False))
    await bot.wait_until_ready()
    if not bot.tokens:
        await bot.add_token(*bot.pair)
    await bot.load_module(COG)
    yield bot
    await bot.close()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_an_own_message_is_heard_and_answered_with_a_colour(host: Host, twitch: LocalTwitch) -> None:
    await twitch.wait_subscribed("me", "me")
    await twitch.say("me", in_="me", text="hello")
    await twitch.wait_for(lambda: twitch.color_changes)


async def test_the_other_cogs_of_the_bot_hear_everybody(host: Host, twitch: LocalTwitch) -> None:
    await twitch.wait_subscribed("me", "me")
    await twitch.say("stranger", in_="me", text="hello")
    await until(lambda: host.heard == 1)
    assert twitch.color_changes == []


@pytest.mark.parametrize("code", [4001, 4003])
async def test_what_makes_twitchio_deaf_is_healed(code: int, host: Host, twitch: LocalTwitch) -> None:
    await twitch.wait_subscribed("me", "me")
    await twitch.eventsub.close_all(code)
    await twitch.wait_subscribed("me", "me", timeout=2)
    await twitch.say("me", in_="me", text="hello")
    await twitch.wait_for(lambda: twitch.color_changes)


async def test_a_token_that_expired_is_renewed_by_twitchio(host: Host, twitch: LocalTwitch) -> None:
    await twitch.wait_subscribed("me", "me")
    twitch.expire("me")
    await twitch.eventsub.close_all(4000)
    await twitch.wait_subscribed("me", "me")
    assert twitch.refreshes == {"me": 1}


async def test_a_page_in_the_place_of_a_refresh_ends_nothing(host: Host, twitch: LocalTwitch) -> None:
    await twitch.wait_subscribed("me", "me")
    twitch.expire("me")
    refused = twitch.faults.add("POST /oauth2/token", page(403))
    await twitch.eventsub.close_all(4000)
    await twitch.wait_subscribed("me", "me")
    assert (refused.hits, twitch.refreshes["me"], twitch.spent_twice) == (1, 1, [])


async def test_unloading_ends_the_session_and_reloading_begins_it_anew(host: Host, twitch: LocalTwitch) -> None:
    await twitch.wait_subscribed("me", "me")
    await host.unload_module(COG)
    await twitch.wait_for(lambda: not twitch.subscriptions)
    assert [task for task in asyncio.all_tasks() if " of me" in task.get_name()] == []
    await host.load_module(COG)
    await twitch.wait_subscribed("me", "me")


# Beside chat subscriptions of the bot's own


async def read(bot: Host, channel: str) -> None:
    """Subscribe as a bot does by itself."""
    chat = eventsub.ChatMessageSubscription(broadcaster_user_id=channel, user_id=bot.bot_id)
    await bot.subscribe_websocket(chat)


async def texts(twitch: LocalTwitch, *channels: str) -> None:
    for channel in channels:
        await twitch.say("stranger", in_=channel, text="hello")


def readers(twitch: LocalTwitch, channel: str) -> int:
    id_ = twitch.user(channel).id
    return len({each.session_id for each in twitch.subscriptions if each.broadcaster_user_id == id_})


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name.endswith("bot.listening")]


class Both(Host):
    """Subscribes to its own channel as well, and counts what each listener hears."""

    async def setup_hook(self) -> None:
        await self.add_token(*self.pair)
        await read(self, self.bot_id)


@pytest.mark.parametrize("kind", [Both], indirect=True)
async def test_a_channel_that_the_bot_reads_by_itself_is_left_to_it(
    host: Host, twitch: LocalTwitch, caplog: pytest.LogCaptureFixture
) -> None:
    await until(lambda: said(caplog))
    await texts(twitch, "me", "me")
    await until(lambda: host.heard >= 2)
    await asyncio.sleep(0.2)
    assert (host.heard, readers(twitch, "me")) == (2, 1)
    assert said(caplog) == ["#me: read by the bot itself, so not by ColorChanger's session"]
    await twitch.say("me", in_="me", text="hello")
    await twitch.wait_for(lambda: twitch.color_changes)


async def test_a_channel_that_the_bot_reads_later_is_left_to_it_at_once(host: Host, twitch: LocalTwitch) -> None:
    await twitch.wait_subscribed("me", "me")
    await read(host, host.bot_id)
    await texts(twitch, *["me"] * 5)
    await until(lambda: host.heard >= 5)
    await until(lambda: readers(twitch, "me") == 1)
    await texts(twitch, *["me"] * 5)
    await until(lambda: host.heard >= 10)
    await asyncio.sleep(0.2)
    assert host.heard == 10


async def test_what_the_bot_reads_no_longer_our_session_reads(
    host: Host, twitch: LocalTwitch, caplog: pytest.LogCaptureFixture
) -> None:
    await read(host, host.bot_id)
    await until(lambda: said(caplog) and readers(twitch, "me") == 1)
    await twitch.eventsub.close_all(4003)  # TwitchIO does not come back from it
    await twitch.wait_subscribed("me", "me")
    await texts(twitch, "me")
    await until(lambda: host.heard == 1)
    assert said(caplog)[1:] == ["#me: no longer read by the bot; ColorChanger's session takes over"]


@pytest.mark.parametrize("channels", [("me", "friend")])
async def test_two_channels_one_read_by_each(host: Host, twitch: LocalTwitch) -> None:
    await twitch.wait_subscribed("me", "friend")
    await read(host, twitch.user("friend").id)
    await until(lambda: readers(twitch, "friend") == 1)
    await texts(twitch, "me", "friend")
    await until(lambda: host.heard >= 2)
    await asyncio.sleep(0.2)
    assert (host.heard, readers(twitch, "me")) == (2, 1)


@pytest.mark.parametrize("channels", [("me", "friend", "nobody", *(f"viewer{number}" for number in range(150)))])
async def test_a_long_list_with_a_name_that_nobody_has(host: Host, twitch: LocalTwitch) -> None:
    await twitch.wait_subscribed("me", "me")
    await twitch.wait_subscribed("me", "friend")
    await read(host, twitch.user("friend").id)
    await until(lambda: readers(twitch, "friend") == 1)


@pytest.mark.parametrize(("channels", "conduit"), [(("me", "friend"), ("friend",))])
async def test_a_channel_that_the_bot_reads_over_a_conduit_is_left_to_it(
    host: Host, twitch: LocalTwitch, caplog: pytest.LogCaptureFixture
) -> None:
    await twitch.wait_subscribed("me", "me")
    assert host.tokens
    assert readers(twitch, "friend") == 0
    assert said(caplog) == ["#friend: read by the bot itself, so not by ColorChanger's session"]


# Channels by id


@pytest.mark.parametrize("channels", [(70000003,), (FRIEND,), ("friend",), ("#Friend",)], ids=str)
async def test_a_channel_by_its_id_or_name_outlives_its_rename(
    host: Host, memory: ShortMemory, twitch: LocalTwitch, caplog: pytest.LogCaptureFixture
) -> None:
    await twitch.wait_subscribed("me", "friend")
    twitch.rename("friend", "buddy")
    twitch.add_user("friend")  # somebody else
    await twitch.eventsub.close_all(4000)
    await twitch.wait_subscribed("me", "buddy")
    await host.unload_module(COG)
    await twitch.wait_for(lambda: not twitch.subscriptions)
    await host.load_module(COG)
    await twitch.wait_subscribed("me", "buddy")
    await twitch.say("me", in_="buddy", text="hello")
    await twitch.wait_for(lambda: twitch.color_changes)
    assert readers(twitch, "friend") == 0
    assert FRIEND in (await memory.recall(host.bot_id)).channel_ids.values()
    assert not [record for record in caplog.records if "70000003 is called" in record.getMessage()]


class TestAfterARestart:
    @pytest.fixture
    def memory(self) -> ShortMemory:
        """That of a run in which the channel had its earlier name."""
        memory = ShortMemory()
        kept = Remembered(channel_ids={"oldname": FRIEND}, listed_as="oldme")
        memory._kept["70000001"] = kept.to_json()  # pyright: ignore[reportPrivateUsage]
        return memory

    @pytest.mark.parametrize("channels", [("oldname",)])
    async def test_a_channel_is_found_by_its_id(self, host: Host, twitch: LocalTwitch) -> None:
        await twitch.wait_subscribed("me", "friend")

    @pytest.mark.parametrize(("listed", "channels"), [("oldme", ("friend",))])
    async def test_an_account_that_was_renamed_keeps_its_settings(self, host: Host, twitch: LocalTwitch) -> None:
        await twitch.wait_subscribed("me", "friend")


@pytest.mark.parametrize("channels", [("me", 70000003)])
async def test_a_channel_by_its_id_that_the_bot_reads_itself_is_left_to_it(host: Host, twitch: LocalTwitch) -> None:
    await twitch.wait_subscribed("me", "friend")
    await read(host, FRIEND)
    await until(lambda: readers(twitch, "friend") == 1)
    await texts(twitch, "friend", "friend")
    await until(lambda: host.heard >= 2)
    await asyncio.sleep(0.2)
    assert host.heard == 2


@pytest.mark.parametrize("channels", [("me", "12345678", "4711")])
async def test_digits_that_are_a_name_and_digits_that_are_nothing(host: Host, twitch: LocalTwitch) -> None:
    twitch.add_user("12345678")
    await twitch.wait_subscribed("me", "12345678")


@pytest.mark.parametrize(("listed", "channels"), [(70000001, ("friend",)), ("70000001", ("friend",))], ids=str)
async def test_the_account_may_be_listed_by_its_id(host: Host, twitch: LocalTwitch) -> None:
    await twitch.wait_subscribed("me", "friend")
