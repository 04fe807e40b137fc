"""Each word after `!color`: what it sets and replies, and that nonsense changes nothing."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colorchanger_bot.changer.commands import run_command
from colorchanger_bot.changer.memory import MemoryWriter, ShortMemory
from colorchanger_bot.changer.painter import Painter
from colorchanger_bot.changer.replies import chat_reply
from colorchanger_bot.changer.results import Held, StrategySet
from colorchanger_bot.color import Color
from colorchanger_bot.errors import ColorRejected, OutcomeUnknown
from colorchanger_bot.settings.load import ColorSettings
from tests.fakes import FakeClock, FakeColors, FakePlatform, settle

DELAY = "how many seconds, from 0 to 3600? For example: delay 2, or: delay 1 3"
PALETTE = "which colours? At most 30, for example: palette red #ff8800 hot_pink"
RAINBOW = (
    "rainbow takes degrees from colour to colour, more than 0 and less than 360, and reverse; "
    "for example: rainbow 15 reverse"
)


def make(api: FakeColors, clock: FakeClock | None = None) -> Painter:
    return Painter(
        "1",
        "me",
        ColorSettings(),
        api=api,
        memory=MemoryWriter(ShortMemory(), FakeClock()),
        clock=clock or FakeClock(),
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
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def painter(api: FakeColors, clock: FakeClock) -> AsyncIterator[Painter]:
    made = make(api, clock)
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
async def test_what_each_command_sets(
    text: str, sets: dict[str, object], painter: Painter, platform: FakePlatform
) -> None:
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
        ("random", "random: a new readable colour after each of your messages"),
        ("rainbow", "rainbow: round the colour wheel in even steps"),
        ("rainbow 15", "rainbow: round the colour wheel in steps of 15 degrees"),
        ("rainbow 15 reverse", "rainbow: round the colour wheel in steps of 15 degrees, backwards"),
        ("palette red, #8F3AFF", "palette: red, #8F3AFF, one after the other"),
        ("gradient red #8F3AFF", "gradient: from red to #8F3AFF and back"),
        ("shades dodger blue", "shades of dodger_blue"),
        ("daily", "daily: one colour a day"),
        ("daily day", "daily: one colour a day"),
        ("daily clock", "daily: the hue follows the time of day"),
        ("standout", "standout: as different as possible from the others in chat"),
        ("delay 1 3", "a new colour 1 to 3 s after a message"),
        ("join friend", "reading #friend from now on"),
        ("off", "off: your colour stays as it is"),
        ("on", "on: a new colour after each of your messages (random)"),
    ],
)
async def test_what_each_command_replies(text: str, answer: str, painter: Painter, platform: FakePlatform) -> None:
    assert await reply(painter, text, platform) == answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("chartruse", '"chartruse" is not a colour I know: did you mean chartreuse?'),
        ("rainbwo", 'I do not know "rainbwo": did you mean rainbow?'),
        ("rainbow fast", RAINBOW),
        ("rainbow 900", RAINBOW),
        ("rainbow 0", RAINBOW),
        ("rainbow -15", RAINBOW),
        ("palette", PALETTE),
        ("palette red blurple", '"blurple" is not a colour I know: did you mean purple?'),
        ("gradient red", "from which colour to which? At most 30, for example: gradient red blue"),
        ("shades", "shades of which colour? For example: shades dodger blue"),
        ("daily often", "daily is one colour a day; daily clock follows the time of day"),
        ("delay", DELAY),
        ("delay soon", DELAY),
        ("delay nan", DELAY),
        ("delay 99999", DELAY),
        ("delay -1 3", DELAY),
        ("hex #12345", '"#12345" is not a colour: a hex has 3 or 6 digits, such as #f80 or #ff8800'),
        ("#1234567", '"#1234567" is not a colour: a hex has 3 or 6 digits, such as #f80 or #ff8800'),
        ("12345", '"12345" is not a colour: a hex has 3 or 6 digits, such as #f80 or #ff8800'),
        ("set #ggg", '"#ggg" is not a colour: a hex has 3 or 6 digits, such as #f80 or #ff8800'),
        ("palette red #f8", '"#f8" is not a colour: a hex has 3 or 6 digits, such as #f80 or #ff8800'),
        ("shades 0xff8800", '"0xff8800" is not a colour: a hex has 3 or 6 digits, such as #f80 or #ff8800'),
        ("palette" + 31 * " red", PALETTE),
        ("undo", "no earlier colour is known"),
        ("keep", "I do not know your colour yet: write a message first"),
    ],
)
async def test_what_is_not_understood_changes_nothing_and_shows_an_example(
    text: str, answer: str, painter: Painter, api: FakeColors, platform: FakePlatform
) -> None:
    before = painter.settings
    assert await reply(painter, text, platform) == answer
    assert (painter.settings, api.sent) == (before, [])


@pytest.mark.parametrize("text", ["hex #ff8800", "set #FF8800", "#f80", "ff8800"])
async def test_a_colour_is_shown_and_held_beside_the_strategy(
    text: str, painter: Painter, api: FakeColors, platform: FakePlatform
) -> None:
    result = await run_command(painter, text, platform)
    orange = Color.parse("#ff8800")
    assert isinstance(result, Held)
    assert (api.shown, painter.held, painter.strategy.name) == (orange, orange, "random")


@pytest.mark.parametrize("text", ["on", "next", "random", "rainbow", "standout", "palette red blue"])
async def test_what_ends_a_hold(text: str, painter: Painter, api: FakeColors, platform: FakePlatform) -> None:
    await run_command(painter, "rainbow", platform)
    await run_command(painter, "hot pink", platform)
    await run_command(painter, text, platform)
    assert painter.held is None
    if text == "next":
        assert api.shown != Color.parse("hot pink")
    if text in ("on", "next"):
        assert painter.strategy.name == "rainbow"


@pytest.mark.parametrize("text", ["delay 3", "status", "recheck", "help", "nonsense", "off"])
async def test_what_leaves_a_hold(text: str, painter: Painter, platform: FakePlatform) -> None:
    await run_command(painter, "hot pink", platform)
    await run_command(painter, text, platform)
    assert painter.held == Color.parse("hot pink")


async def test_keep_holds_the_colour_that_is_shown(painter: Painter, api: FakeColors, platform: FakePlatform) -> None:
    await run_command(painter, "next", platform)
    sent = len(api.sent)
    await run_command(painter, "keep", platform)
    assert (painter.held, len(api.sent)) == (api.shown, sent)


async def test_keep_during_a_change_brings_the_kept_colour_back(
    painter: Painter, api: FakeColors, platform: FakePlatform
) -> None:
    await run_command(painter, "next", platform)
    kept = api.shown
    api.gate.clear()
    changing = asyncio.create_task(painter.show())
    await settle()
    keeping = asyncio.create_task(run_command(painter, "keep", platform))
    await settle()
    api.gate.set()
    await asyncio.gather(changing, keeping)
    assert (api.shown, painter.held) == (kept, kept)


async def test_undo_shows_the_colour_before_and_while_held_holds_it(
    painter: Painter, api: FakeColors, platform: FakePlatform
) -> None:
    for color in ("red", "blue"):
        await run_command(painter, color, platform)
    await run_command(painter, "undo", platform)
    assert (api.shown, painter.held) == (Color.parse("red"), Color.parse("red"))
    await run_command(painter, "on", platform)
    await run_command(painter, "undo", platform)
    assert (api.shown, painter.held) == (Color.parse("blue"), None)


async def test_restore_while_held_holds_the_colour_from_before(
    painter: Painter, api: FakeColors, platform: FakePlatform
) -> None:
    await run_command(painter, "red", platform)
    await run_command(painter, "restore", platform)
    assert (api.shown, painter.held) == (Color.parse("#123456"), Color.parse("#123456"))


async def test_a_colour_that_twitch_refuses_is_not_held(
    painter: Painter, api: FakeColors, platform: FakePlatform
) -> None:
    await run_command(painter, "blue", platform)
    api.answers.append(ColorRejected("Twitch does not take red"))
    assert (await reply(painter, "red", platform)).startswith("no new colour: Twitch does not take red")
    assert painter.held == Color.parse("blue")


@pytest.mark.parametrize(
    ("text", "grounds"),
    [
        ("#000000", ("dark",)),
        ("white", ("light",)),
        ("like dim", ("dark",)),
        ("like bright", ("light",)),
        ("#8F3AFF", ()),
    ],
)
async def test_a_colour_that_is_hard_to_read_is_set_with_a_word_of_warning(
    text: str, grounds: tuple[str, ...], painter: Painter, api: FakeColors, platform: FakePlatform
) -> None:
    platform.colors |= {"dim": Color.parse("#00001a"), "bright": Color.parse("#ffffcc")}
    result = await run_command(painter, text, platform)
    assert isinstance(result, Held)
    assert (api.shown, result.hard_to_read) == (painter.held, grounds)


async def test_the_warning_is_about_the_theme_that_counts(painter: Painter, platform: FakePlatform) -> None:
    await painter.adjust(theme="dark")
    result = await run_command(painter, "white", platform)
    assert isinstance(result, Held)
    assert result.hard_to_read == ()


async def test_colours_of_a_palette_that_are_hard_to_read_are_named(painter: Painter, platform: FakePlatform) -> None:
    result = await run_command(painter, "palette black #8F3AFF white", platform)
    assert isinstance(result, StrategySet)
    assert result.hard_to_read == (Color.parse("black"), Color.parse("white"))


async def test_without_turbo_the_number_of_names_is_said(
    painter: Painter, api: FakeColors, platform: FakePlatform
) -> None:
    assert "7 of 15 names" in await reply(painter, "presets", platform)
    assert "names" not in await reply(painter, "random", platform)
    api.turbo = False
    await run_command(painter, "next", platform)
    for text in ("random", "status"):
        assert "7 of 15 names readable on both themes" in await reply(painter, text, platform)


async def test_while_it_is_off_a_strategy_promises_nothing(painter: Painter, platform: FakePlatform) -> None:
    await run_command(painter, "off", platform)
    assert (await reply(painter, "rainbow", platform)).endswith("it is off now. To turn it on: !color on")


async def test_a_command_that_twitch_does_not_answer_is_tried_again_before_it_is_answered(
    painter: Painter, clock: FakeClock, api: FakeColors, platform: FakePlatform
) -> None:
    api.answers.extend([OutcomeUnknown("no answer")] * 2)
    running = asyncio.create_task(run_command(painter, "red", platform))
    await clock.advance(10)
    result = await running
    assert isinstance(result, Held)
    assert (result.change and result.change.result, api.shown) == ("changed", Color.parse("red"))


async def test_recheck_tries_a_hex_again(painter: Painter, api: FakeColors, platform: FakePlatform) -> None:
    api.turbo = False
    await run_command(painter, "next", platform)
    assert painter.hex_refused
    api.turbo = True
    await run_command(painter, "recheck", platform)
    await run_command(painter, "next", platform)
    assert not api.sent[-1].is_named


async def test_restore_puts_back_the_colour_from_before(
    painter: Painter, api: FakeColors, platform: FakePlatform
) -> None:
    await run_command(painter, "next", platform)
    assert await reply(painter, "restore", platform) == "your colour is #123456 again, as before"
    assert api.shown == Color.parse("#123456")


async def test_like_holds_the_colour_of_somebody_else(
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
        ("join me", "already reading #me"),
        ("join nosuchchannel", "there is no channel #nosuchchannel on Twitch"),
        ("join not-a-name", "which channel? For example: join afriend"),
        ("leave", "reading #me; for example: leave me"),
        ("leave friend", "reading #me; for example: leave me"),
        ("leave me", "#me is the only channel I read. To stop the colours: !color off"),
    ],
)
async def test_what_is_not_possible_is_said(
    text: str, answer: str, painter: Painter, api: FakeColors, platform: FakePlatform
) -> None:
    assert await reply(painter, text, platform) == answer
    assert (api.sent, platform.reads) == ([], ("me",))


async def test_off_says_which_colour_was_put_back(painter: Painter, platform: FakePlatform) -> None:
    await run_command(painter, "next", platform)
    assert await reply(painter, "off", platform) == "off: your colour is #123456 again, as before"


async def test_channels_are_joined_and_left(painter: Painter, platform: FakePlatform) -> None:
    await run_command(painter, "join #Friend", platform)
    assert platform.reads == ("me", "friend")
    assert await reply(painter, "leave friend", platform) == "no longer reading #friend"
    assert platform.reads == ("me",)


async def test_no_more_channels_are_joined_than_twitch_allows(painter: Painter, platform: FakePlatform) -> None:
    full = tuple(f"channel{number}" for number in range(100))
    platform.reads = full[:99]
    await run_command(painter, "join friend", platform)
    assert platform.reads == (*full[:99], "friend")
    platform.colors |= dict.fromkeys(full)
    assert await reply(painter, f"join {full[99]}", platform) == "Twitch allows 100 channels; leave one first"
    assert len(platform.reads) == 100


@pytest.mark.parametrize("text", ["next", "red", "off", "restore", "like friend", "join friend", "leave me"])
async def test_a_command_is_about_the_account_that_was_commanded(
    text: str, painter: Painter, api: FakeColors, platform: FakePlatform
) -> None:
    await run_command(painter, "blue", platform)
    await run_command(painter, "join friend", platform)
    await run_command(painter, text, platform)
    assert (api.users, platform.users) == ({"1"}, {"1"})


async def test_the_warning_is_about_the_colour_that_twitch_took(
    painter: Painter, api: FakeColors, platform: FakePlatform
) -> None:
    api.turbo = False
    result = await run_command(painter, "#FFFFF0", platform)
    assert isinstance(result, Held)
    assert (result.color, result.hard_to_read) == (Color.parse("#FFFFF0"), ())
    assert api.shown is not None
    assert api.shown.is_named


async def test_where_the_channels_are_not_ours_it_says_so(painter: Painter, platform: FakePlatform) -> None:
    platform.reads = None
    for text in ("join friend", "leave me"):
        assert await reply(painter, text, platform) == "this bot chooses its channels itself"


@given(st.text(max_size=600))
async def test_any_text_gets_a_reply_of_one_line(text: str) -> None:
    painter, platform = make(FakeColors()), FakePlatform()
    answer = await reply(painter, text, platform)
    await painter.close()
    assert answer
    assert "\n" not in answer
    assert answer.isprintable()
