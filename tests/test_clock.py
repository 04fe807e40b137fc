"""Flags, notifications and background tasks: every wait ends."""

from __future__ import annotations

import asyncio
import logging

import pytest

from colorchanger_bot.clock import Flag, Notifier, Tasks
from tests.fakes import FakeClock, settle


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


async def test_a_flag_wakes_every_waiter_and_later_ones_do_not_wait() -> None:
    flag = Flag()
    waiting = [asyncio.create_task(flag.wait()) for _ in range(3)]
    await settle()
    assert not any(task.done() for task in waiting)
    flag.set()
    await settle()
    assert all(task.done() for task in waiting)
    await flag.wait()


async def test_a_cleared_flag_holds_new_waiters_but_not_those_already_woken() -> None:
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


async def test_a_wait_ends_with_the_flag_or_after_its_time(clock: FakeClock) -> None:
    for is_set, seconds in ((True, 0.0), (False, 5.0)):
        flag = Flag()
        task = asyncio.create_task(flag.wait_at_most(clock, 5.0))
        await clock.advance(4.9)
        assert not task.done()
        if is_set:
            flag.set()
        await clock.advance(seconds)
        assert task.done()


async def test_a_wait_of_no_time_ends_at_once(clock: FakeClock) -> None:
    await asyncio.wait_for(Flag().wait_at_most(clock, -1.0), 1)


async def test_a_cancelled_wait_leaves_nothing_behind(clock: FakeClock) -> None:
    flag = Flag()
    before = asyncio.all_tasks()
    waits = [asyncio.create_task(flag.wait_at_most(clock, seconds)) for seconds in (5.0, float("inf"))]
    await settle()
    for task in waits:
        task.cancel()
    await settle()
    assert asyncio.all_tasks() == before
    flag.set()  # does no harm


async def test_nobody_waits_for_a_flag_that_is_set(clock: FakeClock) -> None:
    flag = Flag()
    flag.set()
    for seconds in (5.0, float("inf")):
        await asyncio.wait_for(flag.wait_at_most(clock, seconds), 1)


async def test_a_waiter_that_is_cancelled_as_the_flag_is_set_does_no_harm() -> None:
    flag = Flag()
    early, late = (asyncio.create_task(flag.wait()) for _ in range(2))
    await settle()
    early.cancel()
    flag.set()
    await late
    await asyncio.gather(early, return_exceptions=True)
    assert early.cancelled()


async def test_a_notification_between_looking_and_waiting_is_not_missed(clock: FakeClock) -> None:
    changes = Notifier()
    seen = changes.next
    waiting = [asyncio.create_task(seen.wait_at_most(clock, float("inf"))) for _ in range(3)]
    changes.notify()  # before any of them could begin to wait
    changes.notify()
    await settle()
    assert all(task.done() for task in waiting)
    assert not changes.next.is_set()


async def test_a_failed_task_is_logged_and_reported_and_a_cancelled_one_is_not(
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
