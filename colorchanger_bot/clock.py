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
