"""Time as an argument: what waits or measures takes a `Clock`, so a test decides how long a second is."""

from __future__ import annotations

import asyncio
import random
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """The three questions that this program asks about time."""

    def monotonic(self) -> float:
        """Seconds that never jump, for measuring."""
        ...

    def now(self) -> datetime:
        """The time of day, aware, in UTC."""
        ...

    async def sleep(self, seconds: float, /) -> None:
        """Return after so many seconds."""
        ...


class SystemClock:
    """The clock of the machine."""

    monotonic = staticmethod(time.monotonic)
    sleep = staticmethod(asyncio.sleep)

    @staticmethod
    def now() -> datetime:
        return datetime.now(UTC)


class Backoff:
    """Growing waits between attempts: `first` seconds, then double up to `most`, each with up to 25% taken off.

    The jitter keeps a thousand clients that lost the same server from coming back in the same instant.
    """

    def __init__(self, rng: random.Random, *, first: float, most: float) -> None:
        self._rng = rng
        self._first = first
        self._most = most
        self.attempts = 0

    def next(self) -> float:
        """Return the seconds to wait before the next attempt, and count it."""
        # The exponent is bounded so that a week without network cannot overflow a float.
        wait = min(self._most, self._first * 2 ** min(self.attempts, 32))
        self.attempts += 1
        return wait * self._rng.uniform(0.75, 1.0)

    def reset(self) -> None:
        """Start from the first wait again, after something worked."""
        self.attempts = 0


class Bell:
    """Wakes everyone who waits for news.

    Who takes `next` first and then looks at how things are misses nothing: any later ring sets that event, and
    nobody ever clears it.
    """

    def __init__(self) -> None:
        self._next = asyncio.Event()

    @property
    def next(self) -> asyncio.Event:
        """The event that the next ring sets."""
        return self._next

    def ring(self) -> None:
        """Wake all who wait."""
        self._next.set()
        self._next = asyncio.Event()


async def wait_until(event: asyncio.Event, clock: Clock, seconds: float) -> None:
    """Wait until `event` is set, but at most so many seconds; infinity is without limit."""
    if seconds == float("inf"):
        await event.wait()
        return
    waits = {asyncio.ensure_future(clock.sleep(max(seconds, 0.0))), asyncio.ensure_future(event.wait())}
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waits:
            each.cancel()
