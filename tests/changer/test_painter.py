"""When a change is owed, which wish wins, and what each answer from Twitch leads to."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from itertools import pairwise

import pytest

from colorchanger_bot.changer.memory import MemoryWriter, Remembered
from colorchanger_bot.changer.painter import Painter
from colorchanger_bot.changer.pending_changes import Change
from colorchanger_bot.color import Color, build
from colorchanger_bot.errors import (
    ColorRejected,
    ConfigError,
    NeedsLogin,
    OutcomeUnknown,
    RateLimited,
    StoreError,
    TwitchUnavailable,
)
from colorchanger_bot.settings.load import ColorSettings
from tests.fakes import EPOCH, FakeClock, FakeColors, FakeMemory, settle

Make = Callable[..., Painter]
DELAY = 2.0
ORIGINAL = Color.parse("#123456")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def api() -> FakeColors:
    return FakeColors()


@pytest.fixture
def memory() -> FakeMemory:
    return FakeMemory()


@pytest.fixture
def writer(memory: FakeMemory, clock: FakeClock) -> MemoryWriter:
    return MemoryWriter(memory, clock)


@pytest.fixture
def ended() -> list[Change]:
    return []


@pytest.fixture
async def make(
    clock: FakeClock, api: FakeColors, writer: MemoryWriter, ended: list[Change]
) -> AsyncIterator[Callable[..., Painter]]:
    made: list[Painter] = []

    def make(**keys: object) -> Painter:
        settings = ColorSettings.of({"delay": (DELAY, DELAY), **keys})
        painter = Painter(
            "1", "me", settings, api=api, memory=writer, clock=clock, rng=random.Random(7), on_change=ended.append
        )
        made.append(painter)
        return painter

    yield make
    for painter in made:
        await painter.close()


async def test_a_message_leads_to_one_change_after_the_delay(make: Make, clock: FakeClock, api: FakeColors) -> None:
    painter = make()
    painter.on_message(ORIGINAL)
    await clock.advance(DELAY - 0.1)
    assert api.sent == []
    await clock.advance(0.2)
    assert len(api.sent) == 1
    assert painter.current == api.sent[0]


async def test_messages_within_the_delay_add_no_change(make: Make, clock: FakeClock, api: FakeColors) -> None:
    painter = make()
    for _ in range(40):
        painter.on_message(ORIGINAL)
        await clock.advance(DELAY / 50)
    await clock.advance(60)
    assert len(api.sent) == 1


async def test_a_message_that_still_shows_the_old_colour_is_owed_nothing(
    make: Make, clock: FakeClock, api: FakeColors
) -> None:
    painter = make()
    painter.on_message(ORIGINAL)
    await clock.advance(DELAY)
    painter.on_message(ORIGINAL)
    await clock.advance(60)
    assert len(api.sent) == 1


async def test_a_message_that_shows_the_new_colour_is_owed_the_next(
    make: Make, clock: FakeClock, api: FakeColors
) -> None:
    painter = make()
    painter.on_message(ORIGINAL)
    await clock.advance(DELAY)
    painter.on_message(api.sent[0])
    await clock.advance(DELAY)
    assert len(api.sent) == 2


async def test_an_old_colour_long_after_a_change_means_that_somebody_put_it_back(
    make: Make, clock: FakeClock, api: FakeColors
) -> None:
    painter = make()
    painter.on_message(ORIGINAL)
    await clock.advance(DELAY + 60)
    painter.on_message(ORIGINAL)
    await clock.advance(DELAY)
    assert len(api.sent) == 2


async def test_a_message_without_a_colour_is_owed_a_change(make: Make, clock: FakeClock, api: FakeColors) -> None:
    painter = make()
    painter.on_message(None)
    await clock.advance(DELAY)
    painter.on_message(None)
    await clock.advance(DELAY)
    assert len(api.sent) == 2


async def test_a_message_during_a_request_is_answered_by_that_request(
    make: Make, clock: FakeClock, api: FakeColors
) -> None:
    painter = make()
    api.gate.clear()
    painter.on_message(ORIGINAL)
    await clock.advance(DELAY)
    painter.on_message(ORIGINAL)
    api.gate.set()
    await clock.advance(60)
    assert len(api.sent) == 1


async def test_a_message_that_shows_the_colour_on_its_way_is_owed_the_next(
    make: Make, clock: FakeClock, api: FakeColors
) -> None:
    painter = make()
    api.gate.clear()
    painter.on_message(ORIGINAL)
    await clock.advance(DELAY)
    painter.on_message(api.sent[0])  # the chat was faster than the answer
    api.gate.set()
    await clock.advance(DELAY)
    assert len(api.sent) == 2


@pytest.mark.parametrize(("apart", "answer"), [(0.0, 0.0), (0.001, 0.0), (0.001, 0.1), (0.025, 0.1)])
async def test_a_burst_gets_a_few_changes_even_without_a_delay(
    apart: float, answer: float, make: Make, clock: FakeClock, api: FakeColors
) -> None:
    api.pause = partial(clock.sleep, answer)
    painter = make(delay=(0.0, 0.0))
    for _ in range(200):
        painter.on_message(api.shown)
        await clock.advance(apart)
        if clock.monotonic() > 1.0:
            break
    await clock.advance(60)
    assert len(api.sent) <= 5
    assert api.most_in_flight == 1
    assert painter.current == api.sent[-1]


async def test_messages_that_wait_for_the_colour_each_get_a_change_at_once(
    make: Make, clock: FakeClock, api: FakeColors
) -> None:
    painter = make(delay=(0.0, 0.0))
    for number in range(1, 41):
        painter.on_message(api.shown)
        await clock.advance(0.01)
        assert len(api.sent) == number


async def test_many_changes_are_saved_with_few_writes(make: Make, clock: FakeClock, memory: FakeMemory) -> None:
    painter = make(delay=(0.0, 0.0))
    for _ in range(400):
        painter.on_message(painter.current)
        await clock.advance(0.05)
    assert 20 <= memory.writes <= 26  # the colour of before at once, then about one a second for 20 s
    await clock.advance(1.0)
    assert (await memory.recall(painter.user_id)).history[0] == (painter.current or ORIGINAL).hex


async def test_what_is_not_saved_yet_is_saved_at_the_end(
    make: Make, clock: FakeClock, memory: FakeMemory, writer: MemoryWriter
) -> None:
    painter = make(delay=(0.0, 0.0))
    painter.on_message(ORIGINAL)
    await clock.advance(0.05)
    await painter.close()
    await writer.close()
    assert (await memory.recall(painter.user_id)).history[0] == (painter.current or ORIGINAL).hex


async def test_nothing_more_is_saved_of_an_account_that_is_gone(
    make: Make, clock: FakeClock, memory: FakeMemory, writer: MemoryWriter
) -> None:
    painter = make(delay=(0.0, 0.0), restore=False)
    painter.on_message(ORIGINAL)
    await clock.advance(0.05)
    await painter.close(keep=False)
    await clock.advance(5)
    await writer.close()
    assert memory.writes == 0


async def test_the_cooldown_keeps_changes_apart(make: Make, clock: FakeClock, api: FakeColors) -> None:
    painter = make(cooldown=30.0)
    painter.on_message(ORIGINAL)
    await clock.advance(DELAY)
    painter.on_message(api.sent[0])
    await clock.advance(29)
    assert len(api.sent) == 1
    await clock.advance(2)
    assert len(api.sent) == 2


async def test_a_change_says_how_long_it_took_and_why_it_ended_as_it_did(
    make: Make, clock: FakeClock, api: FakeColors, ended: list[Change]
) -> None:
    painter = make()
    await clock.advance(1000)
    painter.on_message(ORIGINAL)
    await clock.advance(DELAY)
    api.answers.append(RateLimited("slow down", EPOCH + 1000 + DELAY + 30))
    painter.on_message(api.shown)
    await clock.advance(DELAY)
    assert painter.trouble == "slow down"
    await clock.advance(60)
    api.answers.append(NeedsLogin("log in again"))
    painter.on_message(api.shown)
    await clock.advance(DELAY)
    assert [(change.result, change.seconds, change.reason) for change in ended] == [
        ("changed", DELAY, ""),
        ("changed", 30, ""),
        ("login", DELAY, "log in again"),
    ]
    assert api.users == {"1"}


async def test_a_change_that_is_given_up_says_why(
    make: Make, clock: FakeClock, api: FakeColors, ended: list[Change]
) -> None:
    api.answers.extend([TwitchUnavailable("busy")] * 20)
    painter = make()
    painter.on_message(ORIGINAL)
    await clock.advance(600)
    assert [(change.result, change.reason) for change in ended] == [("unavailable", "busy")]
    assert painter.trouble == "busy"


async def test_a_newer_change_ends_one_that_is_refused_meanwhile(
    make: Make, clock: FakeClock, api: FakeColors, ended: list[Change]
) -> None:
    painter = make()
    api.gate.clear()
    api.answers.append(TwitchUnavailable("busy"))
    first = asyncio.create_task(painter.show(Color.parse("red")))
    await settle()
    second = asyncio.create_task(painter.show(Color.parse("blue")))
    await settle()
    api.gate.set()
    await clock.advance(1)
    assert [(await each).result for each in (first, second)] == ["superseded", "changed"]
    assert [change.color for change in ended] == [Color.parse("red"), Color.parse("blue")]


async def test_a_refused_hex_is_no_error_of_ours(
    make: Make, clock: FakeClock, api: FakeColors, ended: list[Change], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    api.turbo = False
    painter = make()
    painter.on_message(ORIGINAL)
    await clock.advance(60)
    assert [change.result for change in ended] == ["changed"]
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []
    assert "no Turbo or Prime" in caplog.text


async def test_there_is_never_more_than_one_request_in_flight(make: Make, clock: FakeClock, api: FakeColors) -> None:
    painter = make(delay=(0.0, 0.0))
    api.gate.clear()
    painter.on_message(None)
    await settle()
    commands = [asyncio.create_task(painter.show()) for _ in range(5)]
    await clock.advance(1)
    api.gate.set()
    await clock.advance(1)
    results = [(await command).result for command in commands]
    assert api.most_in_flight == 1
    assert results == ["superseded"] * 4 + ["changed"]


async def test_a_command_overtakes_a_waiting_automatic_change(make: Make, clock: FakeClock, api: FakeColors) -> None:
    painter = make()
    painter.on_message(ORIGINAL)
    change = await painter.show(Color.parse("hot pink"))
    assert change.result == "changed"
    await clock.advance(60)
    assert api.sent == [Color.parse("hot pink")]


async def test_a_command_during_a_retry_acts_at_once(make: Make, clock: FakeClock, api: FakeColors) -> None:
    painter = make()
    api.answers.extend([TwitchUnavailable("503")] * 3)
    painter.on_message(ORIGINAL)
    await clock.advance(DELAY + 1.5)
    tried = len(api.sent)
    api.answers.clear()
    change = await painter.show(Color.parse("red"))
    assert (change.result, api.sent[tried:]) == ("changed", [Color.parse("red")])


async def test_trouble_at_twitch_means_growing_waits_and_the_same_colour(
    make: Make, clock: FakeClock, api: FakeColors
) -> None:
    painter = make()
    api.answers.extend([TwitchUnavailable("503")] * 3)
    painter.on_message(ORIGINAL)
    await clock.advance(DELAY + 8)
    assert len(api.sent) == 4
    assert len(set(api.sent)) == 1
    assert painter.current == api.sent[0]


async def test_a_change_is_given_up_after_two_minutes_and_the_next_message_tries_again(
    make: Make, clock: FakeClock, api: FakeColors, ended: list[Change]
) -> None:
    painter = make()
    api.answers.extend([TwitchUnavailable("Twitch is in trouble (503)")] * 50)
    painter.on_message(ORIGINAL)
    await clock.advance(600)
    given_up_after = len(api.sent)
    assert given_up_after < 12
    assert ended[-1].result == "unavailable"
    assert painter.trouble == "Twitch is in trouble (503)"
    api.answers.clear()
    painter.on_message(ORIGINAL)
    await clock.advance(DELAY)
    assert len(api.sent) == given_up_after + 1
    assert painter.trouble == ""


async def test_many_messages_cause_few_requests_while_twitch_is_in_trouble(
    make: Make, clock: FakeClock, api: FakeColors
) -> None:
    painter = make(delay=(0.0, 0.0))
    api.answers.extend([TwitchUnavailable("503")] * 500)
    for _ in range(200):
        painter.on_message(ORIGINAL)
        await clock.advance(0.05)
    assert len(api.sent) <= 12  # ten seconds


async def test_after_a_rate_limit_one_change_follows(make: Make, clock: FakeClock, api: FakeColors) -> None:
    painter = make()
    api.answers.append(RateLimited("slow down", retry_at=EPOCH + 20))
    painter.on_message(ORIGINAL)
    await clock.advance(DELAY)
    for _ in range(5):
        painter.on_message(ORIGINAL)
    await clock.advance(19.5 - DELAY)
    assert len(api.sent) == 1
    await clock.advance(2)
    assert len(api.sent) == 2
    await clock.advance(60)
    assert len(api.sent) == 2


@pytest.mark.parametrize(("reset_in", "waited"), [(86_400, 300), (-86_400, 1)])
async def test_a_rate_limit_that_ends_at_an_odd_time_is_waited_for_five_minutes_at_most(
    reset_in: float, waited: float, make: Make, clock: FakeClock, api: FakeColors
) -> None:
    painter = make()
    api.answers.append(RateLimited("slow down", retry_at=EPOCH + reset_in))
    painter.on_message(ORIGINAL)
    await clock.advance(DELAY)
    await clock.advance(waited - 0.1)
    assert len(api.sent) == 1
    await clock.advance(0.2)
    assert len(api.sent) == 2


async def test_a_command_waits_for_the_rate_limit_too(make: Make, clock: FakeClock, api: FakeColors) -> None:
    painter = make()
    api.answers.append(RateLimited("slow down", retry_at=EPOCH + 20))
    painter.on_message(ORIGINAL)
    await clock.advance(DELAY)
    command = asyncio.create_task(painter.show(Color.parse("red")))
    await clock.advance(10)
    assert len(api.sent) == 1
    await clock.advance(10)
    assert (await command).result == "changed"


async def test_a_change_without_an_answer_is_tried_again_until_it_is_known(
    make: Make, clock: FakeClock, api: FakeColors, ended: list[Change]
) -> None:
    painter = make()
    api.answers.extend([OutcomeUnknown("no answer")] * 4)
    painter.on_message(ORIGINAL)
    await clock.advance(DELAY + 16)
    assert len(api.sent) == 5
    assert set(api.sent) == {painter.current}
    assert [change.result for change in ended] == ["changed"]


async def test_a_message_that_shows_the_unanswered_colour_ends_the_tries_and_is_owed_the_next(
    make: Make, clock: FakeClock, api: FakeColors, ended: list[Change]
) -> None:
    painter = make()
    api.answers.append(OutcomeUnknown("no answer"))
    painter.on_message(ORIGINAL)
    await clock.advance(DELAY)
    first = api.sent[0]
    painter.on_message(first)  # it had worked after all
    assert (painter.current, [change.result for change in ended]) == (first, ["changed"])
    await clock.advance(DELAY)
    assert len(api.sent) == 2
    assert api.sent[1] != first


async def test_a_command_supersedes_a_change_without_an_answer(
    make: Make, clock: FakeClock, api: FakeColors, ended: list[Change]
) -> None:
    painter = make()
    api.answers.append(OutcomeUnknown("no answer"))
    painter.on_message(ORIGINAL)
    await clock.advance(DELAY)
    await painter.show(Color.parse("red"))
    await clock.advance(60)
    assert api.sent[1:] == [Color.parse("red")]
    assert [change.result for change in ended] == ["superseded", "changed"]


async def test_a_change_that_is_never_answered_is_given_up_as_unknown(
    make: Make, clock: FakeClock, api: FakeColors, ended: list[Change]
) -> None:
    painter = make()
    api.answers.extend([OutcomeUnknown("no answer")] * 50)
    painter.on_message(ORIGINAL)
    await clock.advance(600)
    assert len(api.sent) < 12
    assert (ended[-1].result, painter.trouble) == ("unknown", "no answer")


async def test_a_refused_hex_becomes_the_nearest_name_at_once(make: Make, clock: FakeClock, api: FakeColors) -> None:
    api.turbo = False
    painter = make()
    painter.on_message(ORIGINAL)
    await clock.advance(DELAY)
    assert [color.is_named for color in api.sent] == [False, True]
    assert painter.hex_refused


async def test_after_a_refused_hex_only_names_are_sent_for_a_day(make: Make, clock: FakeClock, api: FakeColors) -> None:
    api.turbo = False
    painter = make()
    for _ in range(5):
        painter.on_message(painter.current)
        await clock.advance(DELAY)
    assert [color.is_named for color in api.sent] == [False, True, True, True, True, True]
    api.turbo = True
    await clock.advance(24 * 3600)
    painter.on_message(painter.current)
    await clock.advance(DELAY)
    assert not api.sent[-1].is_named


async def test_names_never_repeat_in_a_row(make: Make, clock: FakeClock, api: FakeColors) -> None:
    painter = make(hex="never")
    for _ in range(30):
        painter.on_message(painter.current)
        await clock.advance(DELAY)
    assert len(api.sent) == 30
    assert all(color.is_named for color in api.sent)
    assert all(before != after for before, after in pairwise(api.sent))


async def test_a_colour_that_a_command_names_may_become_the_name_that_is_shown_already(
    make: Make, clock: FakeClock, api: FakeColors
) -> None:
    painter = make(hex="never", strategy="palette", colors=["#2E8B58"])
    await painter.show(Color.parse("sea green"))
    change = await painter.show(Color.parse("#2E8B58"))
    assert (change.result, change.color) == ("changed", Color.parse("sea green"))
    painter.on_message(api.shown)
    await clock.advance(DELAY)
    assert painter.current == Color.parse("sea green")  # the only colour of the palette, and no other name for it


async def test_a_refused_name_is_reported_and_not_repeated(make: Make, clock: FakeClock, api: FakeColors) -> None:
    painter = make(strategy="presets")
    api.answers.append(ColorRejected("Twitch does not take blue"))
    painter.on_message(ORIGINAL)
    await clock.advance(60)
    assert len(api.sent) == 1
    assert painter.trouble == "Twitch does not take blue"


async def test_a_lost_login_is_reported_and_nothing_more_is_sent(
    make: Make, clock: FakeClock, api: FakeColors, ended: list[Change]
) -> None:
    painter = make()
    api.answers.append(NeedsLogin("gone; run: colorchanger login"))
    painter.on_message(ORIGINAL)
    await clock.advance(600)
    assert len(api.sent) == 1
    assert (ended[-1].result, painter.trouble) == ("login", "gone; run: colorchanger login")


async def test_a_store_in_trouble_delays_a_change_and_is_no_crash(
    make: Make, clock: FakeClock, api: FakeColors, caplog: pytest.LogCaptureFixture
) -> None:
    painter = make()
    api.answers.append(StoreError("the store failed: database or disk is full"))
    painter.on_message(ORIGINAL)
    await clock.advance(DELAY)
    assert painter.trouble == "the store failed: database or disk is full"
    await clock.advance(1)
    assert (len(api.sent), painter.trouble) == (2, "")
    assert "Traceback" not in caplog.text


async def test_a_command_is_answered_even_after_an_error_of_ours(
    make: Make, clock: FakeClock, api: FakeColors, caplog: pytest.LogCaptureFixture
) -> None:
    painter = make()
    api.answers.append(RuntimeError("a bug"))
    asked = asyncio.create_task(painter.show())
    await clock.advance(0)
    assert asked.done()
    assert (await asked).result == "unavailable"
    assert "a bug" in caplog.text


async def test_hold_sends_its_colour_once_and_again_only_when_it_was_changed_elsewhere(
    make: Make, clock: FakeClock, api: FakeColors
) -> None:
    painter = make(strategy="hold", base="#FF8800")
    painter.on_message(ORIGINAL)
    await clock.advance(DELAY)
    painter.on_message(Color.parse("#FF8800"))
    await clock.advance(DELAY + 60)
    assert api.sent == [Color.parse("#FF8800")]
    painter.on_message(Color.parse("#00FF00"))
    await clock.advance(DELAY)
    assert api.sent == [Color.parse("#FF8800")] * 2


async def test_hold_without_turbo_settles_on_one_name(make: Make, clock: FakeClock, api: FakeColors) -> None:
    api.turbo = False
    painter = make(strategy="hold", base="#FF8800")
    for _ in range(5):
        painter.on_message(api.shown)
        await clock.advance(60)
    assert len(api.sent) == 2
    assert api.sent[1].is_named


async def test_off_puts_the_first_colour_back(make: Make, clock: FakeClock, api: FakeColors) -> None:
    painter = make()
    painter.on_message(ORIGINAL)
    await clock.advance(DELAY)
    painter.on_message(api.sent[-1])
    await clock.advance(DELAY)
    change = await painter.restore()
    assert change is not None
    assert (change.result, api.shown) == ("changed", ORIGINAL)


async def test_the_colour_from_before_comes_back_also_over_a_request_under_way(
    make: Make, clock: FakeClock, api: FakeColors
) -> None:
    painter = make()
    api.gate.clear()
    painter.on_message(ORIGINAL)
    await clock.advance(DELAY)
    restoring = asyncio.create_task(painter.restore())
    await settle()
    api.gate.set()
    await restoring
    assert api.shown == ORIGINAL


async def test_a_closed_painter_starts_afresh_with_the_next_message(
    make: Make, clock: FakeClock, api: FakeColors
) -> None:
    painter = make()
    painter.on_message(ORIGINAL)
    await painter.close()
    painter.on_message(ORIGINAL)
    await clock.advance(DELAY)
    assert len(api.sent) == 1


async def test_a_colour_that_only_twitch_knows_is_put_back(make: Make, clock: FakeClock, api: FakeColors) -> None:
    painter = make()
    painter.on_message(None)
    await clock.advance(DELAY)
    await painter.restore()
    assert api.shown == ORIGINAL


async def test_a_colour_that_twitch_does_not_tell_delays_nothing(make: Make, clock: FakeClock, api: FakeColors) -> None:
    api.silent = True
    painter = make()
    for _ in range(2):
        painter.on_message(None)
        await clock.advance(DELAY)
    assert len(api.sent) == 2
    assert await painter.restore() is None


async def test_an_account_that_never_chose_a_colour_has_nothing_to_put_back(
    make: Make, clock: FakeClock, api: FakeColors
) -> None:
    api.shown = None
    painter = make()
    painter.on_message(None)
    await clock.advance(DELAY)
    assert await painter.restore() is None
    assert len(api.sent) == 1


async def test_disabled_means_no_request(make: Make, clock: FakeClock, api: FakeColors) -> None:
    painter = make(enabled=False)
    painter.on_message(ORIGINAL)
    await clock.advance(60)
    assert api.sent == []
    assert painter.messages == 1


async def test_off_stops_a_change_that_waits(make: Make, clock: FakeClock, api: FakeColors) -> None:
    painter = make()
    painter.on_message(ORIGINAL)
    await painter.adjust(enabled=False)
    await clock.advance(60)
    assert api.sent == []


async def test_what_was_set_survives_a_restart(make: Make, clock: FakeClock, memory: FakeMemory) -> None:
    painter = make()
    painter.on_message(ORIGINAL)
    await clock.advance(DELAY)
    await painter.adjust(strategy="shades", base="#FF8800")
    await painter.hold(Color.parse("red"))
    after = make()
    after.resume(await memory.recall("1"))
    assert (after.strategy.name, after.held, after.history) == ("shades", Color.parse("red"), painter.history)


async def test_a_strategy_continues_after_a_restart_where_it_was(
    make: Make, clock: FakeClock, api: FakeColors, memory: FakeMemory
) -> None:
    palette = {"strategy": "palette", "colors": ["#FF7F50", "#1E90FF", "#D2691E"]}
    before = make(**palette)
    before.on_message(ORIGINAL)
    await clock.advance(60)
    await before.close()
    after = make(**palette)
    after.resume(await memory.recall("1"))
    after.on_message(api.shown)
    await clock.advance(60)
    assert [color.hex for color in api.sent] == ["#FF7F50", "#1E90FF"]


async def test_the_state_of_another_strategy_is_not_taken_over(make: Make) -> None:
    for remembered, taken in (("rainbow", True), ("random", False)):
        painter = make(strategy="rainbow")
        before = painter.strategy.save()
        painter.resume(Remembered(strategy=remembered, state=before | {"hue": 123.0}))
        assert (painter.strategy.save() != before) is taken


async def test_who_the_channels_are_survives_a_restart(make: Make, clock: FakeClock, memory: FakeMemory) -> None:
    painter = make()
    assert painter.channel_ids == {}
    painter.identify_channels({"friend": "7"})
    await clock.advance(1)
    after = make()
    after.resume(await memory.recall("1"))
    assert (after.channel_ids, after.channels) == ({"friend": "7"}, None)
    after.identify_channels({"friend": "7"})
    await clock.advance(60)
    assert memory.writes == 1


async def test_channels_that_were_renamed_are_remembered_under_their_new_names(
    make: Make, clock: FakeClock, memory: FakeMemory
) -> None:
    painter = make()
    await painter.keep_channels(("friend", "other"))
    painter.identify_channels({"friend": "7"}, ("pal", "other"))
    painter.identify_channels({"pal": "7"})
    await clock.advance(1)
    after = make()
    after.resume(await memory.recall("1"))
    assert (after.channels, after.channel_ids) == (("pal", "other"), {"pal": "7"})


async def test_a_held_colour_of_an_old_store_is_held_beside_the_strategy_of_the_settings(make: Make) -> None:
    painter = make(strategy="rainbow")
    painter.resume(Remembered(overrides={"strategy": "hold", "base": "#FF8800", "delay": [0.0, 1.0]}, strategy="hold"))
    assert (painter.held, painter.strategy.name) == (Color.parse("#FF8800"), "rainbow")
    assert painter.settings.delay == (0.0, 1.0)
    await painter.adjust(release=True)
    assert (painter.held, painter.settings.base) == (None, None)


async def test_a_held_colour_is_sent_again_only_when_it_was_changed_elsewhere(
    make: Make, clock: FakeClock, api: FakeColors
) -> None:
    painter = make()
    await painter.hold(Color.parse("#FF8800"))
    for shown in (ORIGINAL, "#FF8800", "#FF8800", "#00FF00", "#FF8800"):
        painter.on_message(Color.parse(str(shown)))
        await clock.advance(DELAY + 60)
    assert api.sent == [Color.parse("#FF8800")] * 2


async def test_a_held_colour_settles_on_one_name_without_turbo(make: Make, clock: FakeClock, api: FakeColors) -> None:
    api.turbo = False
    painter = make()
    await painter.hold(Color.parse("#FF8800"))
    for _ in range(5):
        painter.on_message(api.shown)
        await clock.advance(60)
    assert [color.is_named for color in api.sent] == [False, True]


async def test_a_strategy_goes_on_where_it_was_after_a_hold(make: Make, clock: FakeClock, api: FakeColors) -> None:
    painter = make(strategy="palette", colors=["#FF7F50", "#1E90FF", "#D2691E"])
    painter.on_message(ORIGINAL)
    await clock.advance(60)
    await painter.hold(Color.parse("red"))
    painter.on_message(api.shown)
    await clock.advance(60)
    await painter.hold(None)
    painter.on_message(api.shown)
    await clock.advance(60)
    assert [color.hex for color in api.sent] == ["#FF7F50", "#FF0000", "#1E90FF"]


async def test_a_refused_hex_counts_for_a_day_whatever_the_clock_did(make: Make) -> None:
    painter = make()
    for left, refused in ((60.0, True), (86_400.0, True), (86_500.0, False), (1e9, False), (-1.0, False)):
        painter.resume(Remembered(no_hex_until=EPOCH + left))
        assert painter.hex_refused == refused


async def test_a_recheck_outlasts_a_restart(make: Make, clock: FakeClock, memory: FakeMemory) -> None:
    painter = make()
    painter.resume(Remembered(no_hex_until=EPOCH + 60))
    await painter.recheck()
    assert (await memory.recall("1")).no_hex_until is None


@pytest.mark.parametrize(("reset_in", "seconds"), [(10_000, 300), (1e12, 300), (-50, 1), (20, 20), (None, 60)])
async def test_a_rate_limit_is_obeyed_for_one_second_to_five_minutes(
    reset_in: float | None, seconds: float, make: Make, clock: FakeClock, api: FakeColors
) -> None:
    painter = make()
    painter.on_message(ORIGINAL)
    api.answers.append(RateLimited("slow down", retry_at=None if reset_in is None else EPOCH + DELAY + reset_in))
    await clock.advance(DELAY + seconds - 0.1)
    assert len(api.sent) == 1
    await clock.advance(0.2)
    assert len(api.sent) == 2


async def test_the_colour_from_before_is_saved_before_the_first_change(
    make: Make, clock: FakeClock, api: FakeColors, memory: FakeMemory
) -> None:
    painter = make()
    api.gate.clear()
    painter.on_message(ORIGINAL)
    await clock.advance(DELAY)
    assert len(api.sent) == 1
    assert (await memory.recall("1")).original == ORIGINAL.hex
    api.gate.set()


async def test_a_restore_that_failed_can_be_tried_again(
    make: Make, clock: FakeClock, api: FakeColors, memory: FakeMemory
) -> None:
    painter = make()
    painter.on_message(ORIGINAL)
    await clock.advance(DELAY)
    api.answers.append(NeedsLogin("gone"))
    change = await painter.restore()
    assert change is not None
    assert (change.result, (await memory.recall("1")).original) == ("login", ORIGINAL.hex)
    change = await painter.restore()
    await clock.advance(1)  # it is saved with others, within a second
    assert change is not None
    assert (change.result, (await memory.recall("1")).original) == ("changed", None)


async def test_the_colour_from_before_comes_back_also_when_a_change_was_never_answered(
    make: Make, clock: FakeClock, api: FakeColors
) -> None:
    painter = make()
    api.answers.append(OutcomeUnknown("no answer"))
    painter.on_message(ORIGINAL)
    await clock.advance(DELAY)
    change = await painter.restore()
    assert change is not None
    assert (change.result, api.sent[-1]) == ("changed", ORIGINAL)


async def test_putting_the_colour_back_is_no_change_after_a_message(make: Make, clock: FakeClock) -> None:
    painter = make()
    painter.on_message(ORIGINAL)
    await clock.advance(DELAY)
    await painter.show(Color.parse("red"))
    await painter.restore()
    assert painter.changes == 2


async def test_a_value_that_is_not_allowed_changes_nothing(make: Make) -> None:
    painter = make()
    with pytest.raises(ConfigError):
        await painter.adjust(delay=(5.0, 1.0))
    assert painter.settings.delay == (DELAY, DELAY)


async def test_a_broken_memory_starts_afresh(make: Make) -> None:
    painter = make()
    painter.resume(Remembered(overrides={"strategy": "gone"}, history=["no colour", "#FF0000"]))
    assert (painter.strategy.name, painter.history) == ("random", (Color.parse("#FF0000"),))


async def test_the_next_colour_differs_from_one_that_was_set_elsewhere(
    make: Make, clock: FakeClock, api: FakeColors
) -> None:
    painter = make(delay=(0.0, 0.0))
    for number in range(40):
        painter.on_message(api.shown)
        await clock.advance(60)
        api.shown = Color.parse(f"#{(number * 997 + 4711) * 65537 % (1 << 24):06X}")
        painter.on_message(api.shown)
        await clock.advance(60)
        assert api.sent[-1].distance(painter.history[1]) >= 0.15
        assert painter.history[1] == Color.parse(f"#{(number * 997 + 4711) * 65537 % (1 << 24):06X}")


async def test_a_strategy_that_was_changed_shows_nothing_of_the_one_before(
    make: Make, clock: FakeClock, api: FakeColors
) -> None:
    painter = make(delay=(0.0, 0.0))
    painter.on_message(ORIGINAL)
    await clock.advance(60)
    await painter.adjust(strategy="palette", colors=["#FF7F50", "#1E90FF"])
    for _ in range(4):
        painter.on_message(api.shown)
        await clock.advance(60)
    assert {color.hex for color in api.sent[1:]} == {"#FF7F50", "#1E90FF"}


async def test_commands_do_not_count_for_a_burst(make: Make, clock: FakeClock, api: FakeColors) -> None:
    painter = make(delay=(0.0, 0.0))
    for _ in range(5):
        await painter.show()
        painter.on_message(api.shown)
        painter.on_message(api.shown)
        painter.on_message(api.shown)
    sent = len(api.sent)
    await clock.advance(0.1)
    assert len(api.sent) > sent


async def test_a_memory_that_cannot_be_written_stops_no_colour(clock: FakeClock, api: FakeColors) -> None:
    class Full(FakeMemory):
        room = False

        async def remember_all(self, remembered: Mapping[str, Remembered]) -> None:
            if not self.room:
                raise StoreError("the disk is full")
            await super().remember_all(remembered)

    memory = Full()
    settings, writer = ColorSettings.of({"delay": DELAY}), MemoryWriter(memory, clock)
    painter = Painter("1", "me", settings, api=api, memory=writer, clock=clock, rng=random.Random(7), on_change=print)
    for _ in range(3):
        painter.on_message(api.shown)
        await clock.advance(60)
    assert len(api.sent) == 3
    memory.room = True
    await clock.advance(1)
    assert (await memory.recall("1")).history[:3] == [color.hex for color in reversed(api.sent)]
    await painter.close()


async def test_a_custom_strategy_stays_whatever_is_set_in_chat(clock: FakeClock, api: FakeColors) -> None:
    custom = build(ColorSettings.of({"strategy": "hold", "base": "#ff8800"}).plan())
    settings = ColorSettings.of({"delay": DELAY})
    painter = Painter(
        "1",
        "me",
        settings,
        api=api,
        memory=MemoryWriter(FakeMemory(), clock),
        clock=clock,
        rng=random.Random(7),
        on_change=print,
        strategy=custom,
    )
    await painter.adjust(theme="dark", strategy="rainbow")
    assert painter.strategy is custom
    await painter.close()
