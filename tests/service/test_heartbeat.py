"""The heartbeat comes every few seconds, and faster while something changes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import pytest

from colorchanger_bot.errors import StoreError
from colorchanger_bot.service.heartbeat import BEAT_SECONDS, LIVELY_SECONDS, HeartbeatWriter
from colorchanger_bot.service.standing import ChannelStanding, ChannelState, Report
from colorchanger_bot.store.store import Store
from tests.fakes import FakeClock


class RecordingStore(Store):
    """Keeps the beats, and fails while `broken`."""

    def __init__(self, store: Store, clock: FakeClock) -> None:
        super().__init__(store.database)
        self.beats: list[float] = []
        self.broken = False
        self._clock = clock

    async def beat(self, at: float, status: Mapping[str, Any]) -> None:
        if self.broken:
            raise StoreError("the disk is full")
        self.beats.append(self._clock.monotonic())


def reports(accounts: int, state: ChannelState = "joined") -> dict[str, Report]:
    names = [f"account{number}" for number in range(accounts)]
    return {name: Report(name, channels=(ChannelStanding(name, state),)) for name in names}


@pytest.mark.parametrize(("accounts", "pause"), [(1, 1.0), (400, 2.0), (1200, 5.0)])
async def test_beats_are_fast_after_a_change_and_steady_later(store: Store, accounts: int, pause: float) -> None:
    clock = FakeClock()
    recording = RecordingStore(store, clock)
    current = reports(accounts, "joining")
    beating = asyncio.create_task(HeartbeatWriter(recording, clock, lambda: [*current.values()]).run())
    await clock.advance(10)
    assert recording.beats[:3] == [0.0, pause, 2 * pause]
    await clock.advance(LIVELY_SECONDS)
    recording.beats.clear()
    await clock.advance(4 * BEAT_SECONDS)
    assert len(recording.beats) == 4
    current = reports(accounts)
    await clock.advance(BEAT_SECONDS)  # notices
    recording.beats.clear()
    await clock.advance(4 * pause)
    assert len(recording.beats) == 4
    beating.cancel()


async def test_a_hurried_beat_comes_at_once_and_a_failed_one_does_not_end_it(store: Store) -> None:
    clock = FakeClock()
    recording = RecordingStore(store, clock)
    writer = HeartbeatWriter(recording, clock, lambda: reports(1).values())
    beating = asyncio.create_task(writer.run())
    await clock.advance(LIVELY_SECONDS + BEAT_SECONDS)
    before = len(recording.beats)
    writer.write_now()
    await clock.advance(0)
    assert len(recording.beats) == before + 1
    recording.broken = True
    await clock.advance(2 * BEAT_SECONDS)
    recording.broken = False
    await clock.advance(BEAT_SECONDS)
    assert len(recording.beats) == before + 2
    beating.cancel()


async def test_gathering_the_reports_of_thousands_lets_messages_through(store: Store) -> None:
    clock = FakeClock()
    recording = RecordingStore(store, clock)
    asked: list[str] = []
    turns: list[int] = []

    def counted() -> Iterator[Report]:
        for report in reports(1000).values():
            asked.append(report.login)
            yield report

    async def watch() -> None:
        while not recording.beats:
            turns.append(len(asked))
            await asyncio.sleep(0)

    beating = asyncio.create_task(HeartbeatWriter(recording, clock, counted).run())
    await watch()
    assert max(later - earlier for earlier, later in pairwise(turns)) <= 100
    assert turns[-1] >= 900
    beating.cancel()
