"""Each word after `!color`: what it sets, what it answers, and that nonsense changes nothing."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colorchanger_bot.changer.commands import run_command
from colorchanger_bot.changer.memory import ShortMemory
from colorchanger_bot.changer.painter import Painter
from colorchanger_bot.changer.replies import chat_reply
from colorchanger_bot.color import Color
from colorchanger_bot.settings.load import ColorSettings
from tests.fakes import FakeClock, FakeColors, FakePlatform

DELAY = "how many seconds, from 0 to 3600? For example: delay 2, or: delay 1 3"
PALETTE = "which colours? At most 30, for example: palette red #ff8800 hot_pink"
RAINBOW = (
    "rainbow takes degrees from colour to colour, more than 0 and less than 360, and reverse; "
    "for example: rainbow 15 reverse"
)


def make(api: FakeColors) -> Painter:
    return Painter(
        "1",
        "me",
        ColorSettings(),
        api=api,
        memory=ShortMemory(),
        clock=FakeClock(),
        rng=random.Random(1),
        on_change=lambda _: None,
    )


async def reply(painter: Painter, text: str, platform: FakePlatform) -> str:
    return chat_reply(await run_command(painter, text, platform), "!color")


@pytest.fixture
def api() -> FakeColors:
    return FakeColors()


@pytest.fixture
def platform() -> FakePlatform:
    return FakePlatform()


@pytest.fixture
async def painter(api: FakeColors) -> AsyncIterator[Painter]:
    made = make(api)
    yield made
    await made.close()


@pytest.mark.parametrize(
    ("text", "sets"),
    [
        ("random", {"strategy": "random"}),
        ("RANDOM", {"strategy": "random"}),
        ("presets", {"strategy": "presets"}),
        ("rainbow", {"strategy": "rainbow", "step": None, "reverse": False}),
        ("rainbow 15 reverse", {"strategy": "rainbow", "step": 15.0, "reverse": True}),
        ("rainbow reverse 20°", {"strategy": "rainbow", "step": 20.0, "reverse": True}),
        ("palette red #f80 hot_pink", {"strategy": "palette", "colors": ("red", "#FF8800", "hot_pink")}),
        ("palette red, hot pink", {"strategy": "palette", "colors": ("red", "hot_pink")}),
        ("gradient red blue", {"strategy": "gradient", "colors": ("red", "blue")}),
        ("shades dodger blue", {"strategy": "shades", "base": "dodger_blue"}),
        ("daily", {"strategy": "daily", "period": "day"}),
        ("daily Clock", {"strategy": "daily", "period": "clock"}),
        ("standout", {"strategy": "standout"}),
        ("delay 2", {"delay": (2.0, 2.0)}),
        ("delay 1 3", {"delay": (1.0, 3.0)}),
        ("delay 3 1", {"delay": (1.0, 3.0)}),
        ("delay 0.5s, 1.5s", {"delay": (0.5, 1.5)}),
        ("off", {"enabled": False}),
    ],
)
async def test_it_sets(text: str, sets: dict[str, object], painter: Painter, platform: FakePlatform) -> None:
    await run_command(painter, text, platform)
    found = {key: getattr(painter.settings, key) for key in sets}
    plain = {
        key: tuple(map(str, value)) if key == "colors" else str(value) if isinstance(value, Color) else value
        for key, value in found.items()
    }
    assert plain == sets


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("chartruse", '"chartruse" is no colour I know: did you mean chartreuse?'),
        ("rainbwo", 'I do not know "rainbwo": did you mean rainbow?'),
        ("rainbow fast", RAINBOW),
        ("rainbow 900", RAINBOW),
        ("rainbow 0", RAINBOW),
        ("rainbow -15", RAINBOW),
        ("palette", PALETTE),
        ("palette red blurple", '"blurple" is no colour I know: did you mean purple?'),
        ("gradient red", "from which colour to which? At most 30, for example: gradient red blue"),
        ("shades", "shades of which colour? For example: shades dodger blue"),
        ("daily often", "daily is one colour a day; daily clock goes with the time of day"),
        ("delay", DELAY),
        ("delay soon", DELAY),
        ("delay nan", DELAY),
        ("delay 99999", DELAY),
        ("delay -1 3", DELAY),
        ("hex #12345", '"#12345" is no colour: a hex has 3 or 6 digits, such as #f80 or #ff8800'),
        ("#1234567", '"#1234567" is no colour: a hex has 3 or 6 digits, such as #f80 or #ff8800'),
        ("12345", '"12345" is no colour: a hex has 3 or 6 digits, such as #f80 or #ff8800'),
        ("set #ggg", '"#ggg" is no colour: a hex has 3 or 6 digits, such as #f80 or #ff8800'),
        ("palette red #f8", '"#f8" is no colour: a hex has 3 or 6 digits, such as #f80 or #ff8800'),
        ("shades 0xff8800", '"0xff8800" is no colour: a hex has 3 or 6 digits, such as #f80 or #ff8800'),
        ("palette" + 31 * " red", PALETTE),
        ("undo", "there is no colour before this one"),
        ("keep", "I do not know your colour yet: write a message first"),
    ],
)
async def test_what_is_not_understood_changes_nothing_and_says_how_to_say_it(
    text: str, answer: str, painter: Painter, api: FakeColors, platform: FakePlatform
) -> None:
    before = painter.settings
    assert await reply(painter, text, platform) == answer
    assert (painter.settings, api.sent) == (before, [])


async def test_recheck_tries_a_hex_again(painter: Painter, api: FakeColors, platform: FakePlatform) -> None:
    api.turbo = False
    await run_command(painter, "next", platform)
    assert painter.hex_refused
    api.turbo = True
    await run_command(painter, "recheck", platform)
    await run_command(painter, "next", platform)
    assert not api.sent[-1].is_named


async def test_restore_puts_the_colour_from_before_back(
    painter: Painter, api: FakeColors, platform: FakePlatform
) -> None:
    await run_command(painter, "next", platform)
    assert await reply(painter, "restore", platform) == "your colour is #123456 again, as before"
    assert api.shown == Color.parse("#123456")


async def test_like_takes_the_colour_of_somebody_and_keeps_it(
    painter: Painter, api: FakeColors, platform: FakePlatform
) -> None:
    await run_command(painter, "like @Friend", platform)
    assert (api.shown, painter.held) == (Color.parse("#00AA88"), Color.parse("#00AA88"))


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("like", "like whom? For example: like somebody"),
        ("like nobody_here", "there is nobody called nobody_here on Twitch"),
        ("like plain", "plain never chose a colour"),
        ("join", "which channel? For example: join afriend"),
        ("join me", "#me is read already"),
        ("join nosuchchannel", "there is no channel #nosuchchannel on Twitch"),
        ("join not-a-name", "which channel? For example: join afriend"),
        ("leave", "I read #me; for example: leave me"),
        ("leave friend", "I read #me; for example: leave me"),
        ("leave me", "#me is the only channel that is read. To stop the colours: !color off"),
    ],
)
async def test_what_cannot_be_done_with_others_is_said(
    text: str, answer: str, painter: Painter, api: FakeColors, platform: FakePlatform
) -> None:
    assert await reply(painter, text, platform) == answer
    assert (api.sent, platform.reads) == ([], ("me",))


async def test_channels_are_joined_and_left(painter: Painter, platform: FakePlatform) -> None:
    await run_command(painter, "join #Friend", platform)
    assert platform.reads == ("me", "friend")
    await run_command(painter, "leave friend", platform)
    assert platform.reads == ("me",)


async def test_where_the_channels_are_not_ours_it_says_so(painter: Painter, platform: FakePlatform) -> None:
    platform.reads = None
    for text in ("join friend", "leave me"):
        assert await reply(painter, text, platform) == "this bot chooses its channels itself"


@given(st.text(max_size=600))
async def test_whatever_is_typed_is_answered_with_one_line(text: str) -> None:
    painter, platform = make(FakeColors()), FakePlatform()
    answer = await reply(painter, text, platform)
    await painter.close()
    assert answer
    assert "\n" not in answer
    assert answer.isprintable()
