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


class Flag:
    """An `asyncio.Event` a tenth of its size: each account has several, and hardly anybody waits for one."""

    __slots__ = ("_is_set", "_waiting")

    def __init__(self) -> None:
        self._is_set = False
        self._waiting: tuple[asyncio.Future[None], ...] = ()

    def is_set(self) -> bool:
        """Say whether it is set."""
        return self._is_set

    def set(self) -> None:
        """Set it, and wake all who wait."""
        self._is_set = True
        for each in self._waiting:
            _wake(each)

    def clear(self) -> None:
        """Take it back; who was woken stays awake."""
        self._is_set = False

    async def wait(self) -> None:
        """Wait until it is set."""
        if not self._is_set:
            await self._wait(asyncio.get_running_loop().create_future())

    async def wait_at_most(self, clock: Clock, seconds: float) -> None:
        """Wait until it is set, but at most so many seconds; infinity is without limit."""
        if seconds == float("inf"):
            await self.wait()
        elif not self._is_set:
            woken = asyncio.get_running_loop().create_future()
            sleep = asyncio.ensure_future(clock.sleep(max(seconds, 0.0)))
            sleep.add_done_callback(lambda _: _wake(woken))
            try:
                await self._wait(woken)
            finally:
                sleep.cancel()

    async def _wait(self, woken: asyncio.Future[None]) -> None:
        self._waiting = (*self._waiting, woken)
        try:
            await woken
        finally:
            self._waiting = tuple(each for each in self._waiting if each is not woken)


class Bell:
    """Wakes everyone who waits for news.

    Who takes `next` first and then looks at how things are misses nothing: any later ring sets that flag, and
    nobody ever clears it.
    """

    __slots__ = ("_next",)

    def __init__(self) -> None:
        self._next = Flag()

    @property
    def next(self) -> Flag:
        """The flag that the next ring sets."""
        return self._next

    def ring(self) -> None:
        """Wake all who wait."""
        self._next.set()
        self._next = Flag()


def _wake(sleeper: asyncio.Future[None]) -> None:
    if not sleeper.done():
        sleeper.set_result(None)
