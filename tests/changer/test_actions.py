"""Each word after `!color`: what it sets, what it answers, and that nonsense changes nothing."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colorchanger_bot.changer.chat import obey
from colorchanger_bot.changer.memory import ShortMemory
from colorchanger_bot.changer.painter import Painter
from colorchanger_bot.color import Color
from colorchanger_bot.settings.load import ColorSettings
from tests.fakes import FakeClock, FakeColors, FakeWorld


def make(api: FakeColors) -> Painter:
    return Painter(
        "1",
        "me",
        ColorSettings(),
        api=api,
        memory=ShortMemory(),
        clock=FakeClock(),
        rng=random.Random(1),
        tell=lambda _: None,
    )


@pytest.fixture
def api() -> FakeColors:
    return FakeColors()


@pytest.fixture
def world() -> FakeWorld:
    return FakeWorld()


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
        ("hex #ff8800", {"strategy": "hold", "base": "#FF8800"}),
        ("Hot Pink", {"strategy": "hold", "base": "hot_pink"}),
        ("off", {"enabled": False}),
    ],
)
async def test_it_sets(text: str, sets: dict[str, object], painter: Painter, world: FakeWorld) -> None:
    await obey(painter, text, world)
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
        ("rainbow fast", "rainbow takes degrees from colour to colour, and reverse; for example: rainbow 15 reverse"),
        ("rainbow 900", "step: 900.0 is not more than 0 and less than 360 degrees"),
        ("palette", "which colours? For example: palette red #ff8800 hot_pink"),
        ("palette red blurple", '"blurple" is no colour I know: did you mean purple?'),
        ("gradient red", "from which colour to which? For example: gradient red blue"),
        ("shades", "shades of which colour? For example: shades dodger blue"),
        ("daily often", "daily is one colour a day; daily clock goes with the time of day"),
        ("delay", "how many seconds? For example: delay 2, or: delay 1 3"),
        ("delay soon", "how many seconds? For example: delay 2, or: delay 1 3"),
        ("delay nan", "how many seconds? For example: delay 2, or: delay 1 3"),
    ],
)
async def test_what_is_not_understood_changes_nothing_and_says_how_to_say_it(
    text: str, answer: str, painter: Painter, api: FakeColors, world: FakeWorld
) -> None:
    before = painter.settings
    assert await obey(painter, text, world) == answer
    assert (painter.settings, api.sent) == (before, [])


async def test_recheck_tries_a_hex_again(painter: Painter, api: FakeColors, world: FakeWorld) -> None:
    api.turbo = False
    await obey(painter, "next", world)
    assert painter.hex_refused
    api.turbo = True
    await obey(painter, "recheck", world)
    await obey(painter, "next", world)
    assert not api.sent[-1].is_named


async def test_restore_puts_the_colour_from_before_back(painter: Painter, api: FakeColors, world: FakeWorld) -> None:
    await obey(painter, "next", world)
    assert await obey(painter, "restore", world) == "your colour is #123456 again, as before"
    assert api.shown == Color.parse("#123456")


async def test_like_takes_the_colour_of_somebody_and_keeps_it(
    painter: Painter, api: FakeColors, world: FakeWorld
) -> None:
    await obey(painter, "like @Friend", world)
    assert (api.shown, painter.strategy.name) == (Color.parse("#00AA88"), "hold")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("like", "like whom? For example: like somebody"),
        ("like nobody_here", "there is nobody called nobody_here on Twitch"),
        ("like plain", "plain never chose a colour"),
        ("join", "which channel? For example: join afriend"),
        ("join me", "#me is read already"),
        ("join not-a-name", "which channel? For example: join afriend"),
        ("leave", "I read #me; for example: leave me"),
        ("leave friend", "I read #me; for example: leave me"),
        ("leave me", "#me is the only channel that is read; !color off stops the colours"),
    ],
)
async def test_what_cannot_be_done_with_others_is_said(
    text: str, answer: str, painter: Painter, api: FakeColors, world: FakeWorld
) -> None:
    assert await obey(painter, text, world) == answer
    assert (api.sent, world.reads) == ([], ("me",))


async def test_channels_are_joined_and_left(painter: Painter, world: FakeWorld) -> None:
    await obey(painter, "join #Friend", world)
    assert world.reads == ("me", "friend")
    await obey(painter, "leave friend", world)
    assert world.reads == ("me",)


async def test_where_the_channels_are_not_ours_it_says_so(painter: Painter, world: FakeWorld) -> None:
    world.reads = None
    for text in ("join friend", "leave me"):
        assert await obey(painter, text, world) == "which channels this bot reads is its own affair"


@given(st.text(max_size=600))
async def test_whatever_is_typed_is_answered_with_one_line(text: str) -> None:
    painter, world = make(FakeColors()), FakeWorld()
    answer = await obey(painter, text, world)
    await painter.close()
    assert answer
    assert "\n" not in answer
    assert answer.isprintable()
