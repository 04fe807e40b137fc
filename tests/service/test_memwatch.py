"""The memory watch finds a leak, names it once, and is quiet where there is none."""

from __future__ import annotations

import asyncio
import gc
import logging
import random
from collections.abc import Mapping

import pytest

from colorchanger_bot.changer.changer import Changer, OwnMessage
from colorchanger_bot.color import Color
from colorchanger_bot.service.memwatch import (
    LEAST_GROWTH,
    LOOK_SECONDS,
    RISING_LOOKS,
    Growth,
    MemoryWatch,
    count_objects,
)
from colorchanger_bot.settings.load import ColorSettings
from tests.fakes import FakeClock, FakeColors, settle


class Leaked:
    """What is forgotten to be forgotten."""


async def test_a_planted_leak_is_found_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock()
    watch = MemoryWatch(clock)
    kept: list[Leaked] = []
    for _ in range(8):
        kept += [Leaked() for _ in range(LEAST_GROWTH // 2)]
        gc.collect()
        await watch.look()
    lines = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    (line,) = [line for line in lines if "Leaked" in line]
    assert f"{__name__}.Leaked (1000 to 2500)" in line
    assert watch.grown[f"{__name__}.Leaked"] >= LEAST_GROWTH


async def test_it_looks_at_a_slow_pace() -> None:
    clock = FakeClock()
    looks: list[float] = []

    async def count() -> Mapping[str, int]:
        looks.append(clock.monotonic())
        return {}

    task = asyncio.create_task(MemoryWatch(clock, count).run())
    await clock.advance(3 * LOOK_SECONDS)
    task.cancel()
    assert looks == [LOOK_SECONDS, 2 * LOOK_SECONDS, 3 * LOOK_SECONDS]


def looked(*numbers: int) -> list[int]:
    """What is reported of a type with these counts, as the numbers it has grown to."""
    growth = Growth()
    return [grown.now for number in numbers for grown in growth.look({"it": number})]


@pytest.mark.parametrize(
    "numbers",
    [
        (10, 10, 5000, 5000, 5000, 5000, 5000),
        (10, 10, 300, 600, 900, 900, 900),
        (100_000, 100_000, 101_100, 102_200, 103_300, 104_400),
        (10, 10, 2000, 100, 3000, 100, 4000, 100),
    ],
    ids=["a cache that filled", "too few to matter", "a small share", "up and down"],
)
def test_what_is_no_leak_is_not_reported(numbers: tuple[int, ...]) -> None:
    assert looked(*numbers) == []


def test_a_leak_is_reported_again_only_when_it_has_grown_as_much_again() -> None:
    numbers = [10, 10, *(10 + 400 * look for look in range(1, 12))]
    assert looked(*numbers) == [1210, 2410, 4010]


def test_it_takes_several_looks_to_be_sure() -> None:
    assert looked(10, 10, *[10_000 * (1 + look) for look in range(RISING_LOOKS - 1)]) == []


async def test_a_hundred_thousand_messages_leave_nothing_behind(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("colorchanger_bot.changer.painter").setLevel(logging.ERROR)
    clock, api = FakeClock(), FakeColors()
    changer = Changer(api, clock=clock, rng=random.Random(1))
    await changer.manage("1", "me", ColorSettings(delay=(0.0, 0.0)))
    watch = MemoryWatch(clock)
    counts: list[int] = []
    for turn in range(10):
        for number in range(10_000):
            name = f"{turn}-{number}"
            changer.on_message(OwnMessage(name, "1", str(number % 500), "somewhere", Color(number)))
            changer.on_others_message("1", str(number % 500), name, "#FF0000")
            if number % 100 == 0:
                await settle()
        api.sent.clear()
        gc.collect()
        counts.append((await count_objects()).total())
        await watch.look()
    logging.getLogger("colorchanger_bot.changer.painter").setLevel(logging.NOTSET)
    await changer.close()
    assert [record for record in caplog.records if "memory" in record.getMessage()] == []
    assert watch.grown == {}
    assert max(counts[2:]) - min(counts[2:]) < LEAST_GROWTH
