"""When an account may open its next socket, and where Twitch may move it to."""

from __future__ import annotations

import asyncio
import random

import pytest
from yarl import URL

from colorchanger_bot.eventsub.reconnect import ConnectPace, may_move
from colorchanger_bot.eventsub.timing import Timing
from tests.fakes import FakeClock, settle


@pytest.mark.parametrize(
    ("configured", "target"),
    [
        ("wss://twitch.co.uk/ws", "wss://evil.co.uk/ws"),
        ("wss://[::ffff:10.1.2.3]/ws", "wss://9.9.2.3/ws"),
        ("wss://[2001:db8::1]/ws", "wss://[2001:db8::2]/ws"),
    ],
)
def test_neighbours_of_a_short_name_or_an_address_are_not_the_same_site(configured: str, target: str) -> None:
    assert may_move(URL(configured), URL(configured))
    assert not may_move(URL(configured), URL(target))


async def waited(pace: ConnectPace, clock: FakeClock) -> float:
    """The seconds until a connect may be made."""
    began = clock.monotonic()
    waiting = asyncio.create_task(pace.wait())
    for _ in range(1000):
        await settle()
        if waiting.done():
            break
        await clock.advance(0.01)
    await waiting
    return clock.monotonic() - began


async def test_a_connect_after_a_failure_has_twice_as_long(clock: FakeClock) -> None:
    pace = ConnectPace(clock, random.Random(7), Timing(spread=0.0))
    assert await pace.wait() == 5.0
    failing = asyncio.create_task(pace.failed())
    await clock.advance(1)
    await failing
    assert await pace.wait() == 10.0
    pace.succeeded()
    assert await pace.wait() == 5.0


@pytest.mark.parametrize(("later", "wait"), [(29.0, 1.0), (30.5, 0.0)])
async def test_the_ninth_connect_in_a_minute_waits_a_second(later: float, wait: float, clock: FakeClock) -> None:
    pace = ConnectPace(clock, random.Random(7), Timing(spread=0.0))
    await pace.wait()
    await clock.advance(30)
    for _ in range(7):
        assert await waited(pace, clock) == 0
    await clock.advance(later)
    assert await waited(pace, clock) == pytest.approx(wait, abs=0.02)
    assert await waited(pace, clock) == pytest.approx(1.0, abs=0.02)  # seven of these eight are not half a minute old
    await clock.advance(61)
    assert await waited(pace, clock) == 0


async def test_many_accounts_do_not_come_back_at_the_same_moment(clock: FakeClock) -> None:
    waits: set[float] = set()
    for seed in range(20):
        pace = ConnectPace(clock, random.Random(seed), Timing())
        assert await waited(pace, clock) == 0
        waits.add(round(await waited(pace, clock), 2))
    assert len(waits) > 5
    assert max(waits) <= 0.21
