"""Commands typed in chat: the account's own are run, everybody else's are ignored."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import pytest

from colorchanger_bot.changer.pace import CHANNEL_SECONDS
from colorchanger_bot.changer.painter import Painter
from colorchanger_bot.color import Color
from colorchanger_bot.sandbox import LocalTwitch, faults
from colorchanger_bot.service.service import Service
from colorchanger_bot.settings.load import Settings
from colorchanger_bot.store.store import Store
from tests.fakes import subscribed_to_all, until

LogIn = Callable[..., Awaitable[None]]
SettingsFor = Callable[..., Settings]
Say = Callable[[str], Awaitable[str]]


@pytest.fixture
async def service(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn
) -> AsyncIterator[Service]:
    await log_in("me")
    twitch.add_user("friend")
    settings = settings_for(accounts=[{"login": "me", "channels": ["me", "friend"]}])
    async with Service.running(settings, store) as running:
        await twitch.wait_subscribed("me", "me")
        await twitch.wait_subscribed("me", "friend")
        await subscribed_to_all(twitch, channels=2)
        yield running


@pytest.fixture
def painter(service: Service, twitch: LocalTwitch) -> Painter:
    return service.changer[twitch.user("me").id]


async def ask(twitch: LocalTwitch, text: str) -> str:
    """Say something as the account in its own channel; return the bot's reply in chat."""
    before = len(answers(twitch))
    await twitch.say("me", in_="me", text=text)
    await until(lambda: len(answers(twitch)) > before)
    return answers(twitch)[-1]


@pytest.fixture
def say(service: Service, twitch: LocalTwitch) -> Say:
    return partial(ask, twitch)


def answers(twitch: LocalTwitch) -> list[str]:
    return [
        seen.body["message"] for seen in twitch.requests if seen.line == "POST /helix/chat/messages" and seen.status
    ]


async def test_the_status_is_said(say: Say) -> None:
    assert (await say("!color")).startswith("on, random")


async def test_off_stops_and_on_goes_on(say: Say, twitch: LocalTwitch, painter: Painter) -> None:
    await say("!color off")
    await twitch.say("me", in_="me", text="hello")
    assert await say("!color") == "off. To turn it on: !color on"
    assert (painter.messages, twitch.color_changes) == (1, [])
    await say("!color on")
    await twitch.say("me", in_="me", text="hello")
    await twitch.wait_for(lambda: twitch.color_changes)


async def test_off_puts_the_colour_back(say: Say, twitch: LocalTwitch) -> None:
    await twitch.say("me", in_="me", text="hello")
    await twitch.wait_for(lambda: twitch.color_changes)
    answer = await say("!color off")
    assert twitch.user("me").color == "#FF0000"
    assert answer == "off: your colour is red again, as before"


@pytest.mark.parametrize(
    ("text", "color"),
    [
        ("!color hex #ff8800", "#FF8800"),
        ("!color set hot pink", "#FF69B4"),
        ("!color set HotPink", "#FF69B4"),
        ("!colour #f80", "#FF8800"),
        ("!color blue violet", "#8A2BE2"),
    ],
)
async def test_a_colour_is_picked_and_held(text: str, color: str, say: Say, twitch: LocalTwitch) -> None:
    await say(text)
    await twitch.say("me", in_="me", text="hello")
    assert await say("!color") == f"Held at {Color.parse(color)}. To change again: !color on"
    assert [change.color for change in twitch.color_changes] == [color]


async def test_a_colour_is_held_until_on_also_after_a_restart(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me")
    settings = settings_for(color={"strategy": "rainbow"})
    async with Service.running(settings, store):
        await twitch.wait_subscribed("me", "me")
        await ask(twitch, "!color hex #00ff00")
    async with Service.running(settings, store):
        await twitch.wait_subscribed("me", "me")
        assert (await ask(twitch, "!color")).startswith("Held at #00FF00")
        assert await ask(twitch, "!color on") == "on: a new colour after each of your messages (rainbow)"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("!color hex chartruse", '"chartruse" is not a colour I know: did you mean chartreuse?'),
        ("!color nxet", 'I do not know "nxet": did you mean next?'),
        ("!color hex", "which colour? For example: hex #ff8800, or: set hot pink"),
    ],
)
async def test_wrong_input_gets_one_helpful_line_and_changes_nothing(
    text: str, answer: str, say: Say, twitch: LocalTwitch, painter: Painter
) -> None:
    before = painter.settings
    assert await say(text) == answer
    assert (twitch.color_changes, painter.settings) == ([], before)


async def test_next_undo_and_keep(say: Say, twitch: LocalTwitch, painter: Painter) -> None:
    await say("!color next")
    first = painter.current
    await say("!color next")
    await say("!color undo")
    assert painter.current == first
    await say("!color keep")
    count = len(twitch.color_changes)
    await twitch.say("me", in_="me", text="hello")
    assert (await say("!color")).startswith(f"Held at {first}")
    assert (painter.current, len(twitch.color_changes)) == (first, count)


async def test_a_command_is_no_message_that_is_owed_a_colour(say: Say, twitch: LocalTwitch, painter: Painter) -> None:
    await say("!color")
    await twitch.say("me", in_="me", text="hello")
    await twitch.wait_for(lambda: twitch.color_changes)
    await say("!color")
    assert (painter.messages, len(twitch.color_changes)) == (1, 1)


async def test_a_reply_of_the_bot_is_no_message_either(say: Say, twitch: LocalTwitch, painter: Painter) -> None:
    await say("!color help")  # the reply comes back as a message of the account, before the next one
    await twitch.say("me", in_="me", text="hello")
    await until(lambda: painter.messages)
    await say("!color")
    assert painter.messages == 1


@pytest.mark.parametrize("text", ["!color off", "!color hex #00ff00", "!colour off", "!color"])
async def test_a_strangers_command_is_ignored(
    text: str, say: Say, service: Service, twitch: LocalTwitch, painter: Painter
) -> None:
    before, asked = painter.settings, len(twitch.requests)
    await twitch.say("friend", in_="me", text=text)
    await say("!color")
    assert (painter.settings, len(twitch.requests)) == (before, asked + 1)


async def test_a_mirrored_command_does_nothing(say: Say, service: Service, twitch: LocalTwitch) -> None:
    twitch.add_user("host")
    await twitch.say_shared("me", in_="host", mirrored_to=["me", "friend"], text="!color off")
    assert await say("!color") == "on, random"
    assert len(answers(twitch)) == 1


async def test_in_other_peoples_channels_a_command_acts_without_a_reply(
    say: Say, service: Service, twitch: LocalTwitch, painter: Painter
) -> None:
    typed = time.monotonic()
    await twitch.say("me", in_="friend", text="!color off")
    await until(lambda: not painter.settings.enabled)
    # A reply would have to wait so long after what was typed in that channel.
    await until(lambda: time.monotonic() - typed > 1.5 * CHANNEL_SECONDS)
    await say("!color")
    assert answers(twitch) == ["off. To turn it on: !color on"]


async def test_a_command_acts_also_when_its_reply_cannot_be_sent(
    service: Service, twitch: LocalTwitch, painter: Painter
) -> None:
    twitch.faults.add("POST /helix/chat/messages", faults.status(500), times=None)
    await twitch.say("me", in_="me", text="!color hex #00ff00")
    await until(lambda: painter.current == Color.parse("#00ff00"))


async def test_what_was_set_in_chat_survives_a_restart(
    say: Say, service: Service, twitch: LocalTwitch, store: Store, settings_for: SettingsFor
) -> None:
    await say("!color hex #00ff00")
    await say("!color delay 0 5")
    remembered = await store.recall(twitch.user("me").id)
    assert (remembered.held, remembered.overrides) == ("#00FF00", {"delay": [0.0, 5.0]})


async def test_channels_are_joined_and_left_and_remembered(
    say: Say, service: Service, twitch: LocalTwitch, store: Store, settings_for: SettingsFor
) -> None:
    twitch.add_user("another")
    await say("!color join another")
    await twitch.wait_subscribed("me", "another")
    await say("!color leave friend")
    await twitch.wait_for(lambda: len(twitch.subscriptions) == 2)
    assert (await store.recall(twitch.user("me").id)).channels == ["me", "another"]


async def test_somebody_elses_colour_is_taken(say: Say, twitch: LocalTwitch) -> None:
    twitch.user("friend").color = "#00AA88"
    await say("!color like friend")
    assert twitch.user("me").color == "#00AA88"


async def test_capitals_are_fine(say: Say, twitch: LocalTwitch) -> None:
    await say("!COLOR Hot Pink")
    assert twitch.user("me").color == "#FF69B4"


async def test_a_reply_in_another_channel_waits_until_twitch_takes_it(
    twitch: LocalTwitch, store: Store, settings_for: SettingsFor, log_in: LogIn
) -> None:
    await log_in("me")
    twitch.add_user("friend")
    settings = settings_for(accounts=[{"login": "me", "channels": ["friend"]}], commands={"reply": "always"})
    async with Service.running(settings, store):
        await twitch.wait_subscribed("me", "friend")
        await twitch.say("me", in_="friend", text="!color help")
        await until(lambda: answers(twitch), seconds=10)
        (sent,) = [seen for seen in twitch.requests if seen.line == "POST /helix/chat/messages"]
        typed = [seen.at for seen in twitch.requests if seen.line == "POST /helix/eventsub/subscriptions"]
        assert sent.at - typed[-1] > 1.0


@pytest.mark.parametrize(
    ("who", "allow", "may"),
    [
        ("boss", ["self", "owner"], True),
        ("friend", ["self", "owner"], False),
        ("friend", ["self", "broadcaster"], True),
        ("boss", ["self", "broadcaster"], False),
        ("mod", ["self", "moderators"], True),
        ("mod", ["self"], False),
        ("me", ["owner"], False),
        ("me", ["self"], True),
    ],
)
async def test_who_may_command_is_as_the_settings_say(
    who: str,
    allow: list[str],
    may: bool,
    twitch: LocalTwitch,
    store: Store,
    settings_for: SettingsFor,
    log_in: LogIn,
) -> None:
    await log_in("me")
    for login in ("friend", "boss", "mod"):
        twitch.add_user(login)
    twitch.make_moderator("mod", "friend")
    settings = settings_for(
        accounts=[{"login": "me", "channels": ["friend"]}], commands={"allow": allow, "owner": "boss"}
    )
    async with Service.running(settings, store) as service:
        await twitch.wait_subscribed("me", "friend")
        painter = service.changer[twitch.user("me").id]
        await twitch.say(who, in_="friend", text="!color off")
        if may:
            await until(lambda: not painter.settings.enabled)
        else:
            await twitch.say("me", in_="friend", text="hello")
            await twitch.wait_for(lambda: twitch.color_changes)
            assert painter.settings.enabled
