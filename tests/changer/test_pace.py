"""A reply never gets an account muted."""

from __future__ import annotations

import asyncio

import pytest

from colorchanger_bot.changer.pace import ChatPace
from tests.fakes import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def pace(clock: FakeClock) -> ChatPace:
    return ChatPace(clock)


async def test_in_the_own_channel_a_reply_comes_at_once(pace: ChatPace) -> None:
    pace.note("1", "1")
    assert await pace.turn("1", "1")


async def test_in_another_channel_a_second_passes_after_what_was_written_there(
    pace: ChatPace, clock: FakeClock
) -> None:
    pace.note("1", "2")
    turn = asyncio.create_task(pace.turn("1", "2"))
    await clock.advance(1.0)
    assert not turn.done()
    await clock.advance(0.3)
    assert await turn


async def test_replies_to_several_commands_come_one_after_the_other(pace: ChatPace, clock: FakeClock) -> None:
    pace.note("1", "2")
    turns = [asyncio.create_task(pace.turn("1", "2")) for _ in range(3)]
    done: list[int] = []
    for _ in range(4):
        await clock.advance(1.2)
        done.append(sum(turn.done() for turn in turns))
    assert done == [1, 2, 3, 3]


async def test_accounts_and_channels_do_not_wait_for_each_other(pace: ChatPace) -> None:
    pace.note("1", "2")
    assert await pace.turn("1", "3")
    assert await pace.turn("4", "2")


async def test_it_is_silent_when_the_account_has_written_a_lot(pace: ChatPace, clock: FakeClock) -> None:
    for _ in range(16):
        pace.note("1", "1")
    assert not await pace.turn("1", "1")
    await clock.advance(31)
    assert await pace.turn("1", "1")


async def test_never_more_than_twitch_allows(pace: ChatPace) -> None:
    said = sum([await pace.turn("1", "1") for _ in range(100)])
    assert said <= 20
