"""Growth of memory is a number from a baseline on, and one line in the log; what only looks like it is neither."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

import pytest

from colorchanger_bot.service.memory_growth import LOOK_SECONDS, MemoryGrowth
from tests.fakes import FakeClock


def after(blocks: Iterable[int], accounts: Iterable[int] | None = None) -> MemoryGrowth:
    """A watch after looking at these counts."""
    counts = list(blocks)
    known = iter(accounts or [1] * len(counts))
    numbers = iter(counts)
    growth = MemoryGrowth(FakeClock(), lambda: next(known), lambda: next(numbers))
    for _ in counts:
        growth.look()
    return growth


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_leak_is_a_number_and_one_line(caplog: pytest.LogCaptureFixture) -> None:
    growth = after([900, 1000, *range(1500, 4500, 500)])
    assert growth.ratio == 4.0
    assert warnings(caplog) == ["memory keeps growing: 2.5 times what it was after the start; please report this"]


@pytest.mark.parametrize(
    "blocks",
    [
        [100, 1000, 1100, 1000, 1100, 1000],
        [100, 1000, 2100, 2100, 2100, 2100],
        [100, 1000, 1200, 1400, 1600, 1800],
        [100, 1000, 3000, 1000, 3000, 1000, 3000],
    ],
    ids=["steady", "once", "slightly", "up and down"],
)
def test_a_pattern_that_is_not_a_leak_is_not_logged(blocks: list[int], caplog: pytest.LogCaptureFixture) -> None:
    after(blocks)
    assert warnings(caplog) == []


def test_more_accounts_need_more_memory(caplog: pytest.LogCaptureFixture) -> None:
    growth = after([100, 1000, 2000, 3000, 4000, 5000], accounts=[1, 1, 2, 3, 4, 5])
    assert growth.ratio == 1.0
    assert warnings(caplog) == []


async def test_it_looks_every_five_minutes() -> None:
    clock = FakeClock()
    looks: list[int] = []

    def blocks() -> int:
        looks.append(1)
        return 1000

    watching = asyncio.create_task(MemoryGrowth(clock, lambda: 1, blocks).run())
    await clock.advance(3 * LOOK_SECONDS)
    watching.cancel()
    assert len(looks) == 3
