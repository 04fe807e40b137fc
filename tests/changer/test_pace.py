"""A reply never gets an account muted, and a burst of messages gets three changes a second."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colorchanger_bot.changer.pace import (
    BURST_MESSAGES,
    BURST_SECONDS,
    NEVER,
    TOGETHER_SECONDS,
    BurstLimit,
    ChatPace,
)
from tests.fakes import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def pace(clock: FakeClock) -> ChatPace:
    return ChatPace(clock)


async def test_in_the_own_channel_a_reply_comes_at_once(pace: ChatPace) -> None:
    pace.count("1", "1")
    assert await pace.turn("1", "1")


async def test_in_another_channel_a_second_passes_after_what_was_written_there(
    pace: ChatPace, clock: FakeClock
) -> None:
    pace.count("1", "2")
    turn = asyncio.create_task(pace.turn("1", "2"))
    await clock.advance(1.0)
    assert not turn.done()
    await clock.advance(0.3)
    assert await turn


async def test_replies_to_several_commands_come_one_after_the_other(pace: ChatPace, clock: FakeClock) -> None:
    pace.count("1", "2")
    turns = [asyncio.create_task(pace.turn("1", "2")) for _ in range(3)]
    done: list[int] = []
    for _ in range(4):
        await clock.advance(1.2)
        done.append(sum(turn.done() for turn in turns))
    assert done == [1, 2, 3, 3]


async def test_a_reply_counts_for_the_next_one(pace: ChatPace, clock: FakeClock) -> None:
    assert await pace.turn("1", "2")
    second = asyncio.create_task(pace.turn("1", "2"))
    await clock.advance(1.0)
    assert not second.done()
    await clock.advance(0.3)
    assert await second


async def test_accounts_and_channels_do_not_wait_for_each_other(pace: ChatPace) -> None:
    pace.count("1", "2")
    assert await pace.turn("1", "3")
    assert await pace.turn("4", "2")


async def test_it_is_silent_when_the_account_has_written_a_lot(pace: ChatPace, clock: FakeClock) -> None:
    for _ in range(16):
        pace.count("1", "2")
    assert not await pace.turn("1", "3")
    await clock.advance(31)
    assert await pace.turn("1", "3")


@pytest.mark.parametrize(("channel_id", "is_moderator", "most"), [("2", False, 16), ("1", False, 96), ("2", True, 96)])
async def test_there_are_never_more_replies_than_twitch_allows_less_a_few_for_the_person(
    channel_id: str, is_moderator: bool, most: int, pace: ChatPace, clock: FakeClock
) -> None:
    async def replies() -> int:
        return sum([await pace.turn("1", channel_id, is_moderator=is_moderator) for _ in range(200)])

    sending = asyncio.create_task(replies())
    await clock.advance(29.9)
    assert await sending == most


async def test_a_moderator_need_not_wait_between_two_messages(pace: ChatPace) -> None:
    pace.count("1", "2")
    assert await pace.turn("1", "2", is_moderator=True)


async def test_only_the_accounts_and_channels_of_the_last_moments_are_kept(pace: ChatPace, clock: FakeClock) -> None:
    for number in range(1000):
        pace.count("1", str(number))
        await clock.advance(0.1)
    assert len(pace._last["1"]) <= 13  # pyright: ignore[reportPrivateUsage]
    pace.forget("1")
    assert (pace._last, pace._sent) == ({}, {})  # pyright: ignore[reportPrivateUsage]


def test_messages_that_wait_for_the_colour_before_are_never_held_up() -> None:
    burst = BurstLimit()
    for number in range(1000):
        now = number * TOGETHER_SECONDS * 1.01
        burst.on_message(now, busy=False)
        assert burst.earliest(now) == NEVER
        burst.on_change(now)


def test_messages_at_once_are_answered_three_times_a_second() -> None:
    burst = BurstLimit()
    begun: list[float] = []
    for step in range(4000):
        now = step / 1024  # exact in binary
        burst.on_message(now, busy=False)
        if burst.earliest(now) <= now:
            burst.on_change(now)
            begun.append(now)
    for first, fourth in zip(begun[BURST_MESSAGES:], begun[2 * BURST_MESSAGES :], strict=False):
        assert fourth - first >= BURST_SECONDS
    assert len(begun) >= 4 * BURST_MESSAGES


@given(gaps=st.lists(st.floats(0.0, 2.0), max_size=40), busy=st.lists(st.booleans(), min_size=40, max_size=40))
def test_nobody_is_held_up_for_longer_than_a_second(gaps: list[float], busy: list[bool]) -> None:
    burst, now = BurstLimit(), 0.0
    for gap, is_busy in zip(gaps, busy, strict=False):
        now += gap
        burst.on_message(now, busy=is_busy)
        assert burst.earliest(now) <= now + BURST_SECONDS
        burst.on_change(max(now, burst.earliest(now)))
        now = max(now, burst.earliest(now))
