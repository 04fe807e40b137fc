"""The changer: one painter for each account, each message once, replies that are no messages, and a clean end."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

import pytest

from colorchanger_bot.changer.changer import REMEMBERED_MESSAGES, Changer, OwnMessage
from colorchanger_bot.changer.memory import Remembered, ShortMemory
from colorchanger_bot.changer.painter import Painter
from colorchanger_bot.color import Color
from colorchanger_bot.errors import TwitchUnavailable
from colorchanger_bot.settings.load import ColorSettings
from tests.fakes import FakeClock, FakeColors


class SlowMemory(ShortMemory):
    """Takes a moment to recall, in which others have their turn."""

    async def recall(self, user_id: str) -> Remembered:
        await asyncio.sleep(0)
        return Remembered(history=["#FF0000"])


async def test_an_account_that_two_manage_at_once_has_one_painter_which_knows_its_past() -> None:
    changer = Changer(FakeColors(), memory=SlowMemory(), clock=FakeClock(), rng=random.Random(1))
    managed = [changer.manage("1", "me", ColorSettings()) for _ in range(3)]
    first, *others = await asyncio.gather(*managed)
    assert others == [first, first]
    assert list(changer) == [first]
    assert [color.hex for color in first.history] == ["#FF0000"]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def api() -> FakeColors:
    return FakeColors()


@pytest.fixture
async def changer(api: FakeColors, clock: FakeClock) -> AsyncIterator[Changer]:
    made = Changer(api, clock=clock, rng=random.Random(1))
    yield made
    for painter in made:
        await painter.close()


@pytest.fixture
async def painter(changer: Changer) -> Painter:
    return await changer.manage("1", "me", ColorSettings.of({"delay": 1.0}))


def message(number: int, text: str = "hello", *, channel_id: str = "1") -> OwnMessage:
    return OwnMessage(f"m{number}", "1", channel_id, "somewhere", Color.parse("#123456"), text)


async def test_a_repeated_message_counts_once(changer: Changer, painter: Painter) -> None:
    for number in (1, 1, 2, 1):
        changer.on_message(message(number))
    assert painter.messages == 2


async def test_a_message_shows_the_colour_of_its_account(changer: Changer, painter: Painter) -> None:
    changer.on_message(message(1))
    assert painter.current == Color.parse("#123456")


async def test_of_many_messages_the_oldest_are_forgotten(changer: Changer) -> None:
    for number in range(REMEMBERED_MESSAGES + 1):
        assert changer.first_time(f"m{number}")
    assert not changer.first_time(f"m{REMEMBERED_MESSAGES}")
    assert not changer.first_time("m1")
    assert changer.first_time("m0")


async def test_a_repeated_command_is_run_once(changer: Changer, painter: Painter) -> None:
    assert [changer.on_command(message(number, "!color next")) for number in (1, 1, 2)] == [True, False, True]


@pytest.mark.parametrize("seen_as", ["message", "command"])
async def test_a_reply_that_comes_back_is_neither_a_message_nor_a_command(
    seen_as: str, changer: Changer, painter: Painter
) -> None:
    assert await changer.reply_turn("1", "1", "on, random")
    back = message(1, "@Me on, random")
    if seen_as == "message":
        changer.on_message(back)
    else:
        assert not changer.on_command(back)
    assert changer.is_reply(back)
    assert painter.messages == 0
    changer.on_message(message(2, "on, random"))  # typed by the person
    assert painter.messages == 1


async def test_a_reply_that_twitch_dropped_is_not_waited_for_for_ever(
    changer: Changer, painter: Painter, clock: FakeClock
) -> None:
    assert await changer.reply_turn("1", "1", "off")
    await clock.advance(61)
    changer.on_message(message(1, "turn it off"))
    assert painter.messages == 1


async def test_each_reply_counts_once(changer: Changer, painter: Painter, clock: FakeClock) -> None:
    """With a command and its reply 16 messages are 8 commands; a reply that counted twice left room for five."""

    async def commands() -> list[bool]:
        sent: list[bool] = []
        for number in range(12):
            if changer.on_command(message(2 * number, "!color", channel_id="2")):
                sent.append(await changer.reply_turn("1", "2", f"reply {number}"))
                if sent[-1]:
                    changer.on_message(message(2 * number + 1, f"@Me reply {number}", channel_id="2"))
        return sent

    running = asyncio.create_task(commands())
    await clock.advance(29)
    assert await running == [True] * 8 + [False] * 4
    assert (painter.replies_left_out, painter.messages) == (4, 0)
    await clock.advance(31)
    assert await changer.reply_turn("1", "1", "on")
    assert painter.replies_left_out == 0


async def test_in_the_own_channel_there_is_room_for_many_replies(changer: Changer, painter: Painter) -> None:
    for number in range(40):
        assert changer.on_command(message(number, "!color"))
        assert await changer.reply_turn("1", "1", "on")


@pytest.mark.parametrize("typed", ["hello", "!color"])
async def test_what_a_person_types_counts_before_a_reply(
    typed: str, changer: Changer, painter: Painter, clock: FakeClock
) -> None:
    if typed == "hello":
        changer.on_message(message(1, typed, channel_id="2"))
    else:
        changer.on_command(message(1, typed, channel_id="2"))
    turn = asyncio.create_task(changer.reply_turn("1", "2", "on"))
    await clock.advance(1.0)
    assert not turn.done()
    await clock.advance(0.3)
    assert await turn


async def test_a_moderator_need_not_wait_before_a_reply(changer: Changer, painter: Painter) -> None:
    changer.on_command(message(1, "!color", channel_id="2"))
    async with asyncio.timeout(5):  # the clock of the test stands still
        assert await changer.reply_turn("1", "2", "on", is_moderator=True)


async def test_an_account_that_is_forgotten_gets_no_colours(
    changer: Changer, painter: Painter, clock: FakeClock, api: FakeColors
) -> None:
    changer.on_message(message(1))
    assert "1" in changer
    await changer.forget("1")
    assert "1" not in changer
    changer.on_message(message(2))
    await clock.advance(60)
    assert (list(changer), painter.messages, api.sent) == ([], 1, [])


async def test_at_the_end_the_colour_from_before_is_put_back(
    changer: Changer, painter: Painter, clock: FakeClock, api: FakeColors
) -> None:
    changer.on_message(message(1))
    await clock.advance(1)
    assert api.shown != Color.parse("#123456")
    await changer.close()
    assert api.shown == Color.parse("#123456")


async def test_nothing_is_put_back_while_twitch_is_in_trouble(
    changer: Changer, painter: Painter, clock: FakeClock, api: FakeColors
) -> None:
    changer.on_message(message(1))
    await clock.advance(1)
    api.answers.extend([TwitchUnavailable("503")] * 20)
    changer.on_message(message(2)._replace(color=api.shown))
    await clock.advance(1)
    assert painter.trouble == "503"
    sent = len(api.sent)
    await changer.close()
    assert len(api.sent) == sent


async def test_a_restore_that_takes_too_long_ends_with_the_stop(
    changer: Changer, painter: Painter, clock: FakeClock, api: FakeColors, caplog: pytest.LogCaptureFixture
) -> None:
    changer.on_message(message(1))
    await clock.advance(1)
    api.gate.clear()
    await changer.close()
    assert "the colour of me could not be put back in time" in caplog.text
