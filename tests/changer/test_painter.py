"""When a change is owed, what wins, and what each answer of Twitch leads to."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from functools import partial
from itertools import pairwise

import pytest

from colorchanger_bot.changer.memory import Remembered
from colorchanger_bot.changer.painter import Change, Painter
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
def told() -> list[Change]:
    return []


@pytest.fixture
async def make(
    clock: FakeClock, api: FakeColors, memory: FakeMemory, told: list[Change]
) -> AsyncIterator[Callable[..., Painter]]:
    made: list[Painter] = []

    def make(**keys: object) -> Painter:
        settings = ColorSettings.of({"delay": (DELAY, DELAY), **keys})
        painter = Painter(
            "1", "me", settings, api=api, memory=memory, clock=clock, rng=random.Random(7), tell=told.append
        )
        made.append(painter)
        return painter

    yield make
    for painter in made:
        await painter.close()


async def test_a_message_leads_to_one_change_after_the_delay(make: Make, clock: FakeClock, api: FakeColors) -> None:
    painter = make()
    painter.saw(ORIGINAL)
    await clock.advance(DELAY - 0.1)
    assert api.sent == []
    await clock.advance(0.2)
    assert len(api.sent) == 1
    assert painter.current == api.sent[0]


async def test_messages_within_the_delay_add_no_change(make: Make, clock: FakeClock, api: FakeColors) -> None:
    painter = make()
    for _ in range(40):
        painter.saw(ORIGINAL)
        await clock.advance(DELAY / 50)
    await clock.advance(60)
    assert len(api.sent) == 1


async def test_a_message_that_still_shows_the_old_colour_is_owed_nothing(
    make: Make, clock: FakeClock, api: FakeColors
) -> None:
    painter = make()
    painter.saw(ORIGINAL)
    await clock.advance(DELAY)
    painter.saw(ORIGINAL)
    await clock.advance(60)
    assert len(api.sent) == 1


async def test_a_message_that_shows_the_new_colour_is_owed_the_next(
    make: Make, clock: FakeClock, api: FakeColors
) -> None:
    painter = make()
    painter.saw(ORIGINAL)
    await clock.advance(DELAY)
    painter.saw(api.sent[0])
    await clock.advance(DELAY)
    assert len(api.sent) == 2


async def test_an_old_colour_long_after_a_change_means_that_somebody_put_it_back(
    make: Make, clock: FakeClock, api: FakeColors
) -> None:
    painter = make()
    painter.saw(ORIGINAL)
    await clock.advance(DELAY + 60)
    painter.saw(ORIGINAL)
    await clock.advance(DELAY)
    assert len(api.sent) == 2


async def test_a_message_without_a_colour_is_owed_a_change(make: Make, clock: FakeClock, api: FakeColors) -> None:
    painter = make()
    painter.saw(None)
    await clock.advance(DELAY)
    painter.saw(None)
    await clock.advance(DELAY)
    assert len(api.sent) == 2


async def test_a_message_during_a_request_is_answered_by_that_request(
    make: Make, clock: FakeClock, api: FakeColors
) -> None:
    painter = make()
    api.gate.clear()
    painter.saw(ORIGINAL)
    await clock.advance(DELAY)
    painter.saw(ORIGINAL)
    api.gate.set()
    await clock.advance(60)
    assert len(api.sent) == 1


async def test_a_message_that_shows_the_colour_on_its_way_is_owed_the_next(
    make: Make, clock: FakeClock, api: FakeColors
) -> None:
    painter = make()
    api.gate.clear()
    painter.saw(ORIGINAL)
    await clock.advance(DELAY)
    painter.saw(api.sent[0])  # the chat was faster than the answer
    api.gate.set()
    await clock.advance(DELAY)
    assert len(api.sent) == 2


@pytest.mark.parametrize(("apart", "answer"), [(0.0, 0.0), (0.001, 0.0), (0.001, 0.1), (0.025, 0.1)])
async def test_a_burst_gets_a_handful_of_changes_also_without_a_delay(
    apart: float, answer: float, make: Make, clock: FakeClock, api: FakeColors
) -> None:
    api.pause = partial(clock.sleep, answer)
    painter = make(delay=(0.0, 0.0))
    for _ in range(200):
        painter.saw(api.shown)
        await clock.advance(apart)
        if clock.monotonic() > 1.0:
            break
    await clock.advance(60)
    assert len(api.sent) <= 5
    assert api.most_in_flight == 1
    assert painter.current == api.sent[-1]


async def test_messages_that_are_answered_one_by_one_each_get_a_change_at_once(
    make: Make, clock: FakeClock, api: FakeColors
) -> None:
    painter = make(delay=(0.0, 0.0))
    for number in range(1, 41):
        painter.saw(api.shown)
        await clock.advance(0.01)
        assert len(api.sent) == number


async def test_many_changes_are_kept_by_few_writes(make: Make, clock: FakeClock, memory: FakeMemory) -> None:
    painter = make(delay=(0.0, 0.0))
    for _ in range(400):
        painter.saw(painter.current)
        await clock.advance(0.05)
    assert 2 <= memory.writes <= 4  # the colour of before at once, then each ten seconds
    await clock.advance(1.1)
    assert (await memory.recall(painter.user_id)).history[0] == (painter.current or ORIGINAL).hex


async def test_what_was_not_yet_kept_is_kept_at_the_end(make: Make, clock: FakeClock, memory: FakeMemory) -> None:
    painter = make(delay=(0.0, 0.0))
    painter.saw(ORIGINAL)
    await clock.advance(0.05)
    await painter.close()
    assert (await memory.recall(painter.user_id)).history[0] == (painter.current or ORIGINAL).hex


async def test_what_was_not_yet_kept_of_an_account_that_is_gone_is_forgotten(
    make: Make, clock: FakeClock, memory: FakeMemory
) -> None:
    painter = make(delay=(0.0, 0.0), restore=False)
    painter.saw(ORIGINAL)
    await clock.advance(0.05)
    await painter.close(keep=False)
    await clock.advance(5)
    assert memory.writes == 0


async def test_the_cooldown_keeps_changes_apart(make: Make, clock: FakeClock, api: FakeColors) -> None:
    painter = make(cooldown=30.0)
    painter.saw(ORIGINAL)
    await clock.advance(DELAY)
    painter.saw(api.sent[0])
    await clock.advance(29)
    assert len(api.sent) == 1
    await clock.advance(2)
    assert len(api.sent) == 2


async def test_there_is_never_more_than_one_request_in_flight(make: Make, clock: FakeClock, api: FakeColors) -> None:
    painter = make(delay=(0.0, 0.0))
    api.gate.clear()
    painter.saw(None)
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
    painter.saw(ORIGINAL)
    change = await painter.show(Color.parse("hot pink"))
    assert change.result == "changed"
    await clock.advance(60)
    assert api.sent == [Color.parse("hot pink")]


async def test_a_command_during_a_retry_acts_at_once(make: Make, clock: FakeClock, api: FakeColors) -> None:
    painter = make()
    api.answers.extend([TwitchUnavailable("503")] * 3)
    painter.saw(ORIGINAL)
    await clock.advance(DELAY + 1.5)
    tried = len(api.sent)
    api.answers.clear()
    change = await painter.show(Color.parse("red"))
    assert (change.result, api.sent[tried:]) == ("changed", [Color.parse("red")])


async def test_trouble_at_twitch_is_met_with_growing_waits_and_the_same_colour(
    make: Make, clock: FakeClock, api: FakeColors
) -> None:
    painter = make()
    api.answers.extend([TwitchUnavailable("503")] * 3)
    painter.saw(ORIGINAL)
    await clock.advance(DELAY + 8)
    assert len(api.sent) == 4
    assert len(set(api.sent)) == 1
    assert painter.current == api.sent[0]


async def test_trouble_that_lasts_is_given_up_and_the_next_message_tries_anew(
    make: Make, clock: FakeClock, api: FakeColors, told: list[Change]
) -> None:
    painter = make()
    api.answers.extend([TwitchUnavailable("Twitch is in trouble (503)")] * 50)
    painter.saw(ORIGINAL)
    await clock.advance(600)
    given_up_after = len(api.sent)
    assert given_up_after < 12
    assert told[-1].result == "unavailable"
    assert painter.trouble == "Twitch is in trouble (503)"
    api.answers.clear()
    painter.saw(ORIGINAL)
    await clock.advance(DELAY)
    assert len(api.sent) == given_up_after + 1
    assert painter.trouble == ""


async def test_a_chatty_person_makes_no_storm_while_twitch_is_in_trouble(
    make: Make, clock: FakeClock, api: FakeColors
) -> None:
    painter = make(delay=(0.0, 0.0))
    api.answers.extend([TwitchUnavailable("503")] * 500)
    for _ in range(200):
        painter.saw(ORIGINAL)
        await clock.advance(0.05)
    assert len(api.sent) <= 12  # ten seconds


async def test_a_rate_limit_is_waited_out_and_one_change_follows(make: Make, clock: FakeClock, api: FakeColors) -> None:
    painter = make()
    api.answers.append(RateLimited("slow down", retry_at=EPOCH + 20))
    painter.saw(ORIGINAL)
    await clock.advance(DELAY)
    for _ in range(5):
        painter.saw(ORIGINAL)
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
    painter.saw(ORIGINAL)
    await clock.advance(DELAY)
    await clock.advance(waited - 0.1)
    assert len(api.sent) == 1
    await clock.advance(0.2)
    assert len(api.sent) == 2


async def test_a_command_waits_for_the_rate_limit_too(make: Make, clock: FakeClock, api: FakeColors) -> None:
    painter = make()
    api.answers.append(RateLimited("slow down", retry_at=EPOCH + 20))
    painter.saw(ORIGINAL)
    await clock.advance(DELAY)
    command = asyncio.create_task(painter.show(Color.parse("red")))
    await clock.advance(10)
    assert len(api.sent) == 1
    await clock.advance(10)
    assert (await command).result == "changed"


async def test_a_lost_answer_is_not_repeated_and_the_next_message_tells(
    make: Make, clock: FakeClock, api: FakeColors
) -> None:
    painter = make()
    api.answers.append(OutcomeUnknown("no answer"))
    painter.saw(ORIGINAL)
    await clock.advance(60)
    assert len(api.sent) == 1
    painter.saw(api.sent[0])  # it had worked after all
    assert painter.current == api.sent[0]
    await clock.advance(DELAY)
    assert len(api.sent) == 2


async def test_a_refused_hex_becomes_the_nearest_name_at_once(make: Make, clock: FakeClock, api: FakeColors) -> None:
    api.turbo = False
    painter = make()
    painter.saw(ORIGINAL)
    await clock.advance(DELAY)
    assert [color.is_named for color in api.sent] == [False, True]
    assert painter.hex_refused


async def test_after_a_refused_hex_only_names_are_sent_for_a_day(make: Make, clock: FakeClock, api: FakeColors) -> None:
    api.turbo = False
    painter = make()
    for _ in range(5):
        painter.saw(painter.current)
        await clock.advance(DELAY)
    assert [color.is_named for color in api.sent] == [False, True, True, True, True, True]
    api.turbo = True
    await clock.advance(24 * 3600)
    painter.saw(painter.current)
    await clock.advance(DELAY)
    assert not api.sent[-1].is_named


async def test_names_never_repeat_in_a_row(make: Make, clock: FakeClock, api: FakeColors) -> None:
    painter = make(hex="never")
    for _ in range(30):
        painter.saw(painter.current)
        await clock.advance(DELAY)
    assert len(api.sent) == 30
    assert all(color.is_named for color in api.sent)
    assert all(before != after for before, after in pairwise(api.sent))


async def test_a_refused_name_is_said_and_not_repeated(make: Make, clock: FakeClock, api: FakeColors) -> None:
    painter = make(strategy="presets")
    api.answers.append(ColorRejected("Twitch does not take blue"))
    painter.saw(ORIGINAL)
    await clock.advance(60)
    assert len(api.sent) == 1
    assert painter.trouble == "Twitch does not take blue"


async def test_a_lost_login_is_said_and_asks_nothing_more(
    make: Make, clock: FakeClock, api: FakeColors, told: list[Change]
) -> None:
    painter = make()
    api.answers.append(NeedsLogin("gone; run: colorchanger login"))
    painter.saw(ORIGINAL)
    await clock.advance(600)
    assert len(api.sent) == 1
    assert (told[-1].result, painter.trouble) == ("login", "gone; run: colorchanger login")


async def test_hold_sends_its_colour_once_and_again_only_when_it_was_changed_elsewhere(
    make: Make, clock: FakeClock, api: FakeColors
) -> None:
    painter = make(strategy="hold", base="#FF8800")
    painter.saw(ORIGINAL)
    await clock.advance(DELAY)
    painter.saw(Color.parse("#FF8800"))
    await clock.advance(DELAY + 60)
    assert api.sent == [Color.parse("#FF8800")]
    painter.saw(Color.parse("#00FF00"))
    await clock.advance(DELAY)
    assert api.sent == [Color.parse("#FF8800")] * 2


async def test_hold_without_turbo_settles_on_one_name(make: Make, clock: FakeClock, api: FakeColors) -> None:
    api.turbo = False
    painter = make(strategy="hold", base="#FF8800")
    for _ in range(5):
        painter.saw(api.shown)
        await clock.advance(60)
    assert len(api.sent) == 2
    assert api.sent[1].is_named


async def test_off_puts_the_first_colour_back(make: Make, clock: FakeClock, api: FakeColors) -> None:
    painter = make()
    painter.saw(ORIGINAL)
    await clock.advance(DELAY)
    painter.saw(api.sent[-1])
    await clock.advance(DELAY)
    change = await painter.restore()
    assert change is not None
    assert (change.result, api.shown) == ("changed", ORIGINAL)


async def test_the_colour_from_before_comes_back_also_over_a_request_under_way(
    make: Make, clock: FakeClock, api: FakeColors
) -> None:
    painter = make()
    api.gate.clear()
    painter.saw(ORIGINAL)
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
    painter.saw(ORIGINAL)
    await painter.close()
    painter.saw(ORIGINAL)
    await clock.advance(DELAY)
    assert len(api.sent) == 1


async def test_a_colour_that_twitch_knows_and_no_message_told_is_put_back(
    make: Make, clock: FakeClock, api: FakeColors
) -> None:
    painter = make()
    painter.saw(None)
    await clock.advance(DELAY)
    await painter.restore()
    assert api.shown == ORIGINAL


async def test_a_colour_that_twitch_does_not_tell_keeps_nobody_waiting(
    make: Make, clock: FakeClock, api: FakeColors
) -> None:
    api.silent = True
    painter = make()
    for _ in range(2):
        painter.saw(None)
        await clock.advance(DELAY)
    assert len(api.sent) == 2
    assert await painter.restore() is None


async def test_an_account_that_never_chose_a_colour_has_nothing_to_put_back(
    make: Make, clock: FakeClock, api: FakeColors
) -> None:
    api.shown = None
    painter = make()
    painter.saw(None)
    await clock.advance(DELAY)
    assert await painter.restore() is None
    assert len(api.sent) == 1


async def test_undo_goes_back_to_the_colour_before(make: Make, clock: FakeClock, api: FakeColors) -> None:
    painter = make()
    painter.saw(ORIGINAL)
    await clock.advance(DELAY)
    await painter.undo()
    assert api.shown == ORIGINAL


async def test_disabled_means_no_request(make: Make, clock: FakeClock, api: FakeColors) -> None:
    painter = make(enabled=False)
    painter.saw(ORIGINAL)
    await clock.advance(60)
    assert api.sent == []
    assert painter.messages == 1


async def test_off_stops_a_change_that_waits(make: Make, clock: FakeClock, api: FakeColors) -> None:
    painter = make()
    painter.saw(ORIGINAL)
    await painter.adjust(enabled=False)
    await clock.advance(60)
    assert api.sent == []


async def test_what_was_set_survives_a_restart(make: Make, clock: FakeClock, memory: FakeMemory) -> None:
    painter = make()
    painter.saw(ORIGINAL)
    await clock.advance(DELAY)
    await painter.adjust(strategy="hold", base="#FF8800")
    after = make()
    after.go_on(await memory.recall("1"))
    assert (after.strategy.name, after.history) == ("hold", painter.history)


async def test_a_value_that_is_not_allowed_changes_nothing(make: Make) -> None:
    painter = make()
    with pytest.raises(ConfigError):
        await painter.adjust(delay=(5.0, 1.0))
    assert painter.settings.delay == (DELAY, DELAY)


async def test_a_broken_memory_starts_afresh(make: Make) -> None:
    painter = make()
    painter.go_on(Remembered(overrides={"strategy": "gone"}, history=["no colour", "#FF0000"]))
    assert (painter.strategy.name, painter.history) == ("random", (Color.parse("#FF0000"),))


async def test_a_colour_that_was_drawn_ahead_is_drawn_anew_when_another_one_is_shown(
    make: Make, clock: FakeClock, api: FakeColors
) -> None:
    painter = make(delay=(0.0, 0.0))
    for number in range(40):
        painter.saw(api.shown)
        await clock.advance(60)
        # Set by hand, to what would have come next: nothing may look as if it had not changed.
        api.shown = Color.parse(f"#{(number * 997 + 4711) * 65537 % (1 << 24):06X}")
        painter.saw(api.shown)
        await clock.advance(60)
        assert api.sent[-1].distance(painter.history[1]) >= 0.15
        assert painter.history[1] == Color.parse(f"#{(number * 997 + 4711) * 65537 % (1 << 24):06X}")


async def test_a_strategy_that_was_changed_shows_nothing_of_the_one_before(
    make: Make, clock: FakeClock, api: FakeColors
) -> None:
    painter = make(delay=(0.0, 0.0))
    painter.saw(ORIGINAL)
    await clock.advance(60)
    await painter.adjust(strategy="palette", colors=["#FF7F50", "#1E90FF"])
    for _ in range(4):
        painter.saw(api.shown)
        await clock.advance(60)
    assert {color.hex for color in api.sent[1:]} == {"#FF7F50", "#1E90FF"}


async def test_a_colour_drawn_ahead_is_not_used_after_a_command_that_showed_names_only(
    make: Make, clock: FakeClock, api: FakeColors
) -> None:
    painter = make(strategy="random")
    painter.saw(ORIGINAL)
    await clock.advance(DELAY)
    api.turbo = False
    assert (await painter.show(Color.parse("#ff8000"))).result == "changed"
    names = painter.strategy.save()  # what is left in the bag
    await clock.advance(10)
    painter.saw(painter.current)
    await clock.advance(DELAY)
    assert painter.strategy.save() != names  # so it came out of the bag


async def test_a_colour_drawn_ahead_is_not_used_once_only_names_are_wanted(
    make: Make, clock: FakeClock, api: FakeColors
) -> None:
    painter = make(strategy="random")
    painter.go_on(Remembered(history=[ORIGINAL.hex]))
    painter.get_ready()
    await painter.adjust(hex="never")
    names = painter.strategy.save()
    painter.saw(api.shown)
    await clock.advance(DELAY)
    assert len(api.sent) == 1
    assert painter.strategy.save() != names  # so it came out of the bag, where each name comes once


async def test_commands_do_not_count_for_a_burst(make: Make, clock: FakeClock, api: FakeColors) -> None:
    painter = make(delay=(0.0, 0.0))
    for _ in range(5):
        await painter.show()
        painter.saw(api.shown)
        painter.saw(api.shown)
        painter.saw(api.shown)
    sent = len(api.sent)
    await clock.advance(0.1)
    assert len(api.sent) > sent


async def test_a_memory_that_cannot_be_written_stops_no_colour(
    clock: FakeClock, api: FakeColors, caplog: pytest.LogCaptureFixture
) -> None:
    class Full(FakeMemory):
        async def remember(self, user_id: str, remembered: Remembered) -> None:
            raise StoreError("the disk is full")

    settings = ColorSettings.of({"delay": DELAY})
    painter = Painter("1", "me", settings, api=api, memory=Full(), clock=clock, rng=random.Random(7), tell=print)
    for _ in range(3):
        painter.saw(api.shown)
        await clock.advance(60)
    assert len(api.sent) == 3
    assert "the colours of me could not be kept: the disk is full" in caplog.text
    await painter.close()


async def test_a_strategy_of_ones_own_stays_whatever_is_set_in_chat(clock: FakeClock, api: FakeColors) -> None:
    own = build(ColorSettings.of({"strategy": "hold", "base": "#ff8800"}).plan())
    settings = ColorSettings.of({"delay": DELAY})
    painter = Painter(
        "1", "me", settings, api=api, memory=FakeMemory(), clock=clock, rng=random.Random(7), tell=print, strategy=own
    )
    await painter.adjust(theme="dark", strategy="rainbow")
    assert painter.strategy is own
    await painter.close()
