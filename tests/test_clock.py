"""Waiting: flags, notifications, background tasks, and an end to each wait."""

from __future__ import annotations

import asyncio
import logging

import pytest

from colorchanger_bot.clock import Flag, Notifier, Tasks
from tests.fakes import FakeClock, settle


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


async def test_a_flag_wakes_all_who_wait_and_lets_later_ones_pass() -> None:
    flag = Flag()
    waiting = [asyncio.create_task(flag.wait()) for _ in range(3)]
    await settle()
    assert not any(task.done() for task in waiting)
    flag.set()
    await settle()
    assert all(task.done() for task in waiting)
    await flag.wait()


async def test_a_flag_that_was_taken_back_makes_wait_again_but_nobody_who_was_woken() -> None:
    flag = Flag()
    early = asyncio.create_task(flag.wait())
    await settle()
    flag.set()
    flag.clear()
    late = asyncio.create_task(flag.wait())
    await settle()
    assert (early.done(), late.done(), flag.is_set()) == (True, False, False)
    flag.set()
    await late


async def test_waiting_ends_with_the_flag_or_after_its_time(clock: FakeClock) -> None:
    for is_set, seconds in ((True, 0.0), (False, 5.0)):
        flag = Flag()
        task = asyncio.create_task(flag.wait_at_most(clock, 5.0))
        await clock.advance(4.9)
        assert not task.done()
        if is_set:
            flag.set()
        await clock.advance(seconds)
        assert task.done()


async def test_no_time_at_all_is_over_at_once(clock: FakeClock) -> None:
    await asyncio.wait_for(Flag().wait_at_most(clock, -1.0), 1)


async def test_a_wait_that_was_given_up_leaves_nothing_behind(clock: FakeClock) -> None:
    flag = Flag()
    before = asyncio.all_tasks()
    waits = [asyncio.create_task(flag.wait_at_most(clock, seconds)) for seconds in (5.0, float("inf"))]
    await settle()
    for task in waits:
        task.cancel()
    await settle()
    assert asyncio.all_tasks() == before
    flag.set()  # and nobody is there who minds


async def test_a_flag_that_is_set_already_makes_nobody_wait(clock: FakeClock) -> None:
    flag = Flag()
    flag.set()
    for seconds in (5.0, float("inf")):
        await asyncio.wait_for(flag.wait_at_most(clock, seconds), 1)


async def test_one_who_gives_up_in_the_moment_of_the_ring_is_no_trouble() -> None:
    flag = Flag()
    early, late = (asyncio.create_task(flag.wait()) for _ in range(2))
    await settle()
    early.cancel()
    flag.set()
    await late
    await asyncio.gather(early, return_exceptions=True)
    assert early.cancelled()


async def test_a_notification_between_the_look_and_the_wait_is_not_missed(clock: FakeClock) -> None:
    changes = Notifier()
    seen = changes.next
    waiting = [asyncio.create_task(seen.wait_at_most(clock, float("inf"))) for _ in range(3)]
    changes.notify()  # before any of them had a chance to begin waiting
    changes.notify()
    await settle()
    assert all(task.done() for task in waiting)
    assert not changes.next.is_set()


async def test_a_task_that_fails_is_logged_and_told_and_one_that_is_cancelled_is_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    failures: list[str] = []
    tasks = Tasks(logging.getLogger("tests"), failed=lambda: failures.append("told"))

    async def fail() -> None:
        raise ValueError("a mistake")

    broken = tasks.start(fail(), "the broken one")
    endless = tasks.start(asyncio.Event().wait(), "the endless one")
    await asyncio.wait([broken])
    await settle()
    await tasks.cancel()
    assert endless.cancelled()
    assert list(tasks) == []
    (record,) = caplog.records
    assert (record.getMessage(), failures) == ("the broken one failed", ["told"])
    assert record.exc_info is not None
