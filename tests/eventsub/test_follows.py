"""Which followed channels are read, and when Twitch is asked for them: the real waiting times on a fake clock."""

from __future__ import annotations

import asyncio
import random

import pytest

from colorchanger_bot.errors import MissingScope, TwitchUnavailable
from colorchanger_bot.eventsub.follows import choose, follow_live
from colorchanger_bot.eventsub.timing import Timing
from tests.eventsub.helix import FakeHelix
from tests.fakes import FakeClock

DOWN = TwitchUnavailable("Twitch is in trouble (503)")


def test_at_most_90_live_channels_are_chosen_and_those_that_are_read_stay() -> None:
    live = {f"place{number}": str(number) for number in range(120)}
    first = choose(live, {})
    assert len(first) == 90
    reading = {login: live[login] for login in list(live)[60:]}
    assert set(reading) <= set(choose(live, reading))
    assert len(choose(live, reading)) == 90


async def test_live_channels_are_looked_at_every_two_minutes_and_kept_while_nobody_tells(
    helix: FakeHelix, clock: FakeClock
) -> None:
    helix.live = [{"a": "1"}, DOWN, {"a": "1", "b": "2"}, {}]
    wanted: list[list[str]] = []
    work = follow_live(
        "1",
        "me",
        helix,  # pyright: ignore[reportArgumentType]
        lambda live: wanted.append(list(live)),
        clock=clock,
        rng=random.Random(7),
        timing=Timing(),
    )
    task = asyncio.create_task(work)
    await clock.advance(600)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert wanted == [["a"], ["a", "b"], []]


def test_a_live_channel_that_was_renamed_stays() -> None:
    live = {f"place{number}": str(number) for number in range(120)}
    assert "place110" not in choose(live, {})
    assert "place110" in choose(live, {"its old name": "110"})


async def test_what_is_in_the_way_is_logged_once(
    helix: FakeHelix, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    missing = MissingScope("the login lacks a permission")
    helix.live = [missing, missing, missing, {"a": "1"}, missing, {"a": "1"}]
    wanted: list[list[str]] = []
    work = follow_live(
        "1",
        "me",
        helix,  # pyright: ignore[reportArgumentType]
        lambda live: wanted.append(list(live)),
        clock=clock,
        rng=random.Random(7),
        timing=Timing(),
    )
    task = asyncio.create_task(work)
    await clock.advance(1200)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert caplog.text.count("cannot see which followed channels are live") == 2
    assert wanted == [["a"]]
