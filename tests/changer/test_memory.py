"""What is to be remembered of many accounts goes out together, within a second, and once at a stop."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from colorchanger_bot.changer.changer import Changer
from colorchanger_bot.changer.memory import MemoryWriter, Remembered, ShortMemory
from colorchanger_bot.color import Color
from colorchanger_bot.errors import StoreError
from colorchanger_bot.settings.load import ColorSettings
from tests.fakes import FakeClock, FakeColors, settle


class Recorder(ShortMemory):
    """Keeps each write apart; `gate` holds them up, `full` refuses them."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[dict[str, list[str]]] = []
        self.full = False
        self.gate = asyncio.Event()
        self.gate.set()

    async def remember_all(self, remembered: Mapping[str, Remembered]) -> None:
        await self.gate.wait()
        if self.full:
            raise StoreError("the disk is full")
        self.writes.append({user_id: each.history for user_id, each in remembered.items()})
        await super().remember_all(remembered)


@pytest.fixture
def memory() -> Recorder:
    return Recorder()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def writer(memory: Recorder, clock: FakeClock) -> MemoryWriter:
    return MemoryWriter(memory, clock)


def looks(*history: str) -> Remembered:
    return Remembered(history=list(history))


async def test_all_accounts_that_changed_are_one_write_within_a_second(
    memory: Recorder, clock: FakeClock, writer: MemoryWriter
) -> None:
    for number in range(100):
        writer.soon(str(number), lambda number=number: looks(str(number)))
        await clock.advance(0.005)
    assert memory.writes == []
    await clock.advance(0.49)
    assert memory.writes == [{str(number): [str(number)] for number in range(100)}]
    await clock.advance(10)
    assert len(memory.writes) == 1
    writer.soon("7", lambda: looks("later"))
    await clock.advance(0.99)
    assert memory.writes[1:] == [{"7": ["later"]}]


async def test_an_account_that_changes_all_the_time_is_written_every_second(
    memory: Recorder, clock: FakeClock, writer: MemoryWriter
) -> None:
    for number in range(100):
        writer.soon("1", lambda number=number: looks(str(number)))
        await clock.advance(0.1)
        kept = (await memory.recall("1")).history or ["0"]
        assert number - int(kept[0]) < 10


async def test_what_must_be_written_now_takes_the_rest_along(
    memory: Recorder, clock: FakeClock, writer: MemoryWriter
) -> None:
    writer.soon("1", lambda: looks("soon"))
    await writer.now("2", lambda: looks("now"))
    assert memory.writes == [{"1": ["soon"], "2": ["now"]}]
    await clock.advance(10)
    assert len(memory.writes) == 1


async def test_many_that_must_be_written_now_share_a_write(memory: Recorder, writer: MemoryWriter) -> None:
    memory.gate.clear()
    calls = [asyncio.create_task(writer.now(str(number), lambda: looks("now"))) for number in range(100)]
    await settle()
    memory.gate.set()
    await asyncio.gather(*calls)
    assert [len(write) for write in memory.writes] == [1, 99]


async def test_what_cannot_be_written_is_tried_again_every_second(
    memory: Recorder, clock: FakeClock, writer: MemoryWriter
) -> None:
    memory.full = True
    await writer.now("1", lambda: looks("now"))
    writer.soon("2", lambda: looks("soon"))
    await clock.advance(60)
    memory.full = False
    await clock.advance(1)
    assert memory.writes == [{"1": ["now"], "2": ["soon"]}]


async def test_a_stop_waits_for_a_write_and_does_the_rest_at_once(
    memory: Recorder, clock: FakeClock, writer: MemoryWriter
) -> None:
    memory.gate.clear()
    writer.soon("1", lambda: looks("first"))
    await clock.advance(1)
    writer.soon("2", lambda: looks("second"))
    closing = asyncio.create_task(writer.close())
    await settle()
    assert not closing.done()
    memory.gate.set()
    await closing
    assert memory.writes == [{"1": ["first"]}, {"2": ["second"]}]


async def test_what_is_dropped_is_not_written_after_a_failure(
    memory: Recorder, clock: FakeClock, writer: MemoryWriter
) -> None:
    memory.full = True
    memory.gate.clear()
    writer.soon("1", lambda: looks("first"))
    await clock.advance(1)
    dropping = asyncio.create_task(writer.drop("1"))
    await settle()
    assert not dropping.done()  # a write under way may have it
    memory.gate.set()
    await dropping
    memory.full = False
    await writer.close()
    assert memory.writes == []


async def test_a_stop_that_restores_many_colours_writes_once(memory: Recorder, clock: FakeClock) -> None:
    await memory.remember_all({str(number): Remembered(original="#00FF00") for number in range(20)})
    changer = Changer(FakeColors(), memory=memory, clock=clock)
    for number in range(20):
        await changer.manage(str(number), f"account{number}", ColorSettings.of({"restore": True}))
    memory.writes.clear()
    await changer.close()
    restored = Color.parse("#00FF00").hex
    assert [{history[0] for history in write.values()} for write in memory.writes] == [{restored}]
    assert len(memory.writes[0]) == 20
